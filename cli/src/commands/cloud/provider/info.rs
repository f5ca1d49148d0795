//! `orkee cloud provider info`

use std::collections::BTreeMap;

use orkee_core::clock;
use orkee_core::plugin::{Installed, LoginKind, OptionSpec, Registry, Release};
use serde::Serialize;

use super::view::{self, ProviderView};
use crate::commands::cloud::builtin::{self, BuiltIn};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::{Paint, text};

/// Show all that is known of a provider
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider info notes
  orkee cloud provider info s3 --json")]
pub(crate) struct Info {
    /// The provider
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct Document<'a> {
    provider: ProviderView,
    #[serde(flatten)]
    more: Option<More<'a>>,
}

#[derive(Serialize)]
struct More<'a> {
    description: Option<&'a str>,
    publisher: Option<&'a str>,
    key: Option<String>,
    installed_at: String,
    api_url: Option<String>,
    limits: BTreeMap<&'static str, String>,
    options: BTreeMap<&'a str, OptionView<'a>>,
    previous: Option<Previous<'a>>,
}

#[derive(Serialize)]
struct OptionView<'a> {
    about: Option<&'a str>,
    required: bool,
    default: Option<&'a str>,
}

#[derive(Serialize)]
struct Previous<'a> {
    version: &'a str,
    sha256: String,
    source: &'a str,
}

impl Info {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let Some(found) = builtin::named(&self.name) {
            return built_in(cx, found);
        }
        let registry = Registry::open(cx.home()?)?;
        let installed = registry.expect(&self.name)?;
        if cx.out.is_json() {
            let provider = ProviderView::of(cx, &registry, installed);
            cx.out.document(&Document { provider, more: Some(More::of(installed)) })?;
        } else {
            show(cx, &registry, installed)?;
        }
        Ok(Exit::DONE)
    }
}

fn built_in(cx: &Context, built_in: &BuiltIn) -> CommandResult {
    let provider = ProviderView::built_in(cx, built_in)?;
    if cx.out.is_json() {
        cx.out.document(&Document { provider, more: None })?;
        return Ok(Exit::DONE);
    }
    cx.out.line(cx.out.paint(Paint::Strong, &format!("{} {}", provider.name, provider.version)))?;
    let manifest = built_in.manifest()?;
    let about = manifest.description.as_deref().unwrap_or(built_in.name);
    cx.out.line(format_args!("{about}; part of this program"))?;
    cx.out.line("")?;
    if manifest.roles.delivers() {
        dispatcher(cx)?;
    }
    if manifest.roles.syncs() {
        field(cx, "May reach", "the API URL")?;
        view::hosts(&manifest).iter().try_for_each(|host| field(cx, "", host))?;
        field(cx, "Sign-in", manifest.login.as_ref().map_or("none", LoginKind::describe))?;
    }
    Ok(Exit::DONE)
}

/// What every dispatcher is, gets and reaches.
fn dispatcher(cx: &Context) -> Result<(), Failure> {
    field(cx, "Is a", "dispatcher: it delivers events to webhooks")?;
    view::DELIVERY.iter().try_for_each(|(label, value)| field(cx, label, value))
}

fn show(cx: &Context, registry: &Registry, installed: &Installed) -> Result<(), Failure> {
    let Release { granted, sha256, source, installed: since } = &installed.current;
    cx.out.line(cx.out.paint(Paint::Strong, &format!("{} {}", granted.name, granted.version)))?;
    if let Some(description) = &granted.description {
        cx.out.line(text::line(description))?;
    }
    cx.out.line("")?;
    field(cx, "Source", source)?;
    field(cx, "SHA-256", &sha256.to_string())?;
    field(cx, "Contract", &contract(registry, &installed.current))?;
    field(cx, "Installed", &text::minute(&clock::rfc3339(*since)))?;
    field(cx, "Publisher", granted.publisher.as_deref().unwrap_or("–"))?;
    field(cx, "Signed by", &installed.key.map_or("nobody".to_owned(), |key| key.to_string()))?;
    if granted.roles.delivers() {
        dispatcher(cx)?;
    }
    if granted.roles.syncs() {
        let api = granted.api_url.as_ref().map(|url| format!(", {url} unless you set another"));
        field(cx, "May reach", &format!("the API URL{}", api.unwrap_or_default()))?;
        view::hosts(granted).iter().try_for_each(|host| field(cx, "", host))?;
        field(cx, "Sign-in", granted.login.as_ref().map_or("none", |login| login.describe()))?;
    }
    if !granted.tenants.is_empty() {
        field(cx, "Tenants", &granted.tenants.join(", "))?;
    }
    if !granted.limits.is_empty() {
        field(cx, "Limits", &granted.limits.to_string())?;
    }
    if let Some(previous) = &installed.previous {
        field(cx, "Before", &format!("{}, kept for a rollback", previous.granted.version))?;
    }
    for (index, (name, option)) in granted.options.iter().enumerate() {
        field(cx, if index == 0 { "Options" } else { "" }, &described(name, option))?;
    }
    Ok(())
}

/// What it was built for, and what to do where this program does not run that.
fn contract(registry: &Registry, release: &Release) -> String {
    let Some(built_for) = registry.built_for(release) else {
        return "unknown: its file is gone or damaged; `orkee cloud provider install` puts it back"
            .to_owned();
    };
    match view::remedy(release.granted.name.as_str(), &built_for) {
        None => built_for.to_string(),
        Some(remedy) => format!("{built_for}, and does not run; {remedy}"),
    }
}

fn described(name: &str, option: &OptionSpec) -> String {
    let about = option.about.as_deref().map(|about| format!(": {about}")).unwrap_or_default();
    let default = option.default.as_deref().map(|default| format!(" (default {default})"));
    let required = option.required && option.default.is_none();
    let needed = default.unwrap_or(if required { " (required)" } else { "" }.to_owned());
    format!("{name}{about}{needed}")
}

fn field(cx: &Context, label: &str, value: &str) -> Result<(), Failure> {
    let label = cx.out.paint(Paint::Dim, &format!("{label:<9}"));
    Ok(cx.out.line(format_args!("  {label}  {}", text::line(value)))?)
}

impl<'a> More<'a> {
    fn of(installed: &'a Installed) -> Self {
        let granted = &installed.current.granted;
        let option = |(name, spec): (&'a String, &'a OptionSpec)| {
            let (about, default) = (spec.about.as_deref(), spec.default.as_deref());
            (name.as_str(), OptionView { about, required: spec.required, default })
        };
        Self {
            description: granted.description.as_deref(),
            publisher: granted.publisher.as_deref(),
            key: installed.key.map(|key| key.to_string()),
            installed_at: clock::rfc3339(installed.current.installed),
            api_url: granted.api_url.as_ref().map(ToString::to_string),
            limits: granted.limits.entries().into_iter().collect(),
            options: granted.options.iter().map(option).collect(),
            previous: installed.previous.as_ref().map(|release| Previous {
                version: &release.granted.version,
                sha256: release.sha256.to_string(),
                source: &release.source,
            }),
        }
    }
}
