//! Taking back what was done here, one after the other; before that, what a restore point has kept. Taking back is an edit itself and loses
//! nothing: the history has every version.

use orkee_core::project::ProjectId;
use orkee_core::store::Store;

use super::state::{Agreed, Dialog, State};
use crate::failure::Failure;
use crate::output::text;

/// Something that was done here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// The project, in this version.
    Added(ProjectId, u64),
    Deleted(ProjectId),
    /// From one version of a project to another.
    Changed {
        id: ProjectId,
        before: u64,
        after: u64,
    },
}

/// Does something to a project and keeps the way back, if it made a new version.
pub(super) fn changing<T>(
    state: &mut State,
    store: &mut Store,
    id: ProjectId,
    work: impl FnOnce(&mut Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let before = store.get(id)?.number;
    let result = work(store);
    // What was written before a failure was written.
    state.wrote();
    let result = result?;
    keep_way_back(state, store, id, before)?;
    Ok(result)
}

/// Keeps the way back over the newest version, if it is newer than `before`. What others wrote before that one, such as while an editor
/// was open, stays when it is taken back.
fn keep_way_back(state: &mut State, store: &Store, id: ProjectId, before: u64) -> Result<(), Failure> {
    let after = store.get(id)?.number;
    if after > before {
        state.done.push(Done::Changed { id, before: after - 1, after });
    }
    Ok(())
}

/// Takes back the last thing that was done here; where there is none, asks whether to undo the newest restore point.
pub(super) fn take_back(state: &mut State, store: &mut Store) -> Result<(), Failure> {
    let Some(done) = state.done.last().cloned() else { return ask(state, store) };
    state.wrote();
    take_back_one(state, store, done)?;
    // A failure leaves it to be tried again.
    state.done.pop();
    Ok(())
}

fn take_back_one(state: &mut State, store: &mut Store, done: Done) -> Result<(), Failure> {
    match done {
        Done::Added(id, number) => {
            let stored = store.get(id)?;
            let name = text::spelled(&stored.payload.name());
            if stored.number != number {
                state.deny(format!("{name} was changed since it was added: d deletes it"));
                return Ok(());
            }
            store.delete(id)?;
            state.tell(format!(
                "Took back the new project {name}; orkee projects restore {id} brings it again"
            ));
        }
        Done::Deleted(id) => {
            let name = text::spelled(&store.restore(id)?.name());
            state.list.read(store)?;
            state.list.select(id);
            state.tell(format!("{name} is back"));
        }
        Done::Changed { id, before, after } => {
            let stored = store.get(id)?;
            let name = text::spelled(&stored.payload.name());
            if stored.number != after {
                state.deny(format!("{name} was changed since: h shows its versions, r goes back to one"));
                return Ok(());
            }
            store.must_be_open()?;
            let updated = store.revert(id, before)?;
            let name = text::spelled(&updated.payload.name());
            state.tell(format!("Took back {} of {name}", fields(&updated.fields)));
        }
    }
    Ok(())
}

fn ask(state: &mut State, store: &Store) -> Result<(), Failure> {
    let Some(point) = store.points()?.into_iter().next() else {
        state.deny("There is nothing to take back");
        return Ok(());
    };
    let projects =
        if point.projects == 1 { "1 project".to_owned() } else { format!("{} projects", point.projects) };
    let (operation, at) = (text::spelled(&point.operation), text::minute(&point.at));
    state.dialog = Some(Dialog::Confirm {
        question: format!("Undo `{operation}` of {at}, which overwrote {projects}?"),
        then: Agreed::UndoPoint(point.number),
    });
    Ok(())
}

/// Undoes a restore point, to which the person agreed.
pub(super) fn undo_point(state: &mut State, store: &mut Store, point: u64) -> Result<(), Failure> {
    store.must_be_open()?;
    let undone = store.undo(Some(point))?;
    state.wrote();
    let operation = text::spelled(&undone.operation);
    match undone.projects.len() {
        0 => state.deny(format!("Nothing to give back of: {operation}")),
        1 => state.tell(format!("Undone: {operation}, 1 project is what it was")),
        n => state.tell(format!("Undone: {operation}, {n} projects are what they were")),
    }
    Ok(())
}

/// Fields in a sentence.
pub(super) fn fields(fields: &[String]) -> String {
    match fields {
        [] => "nothing".to_owned(),
        fields => fields.iter().map(|field| text::spelled(field)).collect::<Vec<_>>().join(", "),
    }
}
