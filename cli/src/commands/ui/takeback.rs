//! Taking back what was done here, one after the other; before that, what a restore point has kept. Taking back is an edit itself and loses
//! nothing: the history has every version.

use orkee_core::project::ProjectId;
use orkee_core::store::{Conflict, Decided, Store, StoreError, Stored};

use super::state::{Agreed, Dialog, State, seen};
use crate::failure::Failure;
use crate::output::text;

/// Something that was done here.
#[derive(Debug, Clone)]
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
    /// What waited for a field of the project, and does not any more.
    Decided {
        id: ProjectId,
        decided: Decided,
        conflicts: Vec<Conflict>,
    },
}

impl Done {
    fn id(&self) -> ProjectId {
        match self {
            Self::Added(id, _) | Self::Deleted(id) | Self::Changed { id, .. } | Self::Decided { id, .. } => {
                *id
            }
        }
    }
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

/// Decides a conflict as it is shown, and keeps the way back. False: it was not as it is shown any more.
pub(super) fn deciding<T>(
    state: &mut State,
    store: &mut Store,
    shown: &Conflict,
    work: impl FnOnce(&mut Store) -> Result<T, Failure>,
    is_decided: impl FnOnce(&T) -> bool,
) -> Result<T, Failure> {
    let id = shown.id;
    let mut waited = store.conflicts(Some(id))?;
    let before = store.get(id)?.number;
    let result = work(store);
    state.wrote();
    let result = result?;
    if is_decided(&result) {
        let at = store.get(id)?.number;
        let waits = store.conflicts(Some(id))?;
        let ended = |conflict: &Conflict| !waits.iter().any(|other| seen(other) == seen(conflict));
        waited.retain(|conflict| conflict.field == shown.field && ended(conflict));
        let decided = Decided { at, wrote: at > before };
        state.done.push(Done::Decided { id, decided, conflicts: waited });
    }
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
    if state.is_deciding() && state.done.len() <= state.done_before {
        state.deny(
            "Nothing was decided here yet. esc leads back, and u there takes back what was done before",
        );
        return Ok(());
    }
    let Some(done) = state.done.last().cloned() else { return ask(state, store) };
    state.wrote();
    let stored = match store.get(done.id()) {
        Err(StoreError::Deleted { .. } | StoreError::NotFound { .. }) => None,
        stored => Some(stored?),
    };
    take_back_one(state, store, done, stored)?;
    // A failure leaves it to be tried again.
    state.done.pop();
    Ok(())
}

fn take_back_one(
    state: &mut State,
    store: &mut Store,
    done: Done,
    stored: Option<Stored>,
) -> Result<(), Failure> {
    let name = stored.as_ref().map(|stored| text::spelled(&stored.payload.name())).unwrap_or_default();
    match (done, stored) {
        (Done::Added(id, number), Some(stored)) => {
            if stored.number != number {
                state.deny(format!("{name} was changed since it was added: d deletes it"));
                return Ok(());
            }
            store.delete(id)?;
            state.tell(format!(
                "Took back the new project {name}; orkee projects restore {id} brings it again"
            ));
        }
        (Done::Deleted(id), None) => {
            let name = text::spelled(&store.restore(id)?.name());
            state.list.read(store)?;
            state.list.select(id);
            state.tell(format!("{name} is back"));
        }
        (Done::Deleted(_), Some(_)) => state.deny(format!("{name} is back already")),
        (Done::Changed { id, before, after }, Some(stored)) => {
            if stored.number != after {
                state.deny(format!("{name} was changed since: h shows its versions, r goes back to one"));
                return Ok(());
            }
            store.must_be_open()?;
            let updated = store.revert(id, before)?;
            let name = text::spelled(&updated.payload.name());
            state.tell(format!("Took back {} of {name}", fields(&updated.fields)));
        }
        (Done::Decided { id, decided, conflicts }, Some(_)) => {
            let field = conflicts.first().map(|conflict| text::spelled(&conflict.field)).unwrap_or_default();
            match store.unsettle(id, decided, &conflicts)? {
                None => {
                    state.deny(format!("{name} was changed since: h shows its versions, r goes back to one"));
                }
                Some(0) => {
                    state.deny(format!("{field} of {name} was changed since: there is nothing to decide"))
                }
                Some(_) => {
                    state.read(store)?;
                    state.go_to_conflict(store, &conflicts[0])?;
                    let name = text::spelled(&store.get(id)?.payload.name());
                    state.tell(format!("Took back the decision: {field} of {name} waits again"));
                }
            }
        }
        (_, None) => state.deny("The project was deleted since"),
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
