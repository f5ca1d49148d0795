//! What can happen.

use std::fmt;
use std::str::FromStr;

use super::filter::UnknownEvent;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A project was added, or is no longer deleted.
    ProjectCreated,
    /// Fields of a project were changed.
    ProjectUpdated,
    /// A project was deleted.
    ProjectDeleted,
    /// A sync came to its end, and this project, or so many, were sent or fetched by it.
    SyncCompleted,
    /// A sync ended with an error.
    SyncFailed,
    /// A field was changed on two devices.
    ConflictDetected,
    /// A device signed in.
    DeviceAdded,
    /// A device's sign-in was ended.
    DeviceRevoked,
    /// Nothing: somebody wants to see whether an endpoint is reached.
    Test,
}

impl EventKind {
    /// Each that endpoints can listen for.
    pub const ALL: [Self; 8] = [
        Self::ProjectCreated,
        Self::ProjectUpdated,
        Self::ProjectDeleted,
        Self::SyncCompleted,
        Self::SyncFailed,
        Self::ConflictDetected,
        Self::DeviceAdded,
        Self::DeviceRevoked,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProjectCreated => "project.created",
            Self::ProjectUpdated => "project.updated",
            Self::ProjectDeleted => "project.deleted",
            Self::SyncCompleted => "sync.completed",
            Self::SyncFailed => "sync.failed",
            Self::ConflictDetected => "conflict.detected",
            Self::DeviceAdded => "device.added",
            Self::DeviceRevoked => "device.revoked",
            Self::Test => "orkee.test",
        }
    }

    /// What stands before the dot.
    pub(super) fn group(self) -> &'static str {
        let name = self.as_str();
        name.split_once('.').map_or(name, |(group, _)| group)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = UnknownEvent;

    fn from_str(name: &str) -> Result<Self, UnknownEvent> {
        let mut all = Self::ALL.into_iter().chain([Self::Test]);
        all.find(|kind| kind.as_str() == name).ok_or_else(|| UnknownEvent::new(name))
    }
}
