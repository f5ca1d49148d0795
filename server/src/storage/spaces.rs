//! Spaces: one sequence of commits with its records. Each account has one of its own, and each team one for its members.

use std::str::FromStr;

/// A space's key inside the storage. A record is found through it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SpaceKey(pub(crate) i64);

/// What somebody may do in a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Reads, writes, and says who else may.
    Owner,
    /// Reads and writes.
    Member,
    /// Reads.
    ReadOnly,
}

/// A role has one of three names.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no role: owner, member and read-only are")]
pub(crate) struct NoRole(String);

impl Role {
    /// As it is kept and told.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::ReadOnly => "read-only",
        }
    }

    /// Whether it lets write.
    pub(crate) fn writes(self) -> bool {
        self != Self::ReadOnly
    }
}

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        [Self::Owner, Self::Member, Self::ReadOnly]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| NoRole(text.to_owned()))
    }
}
