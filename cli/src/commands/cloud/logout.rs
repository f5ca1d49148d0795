//! `orkee cloud logout`

use orkee_core::auth::{LoggedOut, Revocation, Section};
use serde::Serialize;

use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// Sign out: revoke the tokens and remove them from this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud logout                 sign out of what is in use
  orkee cloud logout --all           sign out everywhere, every tenant")]
pub(crate) struct Logout {
    /// Sign out of this tenant
    #[arg(long, value_name = "T", conflicts_with = "all")]
    tenant: Option<String>,
    /// Sign out of everything
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Document {
    signed_out: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    host: String,
    /// Whether the server forgot the tokens too.
    revoked: bool,
}

impl Logout {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let outs = surroundings::run(async {
            let mut outs = Vec::new();
            for section in self.sections(&cloud)? {
                outs.extend(cloud.auth.logout(&section).await?);
            }
            Ok(outs)
        })?;
        report(cx, &outs)?;
        if let Some(token) = cloud.env_token() {
            cx.out.warn(format_args!(
                "{} is still set and goes on being used; unset it, too",
                token.variable()
            ));
        }
        Ok(Exit::DONE)
    }

    fn sections(&self, cloud: &Cloud) -> Result<Vec<Section>, Failure> {
        if self.all {
            return Ok(cloud.auth.sections()?);
        }
        match &self.tenant {
            Some(tenant) => Ok(vec![Section::Tenant(tenant.clone())]),
            None => Ok(cloud.auth.section_for(&cloud.api, cloud.tenant.as_deref())?.into_iter().collect()),
        }
    }
}

fn report(cx: &Context, outs: &[LoggedOut]) -> Result<(), Failure> {
    if outs.is_empty() {
        cx.out.done("Not logged in: there is nothing to sign out of")?;
    }
    for out in outs {
        cx.out.done(format_args!("Signed out of {}", out.host))?;
        if let Revocation::Failed(error) = &out.revocation {
            cx.out.warn(format_args!(
                "{} was not told, so the tokens stay valid there until they expire: {error}",
                out.host
            ));
        }
    }
    if cx.out.is_json() {
        let revoked = |out: &LoggedOut| matches!(out.revocation, Revocation::Done);
        let signed_out =
            outs.iter().map(|out| Entry { host: out.host.clone(), revoked: revoked(out) }).collect();
        cx.out.document(&Document { signed_out })?;
    }
    Ok(())
}
