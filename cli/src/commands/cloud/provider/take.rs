//! The way of a component from its source to being installed, the same for `install` and `update`: check, compile, show, ask,
//! put in place.

use jiff::Timestamp;
use orkee_core::net::{Http, HttpOptions};
use orkee_core::plugin::{Assessment, Candidate, Change, Host, Manifest, Registry, RegistryError};
use orkee_core::store::AuditAction;
use serde::Serialize;

use super::consent::Rival;
use super::view::ProviderView;
use super::{confirm, consent, source};
use crate::commands::cloud::progress::Working;
use crate::commands::cloud::{surroundings, trail};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// What is taken, and how it was asked for.
pub(super) struct Wanted<'a> {
    /// Where it is.
    pub(super) source: &'a str,
    /// The plugin that it has to be.
    pub(super) name: Option<&'a str>,
    /// Nobody is asked.
    pub(super) yes: bool,
    /// The words of the command, for who cannot be asked.
    pub(super) words: &'a [&'a str],
}

#[derive(Serialize)]
struct Document {
    provider: ProviderView,
    changed: bool,
}

pub(super) fn take(cx: &Context, wanted: &Wanted<'_>) -> CommandResult {
    let home = cx.home()?;
    let registry = Registry::open(home)?;
    let candidate = source::fetch(cx, wanted.source)?;
    if let Some(name) = wanted.name.filter(|name| *name != candidate.name().as_str()) {
        let (wanted, found) = (name.to_owned(), candidate.name().to_string());
        return Err(RegistryError::OtherName { wanted, found }.into());
    }
    let (name, version) = (candidate.name().as_str(), &candidate.manifest().version);
    let action = match registry.get(name) {
        None => AuditAction::Install,
        Some(_) => AuditAction::Update,
    };
    let subject = format!("{version}, sha256 {}", candidate.sha256());
    let changed = match put_in_place(cx, wanted, &registry, &candidate) {
        Ok(changed) => changed,
        Err(failure) => {
            trail::provider_refused(cx, action, name, subject, &failure)?;
            return Err(failure);
        }
    };
    if changed {
        trail::provider(cx, action, name, subject)?;
    }
    told(cx, name, changed)
}

/// Checks, compiles, shows, asks, and puts it in place. False: it was there, as it is.
fn put_in_place(
    cx: &Context,
    wanted: &Wanted<'_>,
    registry: &Registry,
    candidate: &Candidate,
) -> Result<bool, Failure> {
    let home = cx.home()?;
    let assessment = registry.assess(candidate)?;
    compile(cx, candidate)?;
    let (name, version) = (candidate.name(), &candidate.manifest().version);
    if assessment.is_agreed(candidate) {
        Change::begin(home)?.renew(candidate)?;
        cx.out.done(format_args!("{name} {version} is installed already; nothing was changed"))?;
        return Ok(false);
    }
    let rivals = rivals(registry, candidate, &assessment);
    consent::show(cx, candidate, &assessment, &rivals, wanted.yes);
    let question = match &assessment.current {
        Some(current) if current.sha256 == candidate.sha256() => {
            format!("Grant {name} {version} this again?")
        }
        None => format!("Install {name} {version}?"),
        Some(current) => format!("Replace {name} {} by {version}?", current.granted.version),
    };
    confirm(cx, wanted.yes, &question, wanted.words)?;
    Change::begin(home)?.install(candidate, &assessment, Timestamp::now())?;
    match &assessment.current {
        None => {
            cx.out.done(format_args!("Installed {name} {version}"))?;
            say_how_to_use(cx, candidate.manifest(), &rivals);
        }
        Some(current) if current.sha256 == candidate.sha256() => {
            cx.out.done(format_args!("{name} {version} is granted again, with what it asks for"))?;
        }
        Some(current) => {
            let before = &current.granted.version;
            cx.out.done(format_args!("{name} {version} is in place of {before}"))?;
            cx.out.note(format_args!("To go back: orkee cloud provider rollback {name}"));
        }
    }
    Ok(true)
}

/// The tenants that it would claim and that other installed providers claim already, with those.
fn rivals(registry: &Registry, candidate: &Candidate, assessment: &Assessment) -> Vec<Rival> {
    let others = registry.installed().filter(|other| other.name() != candidate.name());
    let claims = others.flat_map(|other| {
        let tenants = other.current.granted.tenants.iter();
        tenants.map(|tenant| Rival { tenant: tenant.clone(), provider: other.name().to_string() })
    });
    claims.filter(|rival| assessment.granted.tenants.contains(&rival.tenant)).collect()
}

fn say_how_to_use(cx: &Context, manifest: &Manifest, rivals: &[Rival]) {
    if !manifest.roles.syncs() {
        let name = &manifest.name;
        cx.out.note(format_args!("To use it: orkee cloud webhook add URL --dispatcher {name}"));
        return;
    }
    let command = if manifest.login.is_some() { "login" } else { "sync" };
    let is_free = |tenant: &&String| rivals.iter().all(|rival| rival.tenant != **tenant);
    match manifest.tenants.iter().find(is_free) {
        None if !manifest.tenants.is_empty() => {}
        Some(tenant) => {
            cx.out.note(format_args!("To use it: ORKEE_CLOUD_TENANT={tenant} orkee cloud {command}"))
        }
        None => cx.out.note(format_args!(
            "To use it: write `provider = \"{}\"` under [tenants.NAME] in config.toml, then\n\
             ORKEE_CLOUD_TENANT=NAME orkee cloud {command}",
            manifest.name
        )),
    }
}

/// Compiles, so that no sync has to, and learns whether it is a provider that this Orkee runs.
fn compile(cx: &Context, candidate: &Candidate) -> Result<(), Failure> {
    let _working = Working::begin(cx, "Compiling");
    let host = Host::new(Some(cx.home()?.cache()))?;
    let plugin = candidate.compile(&host)?;
    let http = Http::new(HttpOptions::from_env())?;
    surroundings::run(async { Ok(candidate.try_out(&plugin, http).await?) })
}

fn told(cx: &Context, name: &str, changed: bool) -> CommandResult {
    if cx.out.is_json() {
        let registry = Registry::open(cx.home()?)?;
        let provider = ProviderView::of(cx, &registry, registry.expect(name)?);
        cx.out.document(&Document { provider, changed })?;
    }
    Ok(Exit::DONE)
}
