//! Orkee without a terminal.
//!
//! This library owns a person's projects ([`project`], [`store`]), keeps them in step with other devices (`sync`), signs in
//! (`auth`) and runs plugins (`plugin`). It never prints. Without the feature `cloud` it contains no HTTP client and no WASM runtime.

pub mod checkout;
pub mod clock;
pub mod diagnostic;
pub mod event;
pub mod exposure;
pub mod file;
pub mod home;
pub mod html;
pub mod id;
pub mod lock;
pub mod project;
pub mod scan;
pub mod settings;
pub mod similar;
pub mod store;
pub mod transfer;

#[cfg(feature = "auth")]
pub mod auth;
#[cfg(feature = "sync")]
pub mod auto;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "auth")]
pub mod keyring;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "plugin")]
pub mod plugin;
#[cfg(feature = "seal")]
pub mod seal;
#[cfg(feature = "sync")]
pub mod sync;
