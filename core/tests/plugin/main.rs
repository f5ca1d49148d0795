//! The plugin host, with real components and real local servers.

#![cfg(feature = "plugin")]
#![allow(unreachable_pub, reason = "the modules of one test")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says by a panic what is wrong"
)]

mod cloud;
mod cloud_webhooks;
mod code;
mod contract;
mod dispatcher;
mod guests;
mod limits;
mod network;
mod pool;
mod published;
mod registry;
mod rig;
mod s3;
mod send_all;
mod server;
mod sync;
#[cfg(feature = "auth")]
mod tenants;
#[path = "../../../tests/src/wait.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod wait;
mod watch;
mod webdav;
mod webhook_deliveries;
mod webhooks;
