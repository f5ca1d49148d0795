//! The plugin host, with real components and real local servers.

#![cfg(feature = "plugin")]
#![allow(unreachable_pub, reason = "the modules of one test")]

mod cloud;
mod code;
mod contract;
mod guests;
mod limits;
mod network;
mod rig;
mod server;
mod sync;
#[cfg(feature = "auth")]
mod tenants;
