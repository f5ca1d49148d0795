//! What the end-to-end tests share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod binaries;
pub mod home;
