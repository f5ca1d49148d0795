//! Does what a person wants, to the state and to the store. What needs the terminal, or another process, is handed back.

use std::path::PathBuf;

use orkee_core::checkout;
use orkee_core::project::{Project, ProjectId};
use orkee_core::store::{Choice, Conflict, Store};

use super::keys::{Action, Motion};
use super::list::{Cursor, Scroll};
use super::state::{Agreed, Dialog, Form, History, Mode, State, View};
use super::takeback::{self, Done};
use crate::commands::projects::add;
use crate::failure::Failure;
use crate::output::text;

/// What is to be done outside of the state and the store.
#[derive(Debug)]
pub(super) enum Effect {
    /// The project, in the person's editor.
    Edit(ProjectId),
    /// A third value for a conflict, in the person's editor.
    Write(Box<Conflict>),
    Sync,
    Suspend,
    Redraw,
}

/// Does one thing.
pub(super) fn act(state: &mut State, store: &mut Store, action: Action) -> Result<Option<Effect>, Failure> {
    state.message = None;
    match action {
        Action::Move(motion) => go(state, store, motion)?,
        Action::Scroll(motion) => state.reading.go(motion),
        Action::Open if state.detail.is_some() => state.enter(View::Project),
        Action::Open => {}
        Action::Back => back(state, store)?,
        Action::Quit => state.leaving = Some(false),
        Action::Interrupt => state.leaving = Some(true),
        Action::Filter => state.filtering = true,
        Action::Type(_) | Action::Erase | Action::EraseWord | Action::EraseAll => type_on(state, action),
        Action::NextField => {
            if let Some(Dialog::New(form)) = &mut state.dialog {
                form.at_folder = !form.at_folder;
            }
        }
        Action::Accept => accept(state, store)?,
        Action::Sort => {
            state.list.sort_next();
            state.is_stale = true;
            state.tell(format!("Ordered by {}", state.list.order()));
        }
        Action::New => state.dialog = Some(Dialog::New(new_form())),
        Action::Delete => ask_to_delete(state),
        Action::Undo => takeback::take_back(state, store)?,
        Action::History => open_history(state, store)?,
        Action::Revert => ask_to_revert(state),
        Action::Conflicts => open_conflicts(state, store)?,
        Action::Keep(choice) => keep(state, store, choice)?,
        Action::KeepAll(choice) => keep_all(state, store, choice)?,
        Action::Help => state.dialog = Some(Dialog::Help(Scroll::default())),
        Action::Edit => return edit(state, store),
        Action::Write => {
            store.must_be_open()?;
            return Ok(state.conflict_shown().map(Box::new).map(Effect::Write));
        }
        Action::Sync => return Ok(Some(Effect::Sync)),
        Action::Suspend => return Ok(Some(Effect::Suspend)),
        Action::Redraw => return Ok(Some(Effect::Redraw)),
    }
    Ok(None)
}

fn go(state: &mut State, store: &Store, motion: Motion) -> Result<(), Failure> {
    if let Some(Dialog::Help(scroll)) = &mut state.dialog {
        scroll.go(motion);
        return Ok(());
    }
    match state.view {
        View::Projects => state.list.cursor.go(motion, state.list.rows.len()),
        View::Project => {
            state.reading.go(motion);
            return Ok(());
        }
        View::History => {
            state.reading = Scroll::default();
            if let Some(history) = &mut state.history {
                history.cursor.go(motion, history.entries.len());
            }
        }
        View::Conflicts => {
            state.reading = Scroll::default();
            state.settling.go(motion, state.conflicts.len());
        }
    }
    Ok(state.look(store)?)
}

fn back(state: &mut State, store: &Store) -> Result<(), Failure> {
    if state.dialog.take().is_some() {
        return Ok(());
    }
    match state.view {
        View::Projects => {
            state.filtering = false;
            if !state.list.search.is_empty() {
                state.list.search.clear();
                state.is_stale = true;
            }
        }
        View::Project | View::History | View::Conflicts => state.leave(),
    }
    Ok(state.look(store)?)
}

fn type_on(state: &mut State, action: Action) {
    let text = match &mut state.dialog {
        Some(Dialog::New(form)) => form.typed(),
        _ => {
            state.is_stale = true;
            state.list.cursor.at = 0;
            &mut state.list.search
        }
    };
    match action {
        Action::Type(c) => text.push(c),
        Action::Erase => {
            text.pop();
        }
        Action::EraseWord => {
            let kept = text.trim_end().rfind(' ').map_or(0, |space| space + 1);
            text.truncate(kept);
        }
        _ => text.clear(),
    }
}

fn accept(state: &mut State, store: &mut Store) -> Result<(), Failure> {
    match state.mode() {
        Mode::Filter => state.filtering = false,
        Mode::Form => return add_project(state, store),
        Mode::Confirm => {
            if let Some(Dialog::Confirm { then, .. }) = state.dialog.take() {
                return agreed(state, store, then);
            }
        }
        _ => {}
    }
    Ok(())
}

fn agreed(state: &mut State, store: &mut Store, then: Agreed) -> Result<(), Failure> {
    match then {
        Agreed::Delete(id) => {
            let name = text::spelled(&store.delete(id)?.name());
            state.wrote();
            state.done.push(Done::Deleted(id));
            if state.view == View::Project {
                state.leave();
            }
            state.tell(format!("Deleted {name}. u takes it back"));
        }
        Agreed::Revert(id, n) => {
            let updated = takeback::changing(state, store, id, |store| Ok(store.revert(id, n)?))?;
            if let Some(history) = &mut state.history {
                history.cursor = Cursor::default();
            }
            match updated.fields.as_slice() {
                [] => state.tell(format!("It is like version {n} already")),
                changed => {
                    let changed = takeback::fields(changed);
                    state.tell(format!("As in version {n} again: {changed}. u takes it back"));
                }
            }
        }
        Agreed::UndoPoint(point) => takeback::undo_point(state, store, point)?,
    }
    Ok(())
}

/// As `orkee projects add` in the folder that the interface was started in.
fn new_form() -> Form {
    let folder = std::env::current_dir().ok().and_then(|folder| folder.to_str().map(str::to_owned));
    Form { folder: folder.unwrap_or_default(), ..Form::default() }
}

fn add_project(state: &mut State, store: &mut Store) -> Result<(), Failure> {
    let Some(Dialog::New(form)) = &mut state.dialog else { return Ok(()) };
    if form.name.trim().is_empty() {
        form.at_folder = false;
        state.deny("A project needs a name");
        return Ok(());
    }
    let mut project = Project::new(ProjectId::random(), form.name.trim());
    if !form.folder.trim().is_empty() {
        let folder = add::absolute(&folder(form.folder.trim()))?;
        project.git_repository = checkout::repository(&folder);
        project.project_root = Some(add::utf8(&folder)?.to_owned());
    }
    let payload = store.add(project)?;
    state.dialog = None;
    state.done.push(Done::Added(payload.id(), store.get(payload.id())?.number));
    state.list.search.clear();
    state.list.read(store)?;
    state.list.select(payload.id());
    state.wrote();
    state.tell(format!("Added {}. u takes it back", text::spelled(&payload.name())));
    Ok(())
}

/// A folder as it is typed: no shell is there to read `~/`.
fn folder(typed: &str) -> PathBuf {
    let home = std::env::home_dir().filter(|_| typed == "~" || typed.starts_with("~/"));
    match home {
        Some(home) => home.join(typed.trim_start_matches(['~', '/'])),
        None => PathBuf::from(typed),
    }
}

/// The project that the person is at, in words.
fn named(state: &State) -> Option<(ProjectId, String)> {
    state.detail.as_ref().map(|detail| (detail.id, detail.name.clone()))
}

fn ask_to_delete(state: &mut State) {
    let Some((id, name)) = named(state) else { return };
    let question = format!("Delete {name} ({id})? Its folder and files are left alone.");
    state.dialog = Some(Dialog::Confirm { question, then: Agreed::Delete(id) });
}

fn edit(state: &State, store: &Store) -> Result<Option<Effect>, Failure> {
    let Some((id, _)) = named(state) else { return Ok(None) };
    store.must_be_open()?;
    Ok(Some(Effect::Edit(id)))
}

fn open_history(state: &mut State, store: &Store) -> Result<(), Failure> {
    let of_conflict = (state.view == View::Conflicts).then(|| state.conflict()).flatten();
    let named = match of_conflict {
        Some(conflict) => Some((conflict.id, text::spelled(&conflict.project))),
        None => named(state),
    };
    let Some((id, name)) = named else { return Ok(()) };
    let entries = store.history(id)?.into_iter().rev().collect();
    state.enter(View::History);
    state.history = Some(History { id, name, entries, cursor: Cursor::default() });
    Ok(())
}

fn ask_to_revert(state: &mut State) {
    let Some(history) = &state.history else { return };
    let Some(entry) = history.entry() else { return };
    if entry.deleted {
        return state.deny("This version is the deletion: there is nothing to go back to");
    }
    if history.cursor.at == 0 {
        return state.deny("This is the version that stands");
    }
    let question = format!(
        "Make {} what it was in version {}? What is now stays in its history.",
        history.name, entry.n
    );
    let then = Agreed::Revert(history.id, entry.n);
    state.dialog = Some(Dialog::Confirm { question, then });
}

/// Starts at those of the project that the person is at.
fn open_conflicts(state: &mut State, store: &Store) -> Result<(), Failure> {
    if state.conflicts.is_empty() {
        state.tell("No conflicts");
        return Ok(());
    }
    let at = state.list.selected();
    let own = state.conflicts.iter().position(|waits| Some(waits.conflict.id) == at);
    state.settling = Cursor { at: own.unwrap_or(0), ..Cursor::default() };
    state.done_before = state.done.len();
    state.enter(View::Conflicts);
    Ok(state.look(store)?)
}

fn keep(state: &mut State, store: &mut Store, choice: Choice) -> Result<(), Failure> {
    store.must_be_open()?;
    let Some(conflict) = state.conflict_shown() else { return Ok(()) };
    let as_shown = decide(state, store, &conflict, choice)?;
    settled(state, &conflict, as_shown.then_some(choice));
    state.read(store)?;
    leave_if_settled(state);
    Ok(())
}

/// False: it was not as it is shown any more.
fn decide(
    state: &mut State,
    store: &mut Store,
    conflict: &Conflict,
    choice: Choice,
) -> Result<bool, Failure> {
    takeback::deciding(
        state,
        store,
        conflict,
        |store| Ok(store.settle(conflict, choice)?),
        |settled| *settled,
    )
}

/// Says what became of a conflict; none: it was not as it was shown any more.
fn settled(state: &mut State, conflict: &Conflict, choice: Option<Choice>) {
    let (field, project) = (text::spelled(&conflict.field), text::spelled(&conflict.project));
    match choice {
        Some(Choice::Local) => {
            state.tell(format!("{field} of {project} stays as it is here. u takes it back"))
        }
        Some(Choice::Cloud) => {
            state.tell(format!("{field} of {project} is the cloud's now. u takes it back"))
        }
        None => {
            state.deny(format!("{field} of {project} was changed while you looked at it; here it is again"))
        }
    }
}

/// Each is decided as it is listed; one that has another value by now waits on.
fn keep_all(state: &mut State, store: &mut Store, choice: Choice) -> Result<(), Failure> {
    store.must_be_open()?;
    let Some(Conflict { id, project, .. }) = state.conflict_shown() else { return Ok(()) };
    let own = state.conflicts.iter().filter(|waits| waits.conflict.id == id);
    let own: Vec<Conflict> = own.map(|waits| waits.conflict.clone()).collect();
    let (mut count, mut left) = (0, 0);
    for conflict in &own {
        match decide(state, store, conflict, choice)? {
            true => count += 1,
            false => left += 1,
        }
    }
    let project = text::spelled(&project);
    let whose = if choice == Choice::Local { "as it is here" } else { "as in the cloud" };
    match left {
        0 => state.tell(format!("Settled {count} of {project}, {whose}. u takes back the last")),
        left => state.deny(format!("Settled {count} of {project}; {left} changed meanwhile and wait")),
    }
    state.read(store)?;
    leave_if_settled(state);
    Ok(())
}

/// The last conflict is gone: back to where the person came from.
pub(super) fn leave_if_settled(state: &mut State) {
    if state.view == View::Conflicts && state.conflicts.is_empty() {
        state.leave();
        let told = state.message.take().map(|message| message.text).unwrap_or_default();
        state.tell(format!("{told}. No conflict is left: s sends it").trim_start_matches(". "));
    }
}
