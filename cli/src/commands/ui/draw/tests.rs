//! Whole screens, as a person sees them.

use orkee_core::project::Project;
use orkee_core::store::{Options, Store};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::commands::ui::act::{Effect, act};
use crate::commands::ui::keys::action;

const PLAIN: Theme = Theme { color: false, ascii: false };

/// The interface without a terminal: what is pressed is done, and what is drawn can be read.
struct Ui {
    state: State,
    store: Store,
    effects: Vec<Effect>,
}

impl Ui {
    fn of(projects: impl IntoIterator<Item = Project>) -> Self {
        let mut store = Options::default().device("laptop").in_memory().unwrap();
        for project in projects {
            store.add(project).unwrap();
        }
        let mut ui = Self { state: State::default(), store, effects: Vec::new() };
        ui.state.read(&ui.store).unwrap();
        ui
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                '\u{7f}' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            let Some(action) = action(self.state.mode(), KeyEvent::new(code, KeyModifiers::NONE)) else {
                panic!("{c:?} means nothing here")
            };
            self.effects.extend(act(&mut self.state, &mut self.store, action).unwrap());
            if self.state.is_stale {
                self.state.read(&self.store).unwrap();
            }
        }
        self
    }

    fn drawn(&mut self, width: u16, height: u16, theme: Theme) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        terminal
            .draw(|frame| {
                draw(&mut self.state, theme, frame.buffer_mut(), now);
            })
            .unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen, a line for each line of it.
    fn screen(&mut self, width: u16, height: u16) -> String {
        text_of(&self.drawn(width, height, PLAIN))
    }

    fn names(&self) -> Vec<&str> {
        self.state.list.rows.iter().map(|row| row.name.as_str()).collect()
    }
}

fn text_of(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let mut text = String::new();
    for row in buffer.content.chunks(width) {
        let mut line = String::new();
        let mut hidden = 0;
        for cell in row {
            // Behind a wide letter stands a cell that is not seen.
            if hidden == 0 {
                line.push_str(cell.symbol());
                hidden = cell.symbol().width().saturating_sub(1);
            } else {
                hidden -= 1;
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn project(id: &str, name: &str) -> Project {
    let at = Some("2026-03-01T09:00:00Z".parse().unwrap());
    Project { created_at: at, updated_at: at, ..Project::new(id.parse().unwrap(), name) }
}

fn some() -> Vec<Project> {
    let shop = Project {
        status: "building".parse().unwrap(),
        priority: "high".parse().unwrap(),
        tags: vec!["web".to_owned(), "rust".to_owned()],
        description: Some("Sells things.\nOn the internet.".to_owned()),
        dev_script: Some("npm run dev".to_owned()),
        ..project("aaaaaaaa", "shop")
    };
    let japanese = Project {
        status: "review".parse().unwrap(),
        ..project("bbbbbbbb", "日本語の名前がとても長いプロジェクトです")
    };
    vec![shop, project("cccccccc", "site"), japanese]
}

#[test]
fn d60_the_list_and_the_project_that_one_is_at_stand_side_by_side() {
    let screen = Ui::of(some()).screen(100, 14);
    let status = if cfg!(feature = "cloud") { "Never synced: s syncs" } else { "On this device alone" };
    let keys = if cfg!(feature = "cloud") {
        "/ filter  enter open  s sync  c conflicts  h history  n new  e edit  d delete      ? help  q quit"
    } else {
        "/ filter  enter open  h history  n new  e edit  d delete  u undo  o order          ? help  q quit"
    };
    let expected = format!(
        "\
\u{20}Projects  3, by name
────────────────────────────────────────────────────────────┬───────────────────────────────────────
    NAME                   STATUS    PRIO    TAGS           │ shop
▌   shop                   building  high    web rust       │ id          aaaaaaaa
    site                   planning  medium                 │ status      building
    日本語の名前がとても…  review    medium                 │ priority    high
                                                            │ tags        web, rust
                                                            │ description Sells things.
                                                            │             On the internet.
                                                            │ dev         npm run dev
                                                            │ created     2026-03-01 09:00 UTC     ↓
────────────────────────────────────────────────────────────┴───────────────────────────────────────
 {status}
 {keys}
"
    );
    assert_eq!(screen, expected, "\n{screen}");
}

#[test]
fn d60_on_a_narrow_terminal_the_list_stands_alone_and_enter_opens_the_project() {
    let mut ui = Ui::of(some());
    let screen = ui.screen(40, 10);
    assert!(
        screen.contains("▌   shop") && screen.contains("building") && !screen.contains("aaaaaaaa"),
        "{screen}"
    );
    assert_eq!(screen.lines().count(), 10);
    let screen = ui.press("\n").screen(40, 10);
    assert!(screen.contains("id          aaaaaaaa") && !screen.contains("site"), "{screen}");
    let screen = ui.press("G").screen(40, 10);
    assert!(screen.contains("version     1 by laptop"), "{screen}");
    let screen = ui.press("\u{1b}").screen(40, 10);
    assert!(screen.contains("site"), "{screen}");
}

#[test]
fn d60_where_nothing_can_be_read_a_sentence_says_so() {
    let mut ui = Ui::of(some());
    let told = |screen: String| screen.split_whitespace().collect::<Vec<_>>().join(" ");
    for (width, height) in [(20, 24), (27, 10), (100, 5)] {
        let screen = told(ui.screen(width, height));
        assert!(screen.starts_with("orkee ui needs 28 columns and 6 lines. q quits"), "{screen}");
    }
    // However small it is, drawing fails nothing.
    for (width, height) in [(1, 1), (2, 50), (28, 6), (300, 6), (28, 100)] {
        for keys in ["", "?", "\u{1b}n", "\u{1b}h", "\u{1b}d", "\u{1b}"] {
            ui.press(keys).screen(width, height);
        }
    }
}

#[test]
fn d62_control_characters_in_what_others_wrote_are_spelled_out() {
    let evil = "a\u{1b}[31mred\u{202e}\u{7}";
    let mut ui = Ui::of(some());
    let row = &mut ui.state.list.rows[0];
    row.name = evil.to_owned();
    (row.status, row.priority, row.updated_at) =
        (Some(evil.to_owned()), Some(evil.to_owned()), Some(evil.to_owned()));
    row.tags = vec![evil.to_owned()];
    let detail = ui.state.detail.as_mut().unwrap();
    detail.fields.push((evil.to_owned(), evil.to_owned()));
    ui.state.list.search = evil.to_owned();
    for (width, height) in [(100, 24), (40, 10)] {
        let screen = ui.screen(width, height);
        assert!(!screen.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{screen:?}");
        assert!(screen.contains("a\\u{1b}[31mr"), "{screen}");
    }
}

#[test]
fn d62_without_utf_8_nothing_but_ascii_is_drawn_and_columns_stay() {
    let mut ui = Ui::of(some());
    let buffer = ui.drawn(100, 14, Theme { color: true, ascii: true });
    let screen = text_of(&buffer);
    assert!(screen.is_ascii(), "{screen}");
    assert!(screen.contains(">   shop") && screen.contains("+----"), "{screen}");
    let bar = |line: &str| line.find('|');
    let columns: Vec<_> = screen.lines().filter_map(bar).collect();
    assert!(columns.len() > 5 && columns.iter().all(|at| *at == columns[0]), "{screen}");
}

#[test]
fn d62_without_colour_there_is_none_and_everything_can_still_be_told_apart() {
    let mut ui = Ui::of(some());
    for keys in ["", "h", "\u{1b}?"] {
        let buffer = ui.press(keys).drawn(100, 20, PLAIN);
        assert!(
            buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
            "{keys}"
        );
    }
    let buffer = ui.press("\u{1b}").drawn(100, 20, Theme { color: true, ascii: false });
    assert!(buffer.content.iter().any(|cell| cell.fg == Color::Cyan));
}

#[test]
fn d63_a_filter_is_seen_while_it_is_typed_and_esc_takes_it_away() {
    let mut ui = Ui::of(some());
    ui.press("/inter");
    assert_eq!(ui.names(), ["shop"]);
    let screen = ui.screen(60, 12);
    assert!(screen.contains("Projects  1 of 3, by name  /inter"), "{screen}");
    ui.press("\n");
    assert_eq!((ui.state.mode(), ui.names()), (Mode::Projects, vec!["shop"]));
    ui.press("/x");
    assert!(ui.names().is_empty());
    assert!(ui.screen(60, 12).contains("No project has this. esc shows all again"));
    ui.press("\u{7f}\u{1b}");
    assert_eq!((ui.state.mode(), ui.names().len()), (Mode::Projects, 3));
}

#[test]
fn d63_another_order_keeps_the_project_that_one_is_at() {
    let mut ui = Ui::of(some());
    ui.press("jo");
    assert_eq!(ui.state.list.selected(), Some("cccccccc".parse().unwrap()));
    assert!(ui.screen(60, 12).contains("by updated"));
    for order in ["status", "priority", "name"] {
        ui.press("o");
        assert_eq!(ui.state.list.order(), order);
    }
}

#[test]
fn d64_a_deletion_is_asked_about_and_undone() {
    let mut ui = Ui::of(some());
    for no in ["dn", "d\n", "d\u{1b}"] {
        ui.press(no);
        assert_eq!(ui.names().len(), 3, "{no:?}");
    }
    let screen = ui.press("d").screen(80, 14);
    assert!(screen.contains("Delete shop (aaaaaaaa)?"), "{screen}");
    ui.press("y");
    assert_eq!(ui.names().len(), 2);
    assert!(ui.screen(80, 14).contains("✓ Deleted shop. u takes it back"));
    ui.press("u");
    assert_eq!((ui.names().len(), ui.state.list.selected()), (3, Some("aaaaaaaa".parse().unwrap())));
    ui.press("u");
    assert!(ui.screen(80, 14).contains("There is nothing to take back"));
}

#[test]
fn d64_a_new_project_has_a_name_and_a_folder_and_can_be_taken_back() {
    let mut ui = Ui::of(some());
    ui.press("n\n");
    assert!(ui.screen(80, 14).contains("A project needs a name"));
    ui.press("zoo\n");
    assert_eq!(ui.names().len(), 4);
    let detail = ui.state.detail.as_ref().unwrap();
    assert_eq!(detail.name, "zoo");
    let here = std::env::current_dir().unwrap().display().to_string();
    assert!(detail.fields.iter().any(|(label, value)| label == "folder" && *value == here), "{detail:?}");
    ui.press("u");
    assert_eq!(ui.names().len(), 3);
    // What somebody did with it since is not thrown away.
    ui.press("nzebra\n");
    let id = ui.state.detail.as_ref().unwrap().id;
    ui.store
        .update::<orkee_core::store::StoreError>(id, |project| {
            project.tags.push("x".to_owned());
            Ok(())
        })
        .unwrap();
    ui.press("u");
    assert!(ui.screen(80, 14).contains("zebra was changed since it was added"));
    ui.store.delete(id).unwrap();
    ui.state.read(&ui.store).unwrap();
    // A folder that is not there is refused, and the form stays.
    ui.press("nx\t");
    let Some(crate::commands::ui::state::Dialog::New(form)) = &mut ui.state.dialog else { panic!() };
    form.folder = "/nowhere/at/all".to_owned();
    let accept = crate::commands::ui::keys::Action::Accept;
    assert!(act(&mut ui.state, &mut ui.store, accept).is_err());
    assert_eq!((ui.state.mode(), ui.store.count().unwrap()), (Mode::Form, 3));
}

#[test]
fn d67_the_history_shows_each_version_and_goes_back_to_one() {
    let mut ui = Ui::of(some());
    let id = "aaaaaaaa".parse().unwrap();
    let set = |store: &mut Store, text: &str| {
        let text = Some(text.to_owned());
        store.update::<orkee_core::store::StoreError>(id, |project| {
            project.description = text;
            Ok(())
        })
    };
    set(&mut ui.store, "Sells things.\nTo everybody.").unwrap();
    ui.state.read(&ui.store).unwrap();
    let screen = ui.press("h").screen(100, 20);
    for told in
        ["History of shop", "▌ 2 ", "Version 2", "  Sells things.", "- On the internet.", "+ To everybody."]
    {
        assert!(screen.contains(told), "{told}:\n{screen}");
    }
    let screen = ui.press("r").screen(100, 20);
    assert!(screen.contains("This is the version that stands"), "{screen}");
    let screen = ui.press("jr").screen(100, 20);
    assert!(screen.contains("Make shop what it was in version 1?"), "{screen}");
    ui.press("y");
    assert!(ui.screen(100, 20).contains("As in version 1 again: description. u takes it back"));
    let description = |ui: &Ui| ui.store.get(id).unwrap().project().description.unwrap();
    assert_eq!(description(&ui), "Sells things.\nOn the internet.");
    ui.press("u");
    assert_eq!(description(&ui), "Sells things.\nTo everybody.");
    // What somebody else changed since is not taken back with it.
    ui.press("jry");
    set(&mut ui.store, "Another process").unwrap();
    ui.press("u");
    assert!(ui.screen(100, 20).contains("shop was changed since"));
    assert_eq!(description(&ui), "Another process");
}

#[test]
fn d61_the_help_names_every_key_and_scrolls_where_it_must() {
    let mut ui = Ui::of(some());
    let screen = ui.press("?").screen(80, 40);
    for binding in keys::bindings(Mode::Projects) {
        assert!(screen.contains(binding.does), "{}:\n{screen}", binding.does);
    }
    let screen = ui.screen(40, 10);
    assert!(!screen.contains("draw everything anew"), "{screen}");
    let screen = ui.press("G").screen(40, 10);
    assert!(screen.contains("its folder is not on"), "{screen}");
    ui.press("\u{1b}");
    assert_eq!(ui.state.mode(), Mode::Projects);
}

#[test]
fn d68_a_hundred_thousand_projects_are_drawn_as_quickly_as_ten() {
    let mut ui = Ui::of([]);
    let row = |n: u32| orkee_core::store::Summary {
        id: orkee_core::project::ProjectId::random(),
        name: format!("project {n}"),
        status: Some("planning".to_owned()),
        priority: None,
        rank: None,
        tags: Vec::new(),
        updated_at: None,
    };
    ui.state.list.rows = (0..100_000).map(row).collect();
    ui.state.list.cursor.at = 99_999;
    let screen = ui.screen(100, 30);
    assert!(screen.contains("▌   project 99999") && screen.contains("project 99980"), "{screen}");
    assert!(!screen.contains("project 99970"), "{screen}");
    // A window is looked at, whatever the length of the list.
    let window = ui.state.list.cursor.window(20, 100_000);
    assert_eq!(window, 99_980..100_000);
}

#[cfg(feature = "cloud")]
#[test]
fn d72_the_line_of_status_says_what_counts_first_and_leaves_out_what_there_is_no_room_for() {
    use crate::commands::cloud::automatic::Brief;
    let mut ui = Ui::of(some());
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let line = |ui: &mut Ui, width: u16| {
        let screen = ui.screen(width, 14);
        screen.lines().nth(12).map(str::to_owned).unwrap_or_default()
    };
    ui.state.live.automatic = Brief { signed_out: true, ..Brief::default() };
    assert_eq!(line(&mut ui, 100), " Not signed in: orkee cloud login");
    ui.state.live.automatic = Brief { is_watched: true, is_on: true, ..Brief::default() };
    ui.state.live.last_sync_at = at("2026-03-01T11:57:00Z");
    ui.state.live.standing.waiting = 0;
    assert_eq!(line(&mut ui, 100), " ✓ In step  ·  synced 3 min ago  ·  watcher running");
    ui.state.live.standing.waiting = 2;
    ui.state.live.standing.conflicts = 1;
    ui.state.live.automatic = Brief {
        is_on: true,
        next: at("2026-03-01T12:01:30Z"),
        failure: Some("cannot reach the server".to_owned()),
        ..Brief::default()
    };
    assert_eq!(
        line(&mut ui, 160),
        " ↑ 2 to send  ·  ✗ last sync failed: cannot reach the server (again in 90 s)  ·  ! 1 project in conflict  ·  synced 3 min ago  ·  syncs by itself"
    );
    assert_eq!(line(&mut ui, 40), " ↑ 2 to send");
}
