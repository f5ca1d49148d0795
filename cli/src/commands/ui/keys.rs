//! What a key means where the person is. One table for what is done and for what the help says of it.

use orkee_core::store::Choice;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::Mode;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Move(Motion),
    /// The text beside the list.
    Scroll(Motion),
    Open,
    Back,
    Quit,
    /// Ctrl-C: as everywhere, the process says that it was interrupted.
    Interrupt,
    Filter,
    Type(char),
    Erase,
    EraseWord,
    EraseAll,
    Accept,
    NextField,
    Sort,
    New,
    Edit,
    Delete,
    Undo,
    History,
    Revert,
    Conflicts,
    Keep(Choice),
    /// The same for all conflicts of the project.
    KeepAll(Choice),
    /// A third value, in the editor.
    Write,
    Sync,
    Help,
    Suspend,
    Redraw,
}

impl Action {
    /// Whether it may change what is stored, or have it changed.
    pub(super) fn may_write(self, mode: Mode) -> bool {
        match self {
            Self::Accept => matches!(mode, Mode::Form | Mode::Confirm),
            Self::Edit | Self::Undo | Self::Keep(_) | Self::KeepAll(_) | Self::Write | Self::Sync => true,
            _ => false,
        }
    }
}

/// Where to go in what is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    Up,
    Down,
    HalfUp,
    HalfDown,
    PageUp,
    PageDown,
    First,
    Last,
}

/// Keys that do one thing.
pub(super) struct Binding {
    keys: &'static [Key],
    /// As the help shows them.
    pub(super) shown: &'static str,
    /// In a word, for the line at the bottom; none: it stands in the help alone.
    pub(super) word: Option<&'static str>,
    /// In a sentence.
    pub(super) does: &'static str,
    action: Action,
    /// It needs the feature `cloud`.
    cloud: bool,
}

type Key = (KeyCode, KeyModifiers);

const fn char(c: char) -> Key {
    (KeyCode::Char(c), KeyModifiers::NONE)
}

const fn ctrl(c: char) -> Key {
    (KeyCode::Char(c), KeyModifiers::CONTROL)
}

const fn code(code: KeyCode) -> Key {
    (code, KeyModifiers::NONE)
}

const fn bind(
    keys: &'static [Key],
    shown: &'static str,
    word: Option<&'static str>,
    does: &'static str,
    action: Action,
) -> Binding {
    Binding { keys, shown, word, does, action, cloud: false }
}

const fn cloud(binding: Binding) -> Binding {
    Binding { cloud: true, ..binding }
}

const DOWN: Binding = bind(
    &[char('j'), code(KeyCode::Down), ctrl('n')],
    "j ↓",
    None,
    "one further down",
    Action::Move(Motion::Down),
);
const UP: Binding =
    bind(&[char('k'), code(KeyCode::Up), ctrl('p')], "k ↑", None, "one further up", Action::Move(Motion::Up));
const HALF_DOWN: Binding = bind(&[ctrl('d')], "^d", None, "half a page down", Action::Move(Motion::HalfDown));
const HALF_UP: Binding = bind(&[ctrl('u')], "^u", None, "half a page up", Action::Move(Motion::HalfUp));
const PAGE_DOWN: Binding = bind(
    &[code(KeyCode::PageDown), ctrl('f'), char(' ')],
    "^f PgDn",
    None,
    "a page down",
    Action::Move(Motion::PageDown),
);
const PAGE_UP: Binding =
    bind(&[code(KeyCode::PageUp), ctrl('b')], "^b PgUp", None, "a page up", Action::Move(Motion::PageUp));
const FIRST: Binding =
    bind(&[char('g'), code(KeyCode::Home)], "g Home", None, "to the first", Action::Move(Motion::First));
const LAST: Binding =
    bind(&[char('G'), code(KeyCode::End)], "G End", None, "to the last", Action::Move(Motion::Last));
const SCROLL_DOWN: Binding =
    bind(&[char('J')], "J", None, "the text on, half a page", Action::Scroll(Motion::HalfDown));
const SCROLL_UP: Binding =
    bind(&[char('K')], "K", None, "the text back, half a page", Action::Scroll(Motion::HalfUp));
const HELP: Binding = bind(&[char('?'), code(KeyCode::F(1))], "?", Some("help"), "these keys", Action::Help);
const QUIT: Binding = bind(&[char('q')], "q", Some("quit"), "leave", Action::Quit);
const INTERRUPT: Binding = bind(&[ctrl('c')], "^c", None, "leave at once", Action::Interrupt);
const SUSPEND: Binding =
    bind(&[ctrl('z')], "^z", None, "back to the shell; `fg` comes back", Action::Suspend);
const REDRAW: Binding = bind(&[ctrl('l')], "^l", None, "draw everything anew", Action::Redraw);
const BACK: Binding =
    bind(&[code(KeyCode::Esc), code(KeyCode::Backspace)], "esc", Some("back"), "back", Action::Back);
const OPEN: Binding = bind(
    &[code(KeyCode::Enter), code(KeyCode::Tab)],
    "enter",
    Some("open"),
    "read the project in full",
    Action::Open,
);
const EDIT: Binding =
    bind(&[char('e'), char('E')], "e", Some("edit"), "change it in your editor", Action::Edit);
const DELETE: Binding = bind(
    &[char('d'), code(KeyCode::Delete)],
    "d",
    Some("delete"),
    "delete it; its folder is left alone",
    Action::Delete,
);
const UNDO: Binding = bind(&[char('u')], "u", Some("undo"), "take back what was done last", Action::Undo);
const HISTORY: Binding =
    bind(&[char('h')], "h", Some("history"), "what it was, version by version", Action::History);
const SYNC: Binding =
    cloud(bind(&[char('s')], "s", Some("sync"), "send and fetch what changed", Action::Sync));
const CONFLICTS: Binding =
    cloud(bind(&[char('c')], "c", Some("conflicts"), "what was changed on both sides", Action::Conflicts));

/// The line at the bottom shows as many of these as it has room for, so the first ones count.
const PROJECTS: &[Binding] = &[
    bind(&[char('/')], "/", Some("filter"), "show those with a text in them", Action::Filter),
    OPEN,
    SYNC,
    CONFLICTS,
    HISTORY,
    bind(&[char('n')], "n", Some("new"), "add a project", Action::New),
    EDIT,
    DELETE,
    UNDO,
    bind(&[char('o')], "o", Some("order"), "the next order: name, updated, status, priority", Action::Sort),
    bind(&[code(KeyCode::Esc)], "esc", None, "show all again", Action::Back),
];

const PROJECT: &[Binding] = &[BACK, EDIT, HISTORY, SYNC, CONFLICTS, DELETE, UNDO];

const VERSIONS: &[Binding] = &[
    bind(&[char('r')], "r", Some("revert"), "make the project what it was in this version", Action::Revert),
    BACK,
    UNDO,
];

const SETTLING: &[Binding] = &[
    cloud(bind(&[char('l')], "l", Some("local"), "keep the value here", Action::Keep(Choice::Local))),
    cloud(bind(&[char('c')], "c", Some("cloud"), "take the cloud's value", Action::Keep(Choice::Cloud))),
    cloud(bind(&[char('e'), char('E')], "e", Some("edit"), "write another value", Action::Write)),
    cloud(bind(
        &[char('L')],
        "L",
        None,
        "keep the values here in all fields of this project",
        Action::KeepAll(Choice::Local),
    )),
    cloud(bind(
        &[char('C')],
        "C",
        None,
        "take the cloud's in all fields of this project",
        Action::KeepAll(Choice::Cloud),
    )),
    UNDO,
    HISTORY,
    SYNC,
    BACK,
];

/// Wherever there is something to go through.
const MOVES: &[Binding] =
    &[DOWN, UP, HALF_DOWN, HALF_UP, PAGE_DOWN, PAGE_UP, FIRST, LAST, SCROLL_DOWN, SCROLL_UP];

/// Everywhere outside of a dialog.
const ALWAYS: &[Binding] = &[HELP, QUIT, INTERRUPT, SUSPEND, REDRAW];

const CLOSE: &[Binding] = &[
    bind(
        &[code(KeyCode::Esc), code(KeyCode::Enter), char('q'), char('?')],
        "esc",
        Some("close"),
        "close",
        Action::Back,
    ),
    INTERRUPT,
    SUSPEND,
    REDRAW,
];

const CONFIRM: &[Binding] = &[
    bind(&[char('y'), char('Y')], "y", Some("yes"), "yes", Action::Accept),
    bind(
        &[char('n'), char('N'), code(KeyCode::Esc), code(KeyCode::Enter), char('q')],
        "n",
        Some("no"),
        "no",
        Action::Back,
    ),
    INTERRUPT,
    SUSPEND,
    REDRAW,
];

const TYPING: &[Binding] = &[
    bind(&[code(KeyCode::Enter)], "enter", Some("keep"), "keep it", Action::Accept),
    bind(&[code(KeyCode::Esc)], "esc", Some("clear"), "leave it", Action::Back),
    bind(&[code(KeyCode::Backspace), ctrl('h')], "backspace", None, "a letter less", Action::Erase),
    bind(&[ctrl('w')], "^w", None, "a word less", Action::EraseWord),
    bind(&[ctrl('u')], "^u", None, "all of it", Action::EraseAll),
    bind(&[code(KeyCode::Down), ctrl('n')], "↓", None, "one further down", Action::Move(Motion::Down)),
    bind(&[code(KeyCode::Up), ctrl('p')], "↑", None, "one further up", Action::Move(Motion::Up)),
    INTERRUPT,
    SUSPEND,
    REDRAW,
];

const FORM: &[Binding] = &[
    bind(&[code(KeyCode::Enter)], "enter", Some("add"), "add it", Action::Accept),
    bind(
        &[code(KeyCode::Tab), code(KeyCode::BackTab), code(KeyCode::Down), code(KeyCode::Up)],
        "tab",
        Some("next field"),
        "the other field",
        Action::NextField,
    ),
    bind(&[code(KeyCode::Esc)], "esc", Some("leave"), "add nothing", Action::Back),
    bind(&[code(KeyCode::Backspace), ctrl('h')], "backspace", None, "a letter less", Action::Erase),
    bind(&[ctrl('w')], "^w", None, "a word less", Action::EraseWord),
    bind(&[ctrl('u')], "^u", None, "all of it", Action::EraseAll),
    INTERRUPT,
    SUSPEND,
    REDRAW,
];

/// The tables that hold in a mode, the most special first.
fn tables(mode: Mode) -> [&'static [Binding]; 3] {
    match mode {
        Mode::Projects => [PROJECTS, MOVES, ALWAYS],
        Mode::Project => [PROJECT, MOVES, ALWAYS],
        Mode::History => [VERSIONS, MOVES, ALWAYS],
        Mode::Conflicts => [SETTLING, MOVES, ALWAYS],
        Mode::Help => [CLOSE, MOVES, &[]],
        Mode::Notice => [CLOSE, &[], &[]],
        Mode::Confirm => [CONFIRM, &[], &[]],
        Mode::Filter => [TYPING, &[], &[]],
        Mode::Form => [FORM, &[], &[]],
    }
}

/// What can be pressed in a mode, in the order of the help.
pub(super) fn bindings(mode: Mode) -> impl Iterator<Item = &'static Binding> {
    tables(mode).into_iter().flatten().filter(|binding| cfg!(feature = "cloud") || !binding.cloud)
}

/// The keys that a terminal tells as this one. Alt with a letter comes as Esc and the letter do that are pressed quickly; nothing is
/// bound to the one, and both others may be meant.
pub(super) fn pressed(event: KeyEvent) -> impl Iterator<Item = KeyEvent> {
    let is_two = matches!(event.code, KeyCode::Char(_)) && event.modifiers.contains(KeyModifiers::ALT);
    let esc = KeyEvent { code: KeyCode::Esc, modifiers: KeyModifiers::NONE, ..event };
    let rest = KeyEvent { modifiers: event.modifiers - KeyModifiers::ALT, ..event };
    is_two.then_some(esc).into_iter().chain([if is_two { rest } else { event }])
}

/// What this key means in this mode; none: nothing.
pub(super) fn action(mode: Mode, event: KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    // A capital letter is one by itself.
    let modifiers = match event.code {
        KeyCode::Char(_) | KeyCode::BackTab => event.modifiers - KeyModifiers::SHIFT,
        _ => event.modifiers,
    };
    let is_it = |key: &Key| key.0 == event.code && key.1 == modifiers;
    if let Some(binding) = bindings(mode).find(|binding| binding.keys.iter().any(is_it)) {
        return Some(binding.action);
    }
    match event.code {
        KeyCode::Char(c)
            if matches!(mode, Mode::Filter | Mode::Form)
                && !c.is_control()
                && !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) =>
        {
            Some(Action::Type(c))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const MODES: [Mode; 9] = [
        Mode::Projects,
        Mode::Project,
        Mode::History,
        Mode::Conflicts,
        Mode::Help,
        Mode::Notice,
        Mode::Confirm,
        Mode::Filter,
        Mode::Form,
    ];

    fn press(mode: Mode, code: KeyCode, modifiers: KeyModifiers) -> Option<Action> {
        action(mode, KeyEvent::new(code, modifiers))
    }

    #[test]
    fn d61_every_key_of_the_help_does_one_thing_and_no_key_two() {
        for mode in MODES {
            let mut seen = HashSet::new();
            for binding in bindings(mode) {
                for (code, modifiers) in binding.keys {
                    assert!(seen.insert((*code, *modifiers)), "{mode:?}: {code:?} is bound twice");
                    assert_eq!(press(mode, *code, *modifiers), Some(binding.action), "{mode:?}: {code:?}");
                }
            }
        }
    }

    #[test]
    fn d61_a_key_means_the_same_wherever_it_means_something() {
        let meaning = |mode, c| press(mode, KeyCode::Char(c), KeyModifiers::NONE);
        for mode in [Mode::Projects, Mode::Project, Mode::History, Mode::Conflicts] {
            assert_eq!(meaning(mode, 'j'), Some(Action::Move(Motion::Down)));
            assert_eq!(meaning(mode, 'k'), Some(Action::Move(Motion::Up)));
            assert_eq!(meaning(mode, '?'), Some(Action::Help));
            assert_eq!(meaning(mode, 'q'), Some(Action::Quit));
            assert_eq!(meaning(mode, 'u'), Some(Action::Undo));
            assert_eq!(press(mode, KeyCode::Esc, KeyModifiers::NONE), Some(Action::Back));
        }
    }

    #[test]
    fn d61_letters_are_text_where_text_is_typed_and_ctrl_c_leaves_from_everywhere() {
        for mode in [Mode::Filter, Mode::Form] {
            for c in ['q', 'Q', 'j', '?', ' ', 'é', '日'] {
                assert_eq!(press(mode, KeyCode::Char(c), KeyModifiers::SHIFT), Some(Action::Type(c)));
            }
            assert_eq!(press(mode, KeyCode::Char('x'), KeyModifiers::ALT), None);
        }
        for mode in MODES {
            let pressed = press(mode, KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(pressed, Some(Action::Interrupt), "{mode:?}");
        }
    }

    #[test]
    fn d61_esc_and_a_letter_that_come_at_once_are_two_keys() {
        let keys = |code, modifiers| {
            let pressed = pressed(KeyEvent::new(code, modifiers));
            pressed.map(|key| (key.code, key.modifiers)).collect::<Vec<_>>()
        };
        let (none, alt) = (KeyModifiers::NONE, KeyModifiers::ALT);
        assert_eq!(keys(KeyCode::Char('n'), alt), [(KeyCode::Esc, none), (KeyCode::Char('n'), none)]);
        let control = KeyModifiers::CONTROL;
        assert_eq!(
            keys(KeyCode::Char('c'), alt | control),
            [(KeyCode::Esc, none), (KeyCode::Char('c'), control)]
        );
        assert_eq!(keys(KeyCode::Char('n'), none), [(KeyCode::Char('n'), none)]);
        assert_eq!(keys(KeyCode::Up, alt), [(KeyCode::Up, alt)]);
    }

    #[test]
    fn d61_only_a_y_agrees() {
        for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n'), KeyCode::Char('q')] {
            assert_eq!(press(Mode::Confirm, code, KeyModifiers::NONE), Some(Action::Back));
        }
        assert_eq!(press(Mode::Confirm, KeyCode::Char('d'), KeyModifiers::NONE), None);
        assert_eq!(press(Mode::Confirm, KeyCode::Char('y'), KeyModifiers::NONE), Some(Action::Accept));
    }

    #[test]
    fn d61_what_needs_the_cloud_is_offered_in_a_build_with_it_alone() {
        let sync = press(Mode::Projects, KeyCode::Char('s'), KeyModifiers::NONE);
        assert_eq!(sync.is_some(), cfg!(feature = "cloud"));
    }
}
