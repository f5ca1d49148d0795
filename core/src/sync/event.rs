//! What a sync tells while it runs, and in the end.

/// Something happened to a record, and is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The record. What comes from a backend need not be a project's id.
    pub id: String,
    /// The project's name, for people.
    pub name: String,
    /// What happened.
    pub what: What,
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The backend took our version.
    Pushed,
    /// The backend took our tombstone.
    PushedDelete,
    /// A project that was not here came.
    Added,
    /// A newer version came.
    Pulled,
    /// A version came that was written without knowledge of ours, and was merged.
    Merged,
    /// A field was changed on both sides; one event for each, after `Merged`.
    Conflict {
        /// Its name.
        field: String,
    },
    /// It was deleted elsewhere, and is now here.
    Deleted,
    /// Our version cannot be sent and was set aside. Of each record in [`Summary::parked`] an event tells, this one or
    /// `Unreadable`: where a sync fails and is run again, the events of all attempts have what was set aside.
    Parked {
        /// Why.
        reason: String,
    },
    /// A version came that cannot be read. It was set aside, and what is here stays.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl What {
    /// Whether the project was sent or fetched; a conflict is told beside the merge that it came of.
    pub(super) fn is_change(&self) -> bool {
        match self {
            Self::Pushed | Self::PushedDelete | Self::Added | Self::Pulled | Self::Merged | Self::Deleted => {
                true
            }
            Self::Conflict { .. } | Self::Parked { .. } | Self::Unreadable { .. } => false,
        }
    }
}

/// A record that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The record. What comes from a backend need not be a project's id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Versions that the backend took, tombstones included.
    pub pushed: u64,
    /// Versions that came and were taken as they are.
    pub pulled: u64,
    /// Records that were merged.
    pub merged: u64,
    /// Fields that were changed on both sides.
    pub conflicts: u64,
    /// Records that were deleted here.
    pub deleted: u64,
    /// Records that were set aside in this sync, ours and those that came.
    pub parked: Vec<Parked>,
    /// Versions that an earlier sync sent without getting an answer.
    pub resumed: u64,
    /// Requests that were answered.
    pub round_trips: u64,
    /// Places where the store made no sense, and was mended before everything was compared.
    pub mended: u64,
    /// This store turned out to be a copy or an older state of itself.
    pub was_a_copy: bool,
    /// The backend was put back to an older state.
    pub new_epoch: bool,
    /// Records that the other side still holds in a form that this device is to replace; none: it does not change any over.
    pub left_to_reseal: Option<u64>,
    /// The backend was put back, or compared, and has an older key document than this device, or none.
    pub document_behind: bool,
    /// What the backend called the last request.
    pub request_id: Option<String>,
}

impl Summary {
    /// One more change.
    pub fn count(&mut self, event: &Event) {
        match &event.what {
            What::Pushed | What::PushedDelete => self.pushed += 1,
            What::Added | What::Pulled => self.pulled += 1,
            What::Merged => self.merged += 1,
            What::Conflict { .. } => self.conflicts += 1,
            What::Deleted => self.deleted += 1,
            What::Parked { reason } | What::Unreadable { reason } => {
                self.parked.push(Parked { id: event.id.clone(), reason: reason.clone() });
            }
        }
    }
}
