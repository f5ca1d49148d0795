//! A shell that stays for a section: one command after the other, with what each printed.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt as _;

/// Longer than any command of a page takes on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(90);

/// The shell. What it started ends with it.
pub(super) struct Shell {
    child: Child,
    keyboard: ChildStdin,
    ended: Receiver<String>,
    folder: tempfile::TempDir,
}

/// What somebody types into a command.
pub(super) enum Typed {
    /// At a terminal, a line whenever something is asked.
    AtTerminal(String),
    /// On standard input, which is no terminal.
    Piped(String),
}

/// A command that ended, or did not.
pub(super) struct Done {
    /// The exit code. None: it was given up.
    pub code: Option<i32>,
    /// All that it printed, on both streams.
    pub printed: String,
}

impl Shell {
    /// Starts `bash`, as set up, and has it read the prelude.
    pub(super) fn start(mut bash: Command, prelude: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        bash.args(["--norc", "--noprofile"]).process_group(0);
        let mut child =
            bash.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        let screen = BufReader::new(child.stdout.take().unwrap());
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || {
            screen.lines().map_while(Result::ok).take_while(|line| sender.send(line.clone()).is_ok()).count()
        });
        writeln!(keyboard, "set -a; . {}", prelude.display()).unwrap();
        Self { child, keyboard, ended, folder }
    }

    /// Types a command, and into it what it is given. On a terminal it runs in a shell below this one.
    pub(super) fn run(&mut self, command: &str, typed: Option<&Typed>) -> Done {
        let (file, output) = (self.file("command"), self.file("output"));
        std::fs::write(&file, format!("{command}\n")).unwrap();
        let input = self.file("input");
        let text = match typed {
            Some(Typed::AtTerminal(text) | Typed::Piped(text)) => format!("{text}\n"),
            None => String::new(),
        };
        std::fs::write(&input, text).unwrap();
        let (file, output, input) = (file.display(), output.display(), input.display());
        let command = match typed {
            Some(Typed::AtTerminal(_)) => format!("at_terminal {file} {input} {output}"),
            _ => format!(". {file}"),
        };
        let line = format!("{command} < {input} > {output} 2>&1; echo $?");
        writeln!(self.keyboard, "{line}").unwrap();
        let code = match self.ended.recv_timeout(DEADLINE) {
            Ok(code) => code.parse().ok(),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        };
        let printed = std::fs::read(self.file("output")).unwrap_or_default();
        Done { code, printed: String::from_utf8_lossy(&printed).replace('\r', "") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
