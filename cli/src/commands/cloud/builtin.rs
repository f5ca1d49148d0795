//! The components that are part of this program, by name.

pub(super) use orkee_components::{DISPATCHERS, PROVIDERS};
pub(super) use orkee_core::plugin::BuiltIn;

/// The providers' names.
pub(super) fn names() -> Vec<&'static str> {
    PROVIDERS.iter().map(|built_in| built_in.name).collect()
}

/// The provider of this name.
pub(super) fn provider(name: &str) -> Option<&'static BuiltIn> {
    PROVIDERS.iter().find(|built_in| built_in.name == name)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static BuiltIn> {
    PROVIDERS.iter().chain(DISPATCHERS)
}

/// The component of this name, whatever it is.
pub(super) fn named(name: &str) -> Option<&'static BuiltIn> {
    all().find(|built_in| built_in.name == name)
}
