//! `orkee cloud provider logs`

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use orkee_core::plugin::{BUILT_IN, Registry};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::{Paint, text};

/// The target of what plugins say, in the log.
const TARGET: &str = "orkee::cloud::plugin";

/// Show what a provider wrote into Orkee's log, the newest last
///
/// The log keeps what is worth keeping: information, warnings and errors. More is shown by `-vv` while a command runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud provider logs notes
  orkee cloud provider logs --limit 20")]
pub(crate) struct Logs {
    /// This one alone
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// At most so many lines
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Serialize)]
struct Document {
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    timestamp: String,
    level: String,
    plugin: String,
    message: String,
}

impl Logs {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let Some(name) = self.name.as_deref().filter(|name| !BUILT_IN.contains(name)) {
            Registry::open(cx.home()?)?.expect(name)?;
        }
        let lines = self.last(&cx.home()?.log())?;
        if cx.out.is_json() {
            cx.out.document(&Document { lines: lines.into() })?;
            return Ok(Exit::DONE);
        }
        if lines.is_empty() {
            cx.out.note("No provider has written anything yet.");
        }
        for line in &lines {
            let at = cx.out.paint(Paint::Dim, &text::line(&line.timestamp));
            let (level, plugin) = (text::line(&line.level), text::line(&line.plugin));
            cx.out.line(format_args!("{at} {level:<5} {plugin}: {}", text::line(&line.message)))?;
        }
        Ok(Exit::DONE)
    }

    /// The last lines of the log and of the one that was set aside before it.
    fn last(&self, log: &Path) -> Result<VecDeque<Line>, CliError> {
        let mut aside = log.as_os_str().to_owned();
        aside.push(".1");
        let mut lines = VecDeque::new();
        for path in [PathBuf::from(aside), log.to_owned()] {
            let unreadable = |source| CliError::ReadFile { path: path.clone(), source };
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(unreadable)?,
            };
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(unreadable)?;
                lines.extend(self.wanted(&line));
                if lines.len() > self.limit as usize {
                    lines.pop_front();
                }
            }
        }
        Ok(lines)
    }

    /// A line of the log that a plugin wrote, and the one that is asked for.
    fn wanted(&self, line: &[u8]) -> Option<Line> {
        let line: Value = serde_json::from_slice(line).ok()?;
        let field = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        let plugin = field("plugin").filter(|_| line.get("target").is_some_and(|target| target == TARGET))?;
        if self.name.as_ref().is_some_and(|name| *name != plugin) {
            return None;
        }
        let (timestamp, level) = (field("timestamp")?, field("level")?);
        Some(Line { timestamp, level, plugin, message: field("message")? })
    }
}
