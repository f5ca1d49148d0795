//! A server to talk to, and those who talk to it.

pub(crate) mod browser;
pub(crate) mod device;
pub(crate) mod http;
pub(crate) mod proof;
pub(crate) mod server;

pub(crate) use browser::Browser;
pub(crate) use device::Device;
pub(crate) use http::{Client, Request, Response};
pub(crate) use server::{Home, Server};
