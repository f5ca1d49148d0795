//! Which events an endpoint is told of.

use std::fmt;

use thiserror::Error;

use super::kind::EventKind;
use crate::diagnostic::{Diagnostic, Kind};
use crate::similar;

/// An event's name, the events of a group, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// `*`
    All,
    /// Such as `project.*`; what stands before the dot.
    Group(&'static str),
    /// Such as `project.created`.
    Kind(EventKind),
}

const GROUPS: [(&str, &str); 4] =
    [("project", "project.*"), ("sync", "sync.*"), ("conflict", "conflict.*"), ("device", "device.*")];

/// No event has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no event {given:?}")]
pub struct UnknownEvent {
    /// What was given.
    pub given: String,
    /// What it resembles.
    pub near: Option<&'static str>,
}

impl Filter {
    /// Reads one as a person writes it.
    pub fn parse(text: &str) -> Result<Self, UnknownEvent> {
        if text == "*" {
            return Ok(Self::All);
        }
        if let Some((group, _)) = GROUPS.iter().find(|(_, name)| *name == text) {
            return Ok(Self::Group(group));
        }
        let kind = EventKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.map(Self::Kind).ok_or_else(|| UnknownEvent::new(text))
    }

    /// Whether it lets such events through.
    pub fn admits(self, kind: EventKind) -> bool {
        match self {
            Self::All => true,
            Self::Group(group) => kind.group() == group,
            Self::Kind(wanted) => kind == wanted,
        }
    }

    /// As a person writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "*",
            Self::Group(group) => {
                GROUPS.iter().find(|(name, _)| *name == group).map_or("*", |(_, name)| name)
            }
            Self::Kind(kind) => kind.as_str(),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl UnknownEvent {
    pub(super) fn new(given: &str) -> Self {
        let known = EventKind::ALL.into_iter().map(EventKind::as_str).chain(GROUPS.map(|(_, name)| name));
        Self { given: given.to_owned(), near: similar::nearest(given, known) }
    }
}

impl Diagnostic for UnknownEvent {
    fn code(&self) -> &'static str {
        "E-HOOK-001"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self.near {
            Some(near) => format!("did you mean {near}?"),
            None => {
                let names: Vec<&str> = EventKind::ALL.into_iter().map(EventKind::as_str).collect();
                format!("the events are {}; `project.*` means all of a group", names.join(", "))
            }
        })
    }
}
