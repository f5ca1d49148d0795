//! orkee-server: the Orkee Cloud API, self-hostable.
//!
//! Three layers: `storage` keeps everything and knows what an exchange means; `api` and `oauth` speak HTTP; `command` is the
//! command line. Devices are the authority over what a record means; the server reads envelope heads, and payloads only
//! where its own API shows or writes projects.

mod api;
mod command;
mod dpop;
mod http;
mod oauth;
mod password;
mod secret;
mod serve;
mod storage;
mod tenant;
mod webhooks;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
