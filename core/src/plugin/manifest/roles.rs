//! What a plugin is for: to sync, to deliver events, or both.

use super::error::ManifestError;
use super::fields::Fields;
use crate::similar;

const PROVIDER: &str = "provider";
const DISPATCHER: &str = "dispatcher";

/// At least one of the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Roles {
    /// A sync provider, as most are.
    #[default]
    Provider,
    /// A dispatcher, which delivers events to webhooks and syncs nothing.
    Dispatcher,
    /// Both.
    Both,
}

impl Roles {
    /// It can be chosen to sync with.
    pub fn syncs(self) -> bool {
        self != Self::Dispatcher
    }

    /// A webhook can use it.
    pub fn delivers(self) -> bool {
        self != Self::Provider
    }

    /// As a manifest writes them.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Provider => &[PROVIDER],
            Self::Dispatcher => &[DISPATCHER],
            Self::Both => &[PROVIDER, DISPATCHER],
        }
    }

    /// What it is, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Provider => PROVIDER,
            Self::Dispatcher => DISPATCHER,
            Self::Both => "provider and dispatcher",
        }
    }

    /// Whether these are no more than those.
    pub fn is_within(self, other: Self) -> bool {
        (!self.syncs() || other.syncs()) && (!self.delivers() || other.delivers())
    }
}

/// The key `roles`. Without it, a plugin is a provider.
pub(super) fn read(fields: &mut Fields<'_>) -> Result<Roles, ManifestError> {
    let Some(names) = fields.texts("roles")? else { return Ok(Roles::Provider) };
    let known = [PROVIDER, DISPATCHER];
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let error = fields.about("roles", "it is a list of `provider`, `dispatcher`, or both");
        return Err(match similar::nearest(unknown, known) {
            Some(meant) => error.instead(format!("[\"{meant}\"]")),
            None => error,
        });
    }
    let has = |name: &str| names.iter().any(|given| given == name);
    match (has(PROVIDER), has(DISPATCHER)) {
        (true, false) => Ok(Roles::Provider),
        (false, true) => Ok(Roles::Dispatcher),
        (true, true) => Ok(Roles::Both),
        (false, false) => Err(fields.about("roles", "it has to name at least one")),
    }
}
