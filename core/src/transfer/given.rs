//! A project as a source hands it over to an import.

use crate::project::RawObject;

/// A project, and what is to be said of it.
pub(super) struct Given {
    /// Its fields.
    pub(super) object: RawObject,
    /// What had to be put otherwise than the source has it.
    pub(super) changes: Vec<Change>,
    /// What the source calls it, where that is more telling than its place.
    pub(super) label: Option<String>,
    /// The source keeps it, and counts it as deleted.
    pub(super) is_deleted: bool,
}

impl From<RawObject> for Given {
    fn from(object: RawObject) -> Self {
        Self { object, changes: Vec::new(), label: None, is_deleted: false }
    }
}

/// Something of a project that an import took over otherwise than the source has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It had another id, which is none today. The new one is made of it, the same on every device.
    Id {
        /// The id in the source.
        from: String,
    },
    /// A word of an older vocabulary.
    Word {
        /// The field.
        field: &'static str,
        /// The word in the source.
        from: String,
        /// The word that it became.
        to: String,
    },
    /// A word that no version knows; kept as it is.
    Unknown {
        /// The field.
        field: &'static str,
        /// The word.
        word: String,
    },
    /// A value that this version cannot show; kept as it is.
    Unreadable {
        /// The field.
        field: String,
    },
    /// A part of a value that a project does not hold; left in the source.
    Left {
        /// The field.
        field: &'static str,
    },
}

/// Takes the projects of a source, in order.
pub(super) type Sink<'a> = dyn FnMut(Given) -> Result<(), super::TransferError> + 'a;
