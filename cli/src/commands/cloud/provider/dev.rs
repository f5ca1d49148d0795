//! `orkee cloud provider dev`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use orkee_core::net::{Http, HttpOptions};
use orkee_core::plugin::Host;
use orkee_kit::{Candidate, Plan, Report, Verdict};
use serde::Serialize;

use super::building::{self, Saying};
use super::project::{Packed, Project};
use super::watch::Watch;
use crate::commands::cloud::surroundings;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Failure};
use crate::output::{Paint, text};
use crate::report;

/// Build and check a provider again whenever one of its files changes, until Ctrl-C
///
/// Says a line for each run, and what failed. What is checked is what `orkee cloud provider test` checks.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider dev acme-notes
  orkee cloud provider dev . --option bucket=test")]
pub(crate) struct Dev {
    /// The folder with the provider's provider.toml
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Set one of the provider's options
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = option)]
    options: Vec<(String, String)>,
}

/// A run, as JSON.
#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    version: &'a str,
    passed: usize,
    not_checked: usize,
    failed: Vec<Failed<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct Failed<'a> {
    check: &'a str,
    expected: &'a str,
    found: &'a str,
    read: String,
}

/// `NAME=VALUE`
fn option(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it has to be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Dev {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        // What is no project now will not become one.
        Project::open(&self.folder)?;
        surroundings::run(async {
            let mut announced = String::new();
            loop {
                // Before the run: what changes while it lasts asks for the next one.
                let mut watch = Watch::new(&self.folder);
                let begun = Instant::now();
                match self.once(cx, &mut announced).await {
                    Ok((packed, report)) => tell(cx, &packed, &report, begun.elapsed())?,
                    Err(failure) => drop(report::failure(&cx.out, &failure)),
                }
                cx.out.finish()?;
                let changed = watch.changed().await;
                cx.out.note(cx.out.err_paint(Paint::Dim, &format!("{} changed", changed.display())));
            }
        })
    }

    /// A build and a run of the checks.
    async fn once(&self, cx: &Context, announced: &mut String) -> Result<(Packed, Report), Failure> {
        let project = Project::open(&self.folder)?;
        let shown = project.build().shown();
        if *announced != shown {
            building::announce(cx, &project);
            *announced = shown;
        }
        building::build(cx, &project, Saying::Quietly).await?;
        let packed = project.pack(None, None)?;
        let candidate = self.load(&packed).await?;
        let http = Http::new(HttpOptions::from_env())?;
        let report = orkee_kit::run(&candidate, Plan::default(), http, |_| ()).await?;
        Ok((packed, report))
    }

    /// On a thread of its own: a large component is compiled for many seconds, in which Ctrl-C has to work.
    async fn load(&self, packed: &Packed) -> Result<Candidate, Failure> {
        let (manifest, bytes) = (packed.package.manifest.clone(), packed.bytes.clone());
        let options = self.options.iter().cloned().collect();
        let loading = tokio::task::spawn_blocking(move || -> Result<Candidate, Failure> {
            // Without a cache: the next build is another component.
            let host = Host::new(None)?;
            let name = manifest.name.to_string();
            Ok(Candidate::load(&host, &name, &bytes, Some(manifest), options)?)
        });
        match loading.await {
            Ok(loaded) => loaded,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        }
    }
}

fn tell(cx: &Context, packed: &Packed, report: &Report, took: Duration) -> Result<(), CliError> {
    let manifest = &packed.package.manifest;
    let failed = report.failed().filter_map(|checked| match &checked.verdict {
        Verdict::Failed { expected, found } => {
            Some(Failed { check: checked.check.id, expected, found, read: checked.read() })
        }
        Verdict::Passed | Verdict::NotChecked(_) => None,
    });
    let document = Document {
        name: manifest.name.as_str(),
        version: &manifest.version,
        passed: report.checked.iter().filter(|checked| checked.verdict == Verdict::Passed).count(),
        not_checked: report.checked.iter().filter(|c| matches!(c.verdict, Verdict::NotChecked(_))).count(),
        failed: failed.collect(),
        seconds: took.as_secs_f64(),
    };
    if cx.out.is_json() {
        return cx.out.document(&document);
    }
    let Document { name, version, passed, not_checked, failed, seconds } = document;
    let all = report.checked.len();
    let mark = cx.out.mark(failed.is_empty());
    let open = if not_checked > 0 { format!(", {not_checked} not checked") } else { String::new() };
    cx.out.line(match failed.len() {
        0 => format!("{mark} {name} {version}: {passed} checks passed{open} ({seconds:.1} s)"),
        n => format!("{mark} {name} {version}: {n} of {all} checks failed{open} ({seconds:.1} s)"),
    })?;
    failed.iter().try_for_each(|Failed { check, expected, found, read }| {
        let (expected, found) = (text::line(expected), text::line(found));
        cx.out.line(format_args!("  {check}: expected {expected}; found {found}; see {read}"))
    })
}
