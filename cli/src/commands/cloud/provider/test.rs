//! `orkee cloud provider test`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use orkee_core::diagnostic::Kind;
use orkee_core::net::{ApiUrl, Http, HttpOptions, Secret};
use orkee_core::plugin::{Host, Limits, Manifest, Package, PackageError};
use orkee_kit::{Candidate, Checked, Plan, Report, Verdict, obligations};
use serde::Serialize;

use super::pack;
use super::project::Project;
use crate::commands::cloud::{piped, surroundings};
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::{Paint, text};

/// Try a provider against what a backend owes
///
/// Runs the component as `orkee cloud sync` would, against the practice backend or one that is running, and lets replies be lost,
/// repeated, cut, refused and replaced on the way. The records that it makes in a running backend stay there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider test notes.wasm
  orkee cloud provider test acme-notes
  orkee cloud provider test . --check two-writers
  orkee cloud provider test s3.wasm --backend http://127.0.0.1:5000 --option bucket=try --login-from-stdin < keys
  orkee cloud provider test --explain two-writers")]
pub(crate) struct Test {
    /// A component, or its author's folder, which is built and packed first
    #[arg(value_name = "FILE|DIR", required_unless_present = "explain")]
    component: Option<PathBuf>,
    /// A backend that is running, instead of the practice backend
    #[arg(long, value_name = "URL")]
    backend: Option<String>,
    /// An option of the provider
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = option)]
    options: Vec<(String, String)>,
    /// Read the login for the backend from standard input: a token, USER:PASSWORD or ID:SECRET
    #[arg(long)]
    login_from_stdin: bool,
    /// Do this check alone; may be given several times
    #[arg(long = "check", value_name = "CHECK")]
    checks: Vec<String>,
    /// Show what a check is about, and end
    #[arg(long, value_name = "CHECK", conflicts_with_all = ["component", "backend", "options", "login_from_stdin", "checks"])]
    explain: Option<String>,
}

/// The login for the backend, where it is not on standard input.
const LOGIN: &str = "ORKEE_PROVIDER_LOGIN";

fn option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has to be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Test {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        match (&self.explain, &self.component) {
            (Some(id), _) => explain(cx, id),
            (None, Some(component)) => self.try_component(cx, component),
            // The grammar has asked for one of them.
            (None, None) => Err(CliError::usage("no component is named", "name a file or a folder").into()),
        }
    }

    fn try_component(&self, cx: &Context, component: &Path) -> CommandResult {
        let backend = self.backend.as_deref().map(ApiUrl::parse).transpose()?;
        for id in &self.checks {
            orkee_kit::check(id)?;
        }
        let candidate = self.load(cx, component)?;
        let plan = Plan { backend, login: self.login()?, only: self.checks.clone() };
        let http = Http::new(HttpOptions::from_env())?;
        let report = surroundings::run(async {
            Ok(orkee_kit::run(&candidate, plan, http, |checked| tell(cx, checked)).await?)
        })?;
        match cx.out.is_json() {
            true => cx.out.document(&Document::of(&report))?,
            false => summary(cx, &report)?,
        }
        Ok(if report.is_good() { Exit::DONE } else { Kind::Failed.into() })
    }

    fn load(&self, cx: &Context, path: &Path) -> Result<Candidate, Failure> {
        let path = if path.is_dir() { packed(cx, path)? } else { path.to_owned() };
        let bytes = read(&path)?;
        let host = Host::new(Some(cx.home()?.cache()))?;
        let manifest = match Package::read(&bytes) {
            Ok(package) => Some(package.manifest),
            // What it is instead, the host says in better words.
            Err(PackageError::NoManifest | PackageError::Damaged) => None,
            Err(error) => return Err(error.into()),
        };
        let name = name(&path, manifest.as_ref());
        let options: BTreeMap<_, _> = self.options.iter().cloned().collect();
        Ok(Candidate::load(&host, &name, &bytes, manifest, options)?)
    }

    fn login(&self) -> Result<Option<Secret>, Failure> {
        if !self.login_from_stdin {
            let login = std::env::var(LOGIN).unwrap_or_default();
            return Ok(Some(login.trim()).filter(|login| !login.is_empty()).map(Secret::new));
        }
        let login = piped::trimmed("the login")?;
        if login.expose().is_empty() {
            return Err(CliError::usage(
                "there is no login on standard input",
                "give a token, USER:PASSWORD or ID:SECRET in one line",
            )
            .into());
        }
        Ok(Some(login))
    }
}

/// What comes of a folder's build.
fn packed(cx: &Context, folder: &Path) -> Result<PathBuf, Failure> {
    let project = Project::open(folder)?;
    Ok(surroundings::run(pack::build_and_pack(cx, &project, None, None))?.file)
}

/// What messages call it.
fn name(path: &Path, manifest: Option<&Manifest>) -> String {
    match manifest {
        Some(manifest) => manifest.name.to_string(),
        None => text::line(&path.file_stem().unwrap_or_default().to_string_lossy()),
    }
}

/// A file, unless it is larger than any component may be: then the host says so.
fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::ReadFile { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let limit = Limits::default().component + 1;
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[derive(Serialize)]
struct Explanation<'a> {
    check: &'a str,
    obligation: &'a str,
    read: String,
    text: String,
}

fn explain(cx: &Context, id: &str) -> CommandResult {
    let check = orkee_kit::check(id)?;
    let text = obligations::text(check.anchor).unwrap_or_default();
    let read = format!("{}#{}", obligations::PAGE, check.anchor);
    if cx.out.is_json() {
        cx.out.document(&Explanation { check: check.id, obligation: check.obligation, read, text })?;
    } else {
        cx.out.line(format_args!("{}: {}\n", cx.out.paint(Paint::Strong, check.id), check.obligation))?;
        cx.out.line(format_args!("{text}\n"))?;
        cx.out.line(cx.out.paint(Paint::Dim, &read))?;
    }
    Ok(Exit::DONE)
}

/// A check that failed is told at once.
fn tell(cx: &Context, checked: &Checked) {
    tracing::debug!(target: "orkee::kit", check = checked.check.id, verdict = ?checked.verdict, "checked");
    let Verdict::Failed { expected, found } = &checked.verdict else {
        return;
    };
    if cx.out.is_json() {
        return;
    }
    let id = checked.check.id;
    let lines = [
        format!("{} {}: {}", cx.out.mark(false), cx.out.paint(Paint::Strong, id), checked.check.obligation),
        format!("    expected  {}", text::line(expected)),
        format!("    found     {}", text::line(found)),
        format!("    read      {}, or run `orkee cloud provider test --explain {id}`", checked.read()),
    ];
    // That nobody reads on is seen when the command ends.
    let _ = lines.iter().try_for_each(|line| cx.out.line(line)).and_then(|()| cx.out.finish());
}

fn summary(cx: &Context, report: &Report) -> Result<(), CliError> {
    let provider = report.provider.as_ref();
    let name =
        provider.map_or("The provider".to_owned(), |p| text::line(&format!("{} {}", p.name, p.version)));
    let backend = report.backend.as_ref().map_or("the practice backend".to_owned(), ToString::to_string);
    let failed = report.failed().count();
    let passed = report.checked.iter().filter(|checked| checked.verdict == Verdict::Passed).count();
    let seconds = report.checked.iter().map(|checked| checked.took.as_secs_f64()).sum::<f64>();
    match failed {
        0 => cx.out.done(format_args!("{name} passes {passed} checks with {backend} ({seconds:.1} s)"))?,
        _ => {
            cx.out.line(format_args!("{name} fails {failed} of {} checks with {backend}", passed + failed))?
        }
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for checked in &report.checked {
        if let Verdict::NotChecked(why) = &checked.verdict {
            reasons.entry(why).or_default().push(checked.check.id);
        }
    }
    for (why, checks) in reasons {
        cx.out.note(format_args!("not checked: {} ({})", checks.join(", "), text::line(why)));
    }
    Ok(())
}

#[derive(Serialize)]
struct Document<'a> {
    provider: Option<ProviderView<'a>>,
    backend: Option<String>,
    passed: usize,
    failed: usize,
    not_checked: usize,
    checks: Vec<CheckView<'a>>,
}

#[derive(Serialize)]
struct ProviderView<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct CheckView<'a> {
    check: &'a str,
    result: &'static str,
    obligation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    read: String,
    duration_ms: u64,
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Self {
        let checks: Vec<_> = report.checked.iter().map(CheckView::of).collect();
        let count = |result| checks.iter().filter(|check| check.result == result).count();
        Self {
            provider: report.provider.as_ref().map(|provider| ProviderView {
                id: &provider.id,
                name: &provider.name,
                version: &provider.version,
            }),
            backend: report.backend.as_ref().map(ToString::to_string),
            passed: count("passed"),
            failed: count("failed"),
            not_checked: count("not-checked"),
            checks,
        }
    }
}

impl<'a> CheckView<'a> {
    fn of(checked: &'a Checked) -> Self {
        let (result, expected, found, why) = match &checked.verdict {
            Verdict::Passed => ("passed", None, None, None),
            Verdict::Failed { expected, found } => {
                ("failed", Some(expected.as_str()), Some(found.as_str()), None)
            }
            Verdict::NotChecked(why) => ("not-checked", None, None, Some(why.as_str())),
        };
        Self {
            check: checked.check.id,
            result,
            obligation: checked.check.obligation,
            expected,
            found,
            why,
            read: checked.read(),
            duration_ms: checked.took.as_millis() as u64,
        }
    }
}
