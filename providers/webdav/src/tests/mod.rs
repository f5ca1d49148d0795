//! The whole provider against a server in memory, with several devices.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says by a panic what is wrong"
)]

pub(crate) mod clock;
mod devices;
mod server;
mod turns;
