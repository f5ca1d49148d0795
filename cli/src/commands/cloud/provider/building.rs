//! Running an author's build: a program of their choice, outside the sandbox, said before it begins.
//!
//! It gets this process's environment without `ORKEE_*`, where tokens may be. It is a process group of its own, which is gone
//! when the command that waits for it is interrupted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use orkee_core::diagnostic::{Diagnostic, Kind};
use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;

use super::project::Project;
use crate::context::Context;

/// How often a build is asked whether it is done.
const POLL: Duration = Duration::from_millis(20);
/// Of what a build said, this much is kept: its end.
const KEPT: u64 = 16 << 10;

/// Where what the build says goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saying {
    /// To standard error, as it comes.
    Aloud,
    /// Nowhere, but its end is told if the build fails.
    Quietly,
}

/// A build that came to nothing.
#[derive(Debug, Error)]
pub(super) enum BuildError {
    #[error("cannot start `{program}`")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the build failed: {status}")]
    Failed { status: ExitStatus },
    #[error("the build cannot be watched")]
    Watch(#[source] io::Error),
}

impl Diagnostic for BuildError {
    fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "E-BUILD-005",
            Self::Failed { .. } => "E-BUILD-006",
            Self::Watch(_) => "E-BUILD-007",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Start { .. } => "install it, or change `command` under [build] of provider.toml".to_owned(),
            Self::Failed { .. } => "what it said stands above".to_owned(),
            Self::Watch(_) => "try again".to_owned(),
        })
    }
}

/// Says what is about to be run.
pub(super) fn announce(cx: &Context, project: &Project) {
    cx.out.error_line(format_args!("building, outside the sandbox: {}", project.build().shown()));
}

/// Builds a project; to be [announced](announce) before. Dropped, the build is ended.
pub(super) async fn build(cx: &Context, project: &Project, saying: Saying) -> Result<(), BuildError> {
    let build = project.build();
    let mut command = Command::new(&build.program);
    command.args(&build.args).current_dir(project.folder()).stdin(Stdio::null()).process_group(0);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"ORKEE_") {
            command.env_remove(name);
        }
    }
    let said = tempfile::tempfile().map_err(BuildError::Watch)?;
    match saying {
        Saying::Aloud => command.stdout(io::stderr()),
        Saying::Quietly => {
            let (out, err) = (said.try_clone(), said.try_clone());
            command.stdout(out.map_err(BuildError::Watch)?).stderr(err.map_err(BuildError::Watch)?)
        }
    };
    let child =
        command.spawn().map_err(|source| BuildError::Start { program: build.program.clone(), source })?;
    let status = Running(Some(child)).end().await.map_err(BuildError::Watch)?;
    if status.success() {
        return Ok(());
    }
    if let Ok(end) = end_of(said) {
        end.lines().for_each(|line| cx.out.error_line(line));
    }
    Err(BuildError::Failed { status })
}

/// The end of a file, as far as it is text.
fn end_of(mut file: File) -> io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(KEPT)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

/// A build at work. Dropped, it and what it started are ended.
struct Running(Option<Child>);

impl Running {
    async fn end(mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(child) = &mut self.0
                && let Some(status) = child.try_wait()?
            {
                self.0 = None;
                return Ok(status);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
    }
}
