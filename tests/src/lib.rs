//! What the end-to-end tests share: the real binaries, a device to run them on, servers to run them against, and a browser that
//! does as it is told. Whatever fails here fails the test that asked for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod account_sender;
pub mod binaries;
pub mod browser;
pub mod canary;
pub mod chromium;
pub mod clock;
pub mod company;
pub mod crash;
pub mod dav;
pub mod device;
pub mod dns;
pub mod folder;
pub mod guests;
pub mod guide;
pub mod home;
pub mod hooked;
pub mod hooks;
pub mod http;
pub mod idp;
pub mod installed;
pub mod issuer;
pub mod keyring;
pub mod mock;
pub mod moto;
pub mod namespace;
pub mod npm;
pub mod office;
pub mod op;
pub mod outlet;
pub mod practice;
pub mod provider;
pub mod proxy;
pub mod python;
pub mod receiver;
pub mod relay;
pub mod rotating;
pub mod sealed_account;
pub mod sealing;
pub mod sender;
pub mod server;
pub mod standard_webhooks;
pub mod tally;
pub mod tenancy;
pub mod tenants;
pub mod terminal;
pub mod tls;
mod tls_client;
pub mod tls_front;
pub mod tmux;
pub mod trace;
pub mod wait;
pub mod watcher;
pub mod workshop;
