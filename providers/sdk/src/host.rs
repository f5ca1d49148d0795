//! What the host offers. In a component these are its functions; anywhere else, a [`Rehearsal`](crate::rehearsal::Rehearsal) of
//! the author's answers in its place, so that a provider's logic is tested as any other Rust code is.

#[cfg(target_family = "wasm")]
mod offered {
    use crate::contract::orkee::sync::{credentials, http, log, settings, state};

    pub(crate) use crate::contract::dispatcher::orkee::sync::signer::sign;
    pub use credentials::enumerate as credentials;
    pub(crate) use http::{send, send_all};
    pub(crate) use log::write;
    pub(crate) use settings::get as setting;
    pub(crate) use state::{delete as state_delete, get as state_get, set as state_set};
}

/// Which credentials there are. No function tells a secret.
#[cfg(target_family = "wasm")]
pub use offered::credentials;
#[cfg(target_family = "wasm")]
pub(crate) use offered::{send, send_all, setting, sign, state_delete, state_get, state_set, write};

/// Which credentials there are. No function tells a secret.
#[cfg(not(target_family = "wasm"))]
pub use crate::rehearsal::credentials;
#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::rehearsal::{send, send_all, setting, sign, state_delete, state_get, state_set, write};
