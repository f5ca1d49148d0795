//! `orkee cloud provider practice`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use orkee_core::net::Secret;
use orkee_kit::practice::{self, Options};
use serde::Serialize;

use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};

/// Serve a small backend on this machine, to write a provider against
///
/// It keeps what `wit/README.md` asks of a backend, and forgets everything when it ends, unless --data names a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider practice
  orkee cloud provider practice --listen 127.0.0.1:4500 --data records.jsonl")]
pub(crate) struct Practice {
    /// The loopback address and port; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// Keep the records in this file
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Take only requests with this token. It can be seen in the list of processes: no real one belongs here
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    url: &'a str,
}

impl Practice {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let options = Options { data: self.data, token: self.token.map(Secret::new) };
        surroundings::run(async {
            let practice = practice::Practice::start(self.listen, options).await?;
            cx.out.document(&Document { url: practice.url() })?;
            cx.out.finish()?;
            cx.out.note("Serving until Ctrl-C");
            practice.serve().await;
            Ok(Exit::DONE)
        })
    }
}
