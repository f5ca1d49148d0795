//! The components that are part of this program, by name.

pub(super) use orkee_components::{BuiltIn, DISPATCHERS, PROVIDERS};

/// The providers' names.
pub(super) fn names() -> Vec<&'static str> {
    PROVIDERS.iter().map(|built_in| built_in.name).collect()
}

/// The provider of this name.
pub(super) fn provider(name: &str) -> Option<&'static BuiltIn> {
    PROVIDERS.iter().find(|built_in| built_in.name == name)
}

/// The dispatcher of this name.
pub(super) fn dispatcher(name: &str) -> Option<&'static BuiltIn> {
    DISPATCHERS.iter().find(|built_in| built_in.name == name)
}
