//! `orkee cloud enable`

use orkee_core::auto::AutoSync;
use orkee_core::settings::{ConfigFile, ConfigKey, Key, Origin, Settings};
use orkee_core::store::{AuditAction, AuditEntry, AuditOutcome};
use serde::Serialize;

use super::after::may_be_signed_in;
use super::error::AutoError;
use super::seconds;
use super::service::{Found, Service};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::{diff, text};

/// Settings that a service would not see where only the shell has them.
const OF_THE_SHELL: &[Key] =
    &[Key::ApiUrl, Key::Tenant, Key::Token, Key::TokenFile, Key::AuthStore, Key::SsoProvider, Key::TeamMode];
/// The same, which `.env` cannot set.
const OF_THE_SESSION: &[&str] =
    &["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Sync by itself from now on: a service of yours watches
///
/// Sets cloud.auto_sync in config.toml, and installs and starts a user service that runs `orkee cloud watch`: of systemd, or of
/// launchd on macOS. Where there is neither, each command that changes something starts a sync, and `orkee cloud watch` can be run by
/// whatever starts your programs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud enable --dry-run       show what would be written and run
  orkee cloud enable --interval 60   and look each minute at least")]
pub(crate) struct Enable {
    /// Seconds between two syncs where nothing else calls for one; sets cloud.sync_interval
    #[arg(long, value_name = "S", value_parser = seconds)]
    interval: Option<u64>,
    /// Show what would be written and run; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Replace a service that is there and was edited, or is another home folder's
    #[arg(long)]
    force: bool,
}

/// What was done, or would be.
#[derive(Serialize)]
struct Document<'a> {
    dry_run: bool,
    settings: &'a [(String, String)],
    /// None: no service can be had here.
    service: Option<ServiceView<'a>>,
    /// Variables of this shell that the service does not see.
    unseen: &'a [String],
}

#[derive(Serialize)]
struct ServiceView<'a> {
    path: String,
    text: &'a str,
    /// It was there before, and the same.
    was_there: bool,
    commands: Vec<Vec<String>>,
}

impl Enable {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        // What is wrong already would be in the service's way.
        AutoSync::of(cx.settings()?)?;
        let service = Service::of(cx.home()?)?;
        let found = service.as_ref().map(Service::found).transpose()?;
        if let (Some(service), Some(Found::Other(old))) = (&service, &found)
            && !self.force
        {
            differs(cx, old, &service.text);
            return Err(AutoError::OtherService { path: service.path.clone(), command: "enable" }.into());
        }
        let possible = service.as_ref().filter(|service| service.is_possible());
        let settings = self.settings();
        let unseen = unseen();
        let was_there = found == Some(Found::Ours);
        if !self.dry_run {
            set(cx, &settings)?;
            cx.note(AuditEntry::new("", AuditAction::EnableAutoSync, AuditOutcome::Done))?;
            if let Some(service) = possible {
                if !was_there {
                    service.write()?;
                }
                service.start()?;
            }
        }
        if cx.out.is_json() {
            let service = possible.map(|service| ServiceView {
                path: service.path.display().to_string(),
                text: &service.text,
                was_there,
                commands: service.starting(),
            });
            cx.out.document(&Document {
                dry_run: self.dry_run,
                settings: &settings,
                service,
                unseen: &unseen,
            })?;
        } else if self.dry_run {
            plan(cx, &settings, possible, was_there)?;
        } else {
            tell(cx, &settings, possible, was_there)?;
        }
        warn(cx, &unseen)?;
        Ok(Exit::DONE)
    }

    fn settings(&self) -> Vec<(String, String)> {
        let interval = self.interval.map(|seconds| (dotted(Key::SyncInterval), seconds.to_string()));
        [(dotted(Key::AutoSync), "true".to_owned())].into_iter().chain(interval).collect()
    }
}

fn dotted(key: Key) -> String {
    key.config().unwrap_or_default().join(".")
}

/// Writes settings into config.toml.
pub(super) fn set(cx: &Context, settings: &[(String, String)]) -> Result<(), Failure> {
    let mut file = ConfigFile::open(cx.home()?)?;
    for (key, value) in settings {
        file.set(&ConfigKey::parse(key)?, value)?;
    }
    Ok(file.save()?)
}

/// The variables of this process that matter to a sync, and that a service has not.
fn unseen() -> Vec<String> {
    let names = OF_THE_SHELL.iter().map(|key| key.variable()).chain(OF_THE_SESSION.iter().copied());
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    names.filter(is_set).map(str::to_owned).collect()
}

fn plan(
    cx: &Context,
    settings: &[(String, String)],
    service: Option<&Service>,
    was_there: bool,
) -> Result<(), Failure> {
    for (key, value) in settings {
        cx.out.line(format_args!("Would set {key} to {value} in config.toml"))?;
    }
    let Some(service) = service else { return without(cx, "would be") };
    let path = service.path.display();
    match was_there {
        true => cx.out.line(format_args!("Would leave {path} as it is"))?,
        false => cx.out.line(format_args!("Would write {path}:\n\n{}", service.text.trim_end()))?,
    }
    cx.out.line("\nWould run:")?;
    for command in service.starting() {
        cx.out.line(format_args!("  {}", command.join(" ")))?;
    }
    Ok(())
}

fn tell(
    cx: &Context,
    settings: &[(String, String)],
    service: Option<&Service>,
    was_there: bool,
) -> Result<(), Failure> {
    let set: Vec<String> = settings.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    cx.out.done(format_args!("Automatic sync is on: {} in config.toml", set.join(", ")))?;
    let Some(service) = service else { return without(cx, "was") };
    let path = service.path.display();
    match was_there {
        true => cx.out.done(format_args!("The service was there already and runs: {path}"))?,
        false => cx.out.done(format_args!("The service is installed and runs: {path}"))?,
    }
    Ok(())
}

fn without(cx: &Context, was: &str) -> Result<(), Failure> {
    cx.out.note(format_args!(
        "No service {was} installed: there is no user session of systemd or launchd here. Each command that changes something starts \
         a sync; to hear of others' changes at once, have `orkee cloud watch` run by whatever starts your programs.",
    ));
    Ok(())
}

fn warn(cx: &Context, unseen: &[String]) -> Result<(), Failure> {
    if !unseen.is_empty() {
        let root = cx.home()?.root().join(".env");
        let (names, root) = (unseen.join(", "), root.display());
        cx.out.warn(format_args!(
            "set in this shell alone, and not seen by a service: {names}; `orkee cloud login` keeps a sign-in, {root} takes ORKEE_… \
             as NAME=value, and `systemctl --user set-environment` the others"
        ));
    }
    // As a service sees them: the home folder's files alone.
    if !may_be_signed_in(cx.home()?, &Settings::load_with(cx.home()?, |_| None)?)? {
        cx.out.note("Nobody is signed in for it yet: orkee cloud login");
    }
    let auto = AutoSync::of(&Settings::load(cx.home()?)?)?;
    let wins = |origin: &Origin| !matches!(origin, Origin::Config(_) | Origin::Default);
    for (key, origin) in [(Key::AutoSync, &auto.enabled.origin), (Key::SyncInterval, &auto.interval.origin)] {
        if wins(origin) {
            let key = dotted(key);
            cx.out.warn(format_args!("{origin} goes before {key} in config.toml"));
        }
    }
    Ok(())
}

/// Shows what is there, and what would be.
pub(super) fn differs(cx: &Context, there: &str, ours: &str) {
    for line in diff::lines(there, ours) {
        let sign = match line.sign {
            diff::Sign::Both => " ",
            diff::Sign::Mine => "-",
            diff::Sign::Theirs => "+",
            diff::Sign::Gap => "…",
        };
        cx.out.note(format_args!("{sign} {}", text::line(&line.text)));
    }
}
