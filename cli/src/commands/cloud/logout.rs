//! `orkee cloud logout`

use orkee_core::auth::{Auth, EnvToken, LoggedOut, Revocation, Section};
use orkee_core::seal::keys::KeyFile;
use orkee_core::settings::Key;
use orkee_core::similar;
use serde::Serialize;

use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;

/// So many tenants are named.
const NAMED: usize = 5;

/// Sign out: revoke the tokens and remove them from this machine
///
/// Your projects stay on it, and so does the key of a sealed account; without a sign-in nothing is sent.
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
        let (auth, sections, variable) = self.what(cx)?;
        let outs = surroundings::run(async {
            let mut outs = Vec::new();
            for section in sections {
                outs.extend(auth.logout(&section).await?);
            }
            Ok(outs)
        })?;
        report(cx, &outs)?;
        for file in KeyFile::all(cx.home()?) {
            cx.out.note(format_args!(
                "The key of sealed projects stays on this device, as the projects do: {}",
                file.path().display()
            ));
        }
        if let Some(variable) = variable {
            cx.out.warn(format_args!("{variable} is still set and goes on being used; unset it, too"));
        }
        Ok(Exit::DONE)
    }

    /// The sections to sign out of, and the variable that stays set. One that is named needs no provider that could be loaded.
    fn what(&self, cx: &Context) -> Result<(Auth, Vec<Section>, Option<&'static str>), Failure> {
        if !self.all && self.tenant.is_none() {
            let cloud = Cloud::open(cx, None)?;
            let section = match &cloud.purpose {
                Some(purpose) => cloud.auth.section_for(purpose)?,
                None => None,
            };
            let variable = cloud.env_token().map(EnvToken::variable);
            return Ok((cloud.auth, section.into_iter().collect(), variable));
        }
        let (auth, _) = surroundings::logins(cx)?;
        let sections = match &self.tenant {
            Some(tenant) => vec![Section::Tenant(tenant.clone())],
            None => auth.sections()?,
        };
        if let Some(tenant) = &self.tenant {
            tell_of_others(cx, tenant, &auth.sections()?);
        }
        let settings = cx.settings()?;
        let set = [(Key::Token, EnvToken::VARIABLE), (Key::TokenFile, EnvToken::FILE_VARIABLE)];
        let mut variable = None;
        for (key, name) in set {
            variable = variable.or(settings.text(key)?.map(|_| name));
        }
        Ok((auth, sections, variable))
    }
}

/// Nobody is signed in to what was named: who is meant instead, or where somebody is.
fn tell_of_others(cx: &Context, tenant: &str, sections: &[Section]) {
    let tenants = sections.iter().filter_map(|section| match section {
        Section::Tenant(name) => Some(name.as_str()),
        Section::Default | Section::Environment(_) => None,
    });
    let mut tenants: Vec<&str> = tenants.collect();
    if tenants.contains(&tenant) {
        return;
    }
    tenants.sort_unstable();
    let told = match (similar::nearest(tenant, tenants.iter().copied()), tenants.as_slice()) {
        (Some(near), _) => format!("did you mean `--tenant {}`?", text::line(near)),
        (None, []) => "there is no sign-in of a tenant".to_owned(),
        (None, all) => {
            let all: Vec<String> = all.iter().take(NAMED).map(|name| text::line(name)).collect();
            let more = if tenants.len() > NAMED { ", and others" } else { "" };
            format!("there are sign-ins of: {}{more}", all.join(", "))
        }
    };
    cx.out.note(format_args!("hint: {told}"));
}

fn report(cx: &Context, outs: &[LoggedOut]) -> Result<(), Failure> {
    if outs.is_empty() {
        cx.out.done("Not logged in: there is nothing to sign out of")?;
    }
    for out in outs {
        cx.out.done(format_args!("Signed out of {}", out.host))?;
        match &out.revocation {
            Revocation::Failed(error) => cx.out.warn(format_args!(
                "{} was not told, so the tokens stay valid there until they expire: {error}",
                out.host
            )),
            Revocation::NotIssued => cx.out.note(format_args!(
                "What you signed in with was removed from this machine; it stays valid at {}, where nothing is to be revoked",
                out.host
            )),
            Revocation::Done | Revocation::NotOffered => {}
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
