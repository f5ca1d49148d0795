//! The provider's own small memory. It may be lost, and shared by two calls at once: nothing may depend on it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host;

/// What was remembered under this key. None if nothing was, or something that cannot be read (an older version's).
pub fn recall<T: DeserializeOwned>(key: &str) -> Option<T> {
    serde_json::from_slice(&host::state_get(key)?).ok()
}

/// Remembers a value, as JSON. That it cannot be remembered is no failure: it is found out again next time.
pub fn remember<T: Serialize>(key: &str, value: &T) {
    if let Ok(bytes) = serde_json::to_vec(value)
        && let Err(error) = host::state_set(key, &bytes)
    {
        crate::warn(&format!("`{key}` cannot be remembered: {error:?}"));
    }
}

/// Forgets what was remembered.
pub fn forget(key: &str) {
    if let Err(error) = host::state_delete(key) {
        crate::warn(&format!("`{key}` cannot be forgotten: {error:?}"));
    }
}
