//! The real orkee-server, over its command line and HTTP.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says by a panic what is wrong"
)]

mod api;
mod backup;
mod bound;
mod command;
mod device;
mod limits;
mod oauth;
mod pages;
mod publish;
mod sealed;
mod support;
mod sync;
mod team;
mod waiting;
mod webhook;
