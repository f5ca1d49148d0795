//! What the person sees and where in it they are. Nothing here knows a terminal, a key or a colour.

use std::collections::HashSet;

use orkee_core::project::ProjectId;
use orkee_core::store::{Conflict, HistoryEntry, Store, StoreError, Written};

use super::list::{Cursor, List, Scroll};
#[cfg(feature = "cloud")]
use super::live::Live;
use super::takeback::Done;
use crate::commands::projects::view;
use crate::output::text;

/// What the screen shows below a dialog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum View {
    /// The list, and beside it the project that the person is at.
    #[default]
    Projects,
    /// That project, to be read in full.
    Project,
    History,
    Conflicts,
}

/// What keys mean now: the view, unless something is before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Projects,
    Project,
    History,
    Conflicts,
    Help,
    Notice,
    Confirm,
    /// The filter of the list is being typed.
    Filter,
    Form,
}

/// What stands before the view and is to be answered first.
#[derive(Debug)]
pub(super) enum Dialog {
    Help(Scroll),
    /// Something that does not fit into a line, such as an error with what to do.
    Notice {
        title: String,
        lines: Vec<String>,
    },
    Confirm {
        question: String,
        then: Agreed,
    },
    New(Form),
}

/// What a yes does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    Delete(ProjectId),
    Revert(ProjectId, u64),
    /// Undoes what a restore point has kept.
    UndoPoint(u64),
}

/// A project to be.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) folder: String,
    /// Whether the folder is being typed.
    pub(super) at_folder: bool,
}

impl Form {
    pub(super) fn typed(&mut self) -> &mut String {
        if self.at_folder { &mut self.folder } else { &mut self.name }
    }
}

/// A line about what was done, until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) good: bool,
    pub(super) text: String,
}

/// The project that the person is at, as it is read.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) id: ProjectId,
    pub(super) name: String,
    /// By what people call them.
    pub(super) fields: Vec<(String, String)>,
    pub(super) tasks: Vec<TaskRow>,
    /// Fields with a conflict.
    pub(super) conflicts: Vec<String>,
}

/// A task of the project.
#[derive(Debug)]
pub(super) struct TaskRow {
    pub(super) depth: usize,
    pub(super) number: String,
    pub(super) title: String,
    pub(super) status: String,
}

impl Detail {
    fn read(store: &Store, id: ProjectId, conflicts: &[Waits]) -> Result<Self, StoreError> {
        let stored = store.get(id)?;
        let project = stored.project();
        let tasks = view::tasks(&project.manual_tasks).into_iter().map(|line| TaskRow {
            depth: line.depth,
            title: text::spelled(&line.task.title),
            status: line.task.status.as_str().to_owned(),
            number: line.number,
        });
        let mut fields: Vec<String> = conflicts
            .iter()
            .filter(|waits| waits.conflict.id == id)
            .map(|waits| text::spelled(&waits.conflict.field))
            .collect();
        fields.dedup();
        Ok(Self {
            id,
            name: text::spelled(&project.name),
            fields: view::fields(&stored, &project),
            tasks: tasks.collect(),
            conflicts: fields,
        })
    }
}

/// The versions of a project.
#[derive(Debug)]
pub(super) struct History {
    pub(super) id: ProjectId,
    pub(super) name: String,
    /// Newest first.
    pub(super) entries: Vec<HistoryEntry>,
    pub(super) cursor: Cursor,
}

impl History {
    /// The version that the person is at.
    pub(super) fn entry(&self) -> Option<&HistoryEntry> {
        self.entries.get(self.cursor.at)
    }
}

/// A conflict, and who wrote the value that stands.
#[derive(Debug)]
pub(super) struct Waits {
    pub(super) conflict: Conflict,
    pub(super) here: Option<Written>,
}

/// What a person saw of a conflict: where it is, and both values.
pub(super) type Seen = (ProjectId, String, Option<String>, Option<String>);

/// What there is to be seen of a conflict.
pub(super) fn seen(conflict: &Conflict) -> Seen {
    let text = |value: Option<&serde_json::value::RawValue>| value.map(|value| value.get().to_owned());
    (conflict.id, conflict.field.clone(), text(conflict.local.as_deref()), text(conflict.cloud.as_deref()))
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) view: View,
    /// Where `esc` leads, the last one last.
    below: Vec<View>,
    pub(super) list: List,
    /// Whether the filter is being typed.
    pub(super) filtering: bool,
    pub(super) detail: Option<Detail>,
    /// Where in the text beside the list the person is.
    pub(super) reading: Scroll,
    pub(super) history: Option<History>,
    pub(super) conflicts: Vec<Waits>,
    pub(super) settling: Cursor,
    /// The conflict that is on the screen. Another one is not decided, whatever key is pressed.
    pub(super) shown: Option<Seen>,
    pub(super) dialog: Option<Dialog>,
    pub(super) message: Option<Message>,
    /// Whose projects these are; empty: the person's own.
    pub(super) tenant: String,
    /// How far projects are in step with the cloud.
    #[cfg(feature = "cloud")]
    pub(super) live: Live,
    /// Projects whose folder is not on this device, of those that were looked at.
    pub(super) missing: HashSet<ProjectId>,
    /// What was done here and can be taken back, the last one last.
    pub(super) done: Vec<Done>,
    /// How much of it was done before the person came to the conflicts: it has nothing to do with them.
    pub(super) done_before: usize,
    /// What is shown is older than what is stored.
    pub(super) is_stale: bool,
    /// Something was written here since somebody asked.
    pub(super) has_written: bool,
    /// The person leaves; true: by Ctrl-C.
    pub(super) leaving: Option<bool>,
}

impl State {
    pub(super) fn mode(&self) -> Mode {
        match &self.dialog {
            Some(Dialog::Help(_)) => return Mode::Help,
            Some(Dialog::Notice { .. }) => return Mode::Notice,
            Some(Dialog::Confirm { .. }) => return Mode::Confirm,
            Some(Dialog::New(_)) => return Mode::Form,
            None => {}
        }
        match self.view {
            View::Projects if self.filtering => Mode::Filter,
            View::Projects => Mode::Projects,
            View::Project => Mode::Project,
            View::History => Mode::History,
            View::Conflicts => Mode::Conflicts,
        }
    }

    /// Something was written.
    pub(super) fn wrote(&mut self) {
        self.is_stale = true;
        self.has_written = true;
    }

    /// Whether the person is at the conflicts, or came here from them.
    pub(super) fn is_deciding(&self) -> bool {
        self.view == View::Conflicts || self.below.contains(&View::Conflicts)
    }

    /// Goes to another view; [`State::leave`] comes back.
    pub(super) fn enter(&mut self, view: View) {
        self.shown = None;
        self.reading = Scroll::default();
        self.below.push(self.view);
        self.view = view;
    }

    /// Goes back to where the person came from.
    pub(super) fn leave(&mut self) {
        self.reading = Scroll::default();
        if self.view == View::History {
            self.history = None;
        }
        self.view = self.below.pop().unwrap_or_default();
    }

    /// Reads everything that is shown anew.
    pub(super) fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        self.is_stale = false;
        self.list.read(store)?;
        let at = self.conflict().map(|conflict| (conflict.id, conflict.field.clone()));
        let conflicts = store.conflicts(None)?;
        self.conflicts = conflicts.into_iter().map(|conflict| Waits { here: None, conflict }).collect();
        // The person stays with the conflict that they were at, wherever it stands now.
        let is_it = |waits: &Waits| {
            at.as_ref().is_some_and(|(id, field)| waits.conflict.id == *id && waits.conflict.field == *field)
        };
        let stays = self.conflicts.iter().position(is_it);
        self.settling.at = stays.unwrap_or(self.settling.at).min(self.conflicts.len().saturating_sub(1));
        if let Some(history) = &mut self.history {
            history.entries = store.history(history.id)?.into_iter().rev().collect();
            history.cursor.at = history.cursor.at.min(history.entries.len().saturating_sub(1));
        }
        #[cfg(feature = "cloud")]
        self.live.read(store)?;
        self.look(store)
    }

    /// Reads what the person is at. What another process took away meanwhile is not there.
    pub(super) fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let at = self.list.selected();
        if self.detail.as_ref().map(|detail| detail.id) != at {
            self.reading = Scroll::default();
        }
        let read = at.map(|id| Detail::read(store, id, &self.conflicts)).transpose();
        self.detail = match read {
            Err(StoreError::Deleted { .. } | StoreError::NotFound { .. }) => None,
            other => other?,
        };
        if let Some(waits) = self.conflicts.get_mut(self.settling.at)
            && waits.here.is_none()
        {
            waits.here = store.written(&waits.conflict)?;
        }
        Ok(())
    }

    /// Has the person be at this conflict, if it waits.
    pub(super) fn go_to_conflict(&mut self, store: &Store, wanted: &Conflict) -> Result<(), StoreError> {
        let is_it = |waits: &Waits| seen(&waits.conflict) == seen(wanted);
        if let Some(at) = self.conflicts.iter().position(is_it) {
            self.settling.at = at;
        }
        self.look(store)
    }

    /// Says what was done.
    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.message = Some(Message { good: true, text: text.into() });
    }

    /// Says that something is not so.
    pub(super) fn deny(&mut self, text: impl Into<String>) {
        self.message = Some(Message { good: false, text: text.into() });
    }

    /// The conflict that the person is at, if it is the one on the screen; else it is shown first.
    pub(super) fn conflict_shown(&mut self) -> Option<Conflict> {
        let conflict = self.conflict()?.clone();
        if self.shown.as_ref() == Some(&seen(&conflict)) {
            return Some(conflict);
        }
        self.deny("Nothing was decided: this one was not on the screen yet");
        None
    }

    /// The conflict that the person is at.
    pub(super) fn conflict(&self) -> Option<&Conflict> {
        self.conflicts.get(self.settling.at).map(|waits| &waits.conflict)
    }
}
