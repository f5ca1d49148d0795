//! A device that is used alone: a home folder, and `orkee` run in it as a person or a script would, to its end.
//! A device that speaks to a server is a [`Device`](crate::device::Device).

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value;

use crate::binaries;

/// One device of one person.
pub struct Home {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// A device on which Orkee has never run.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// Sets a variable for every command from now on.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// What `ORKEE_HOME` names.
    pub fn orkee(&self) -> PathBuf {
        self.folder.path().join("orkee")
    }

    /// A file or folder of the person, outside `ORKEE_HOME`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Makes a folder of the person.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// Makes a file of the person.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A command of `orkee`, not started: in the person's folder, with nothing of this process's environment but the path.
    pub fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let mut command = Command::new(binaries::orkee());
        command.args(args);
        self.settle(&mut command);
        command
    }

    /// A line of the shell that finds `orkee` as `"$ORKEE"`, not started.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg("-c").arg(line);
        self.settle(&mut command);
        command.env("ORKEE", binaries::orkee());
        command
    }

    /// Gives a command the person's folder and environment, and nothing on standard input.
    pub fn settle(&self, command: &mut Command) {
        command
            .current_dir(self.folder(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("ORKEE_HOME", self.orkee())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
    }

    /// Runs a command to its end, with nothing on standard input.
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
        finish(self.command(args), &[])
    }

    /// Runs a command to its end, with this on standard input.
    pub fn run_with(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: impl AsRef<[u8]>,
    ) -> Ran {
        finish(self.command(args), input.as_ref())
    }

    /// Runs a command that has to succeed, and hands back what it said on standard output.
    #[track_caller]
    pub fn ok(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
        self.run(args).success().stdout
    }

    /// Runs a command with `--json` that has to succeed, and hands back the object it printed.
    #[track_caller]
    pub fn json(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Value {
        let args = args.into_iter().map(|a| a.as_ref().to_owned()).chain([OsString::from("--json")]);
        self.run(args).success().json()
    }

    /// All projects, as JSON, sorted by id.
    #[track_caller]
    pub fn projects(&self) -> Vec<Value> {
        self.json(["projects", "list", "--sort", "id"])["projects"].as_array().unwrap().clone()
    }

    /// Adds a project by name, and hands back its id.
    #[track_caller]
    pub fn add(&self, name: &str) -> String {
        self.json(["projects", "add", "--name", name])["project"]["id"].as_str().unwrap().to_owned()
    }
}

/// Runs a command to its end, with this on standard input.
pub fn finish(mut command: Command, input: &[u8]) -> Ran {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let shown = shown(&command);
    let mut child = command.spawn().unwrap();
    let feeder = feed(&mut child, input);
    let output = child.wait_with_output().unwrap();
    if let Some(feeder) = feeder {
        feeder.join().unwrap();
    }
    Ran::of(shown, &output)
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args = command
        .get_args()
        .map(|arg| format!(" {:?}", arg.to_string_lossy().chars().take(200).collect::<String>()));
    std::iter::once(name).chain(args).collect()
}

/// Writes to a child's standard input beside its run; that it stops reading is its own affair.
fn feed(child: &mut Child, input: &[u8]) -> Option<thread::JoinHandle<()>> {
    let mut stdin = child.stdin.take()?;
    let input = input.to_vec();
    Some(thread::spawn(move || {
        let _ = stdin.write_all(&input);
    }))
}

/// A command that ended.
pub struct Ran {
    command: String,
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\nexit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

impl Ran {
    /// A command that was run otherwise.
    pub fn of(command: String, output: &Output) -> Self {
        Self {
            command,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        self.exits(0)
    }

    /// It ended with this exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It failed as every command fails: this exit code, `error[CODE]: …` and a hint on standard error, nothing on standard output.
    #[track_caller]
    pub fn fails(self, code: i32, error: &str) -> Self {
        let ran = self.exits(code);
        let told = format!("error[{error}]: ");
        assert!(ran.stderr.lines().any(|line| line.starts_with(&told)), "not {error}: {ran}");
        assert!(ran.stderr.lines().any(|line| line.starts_with("hint: ")), "no hint: {ran}");
        assert_eq!(ran.stdout, "", "{ran}");
        ran
    }

    /// Standard error says this somewhere.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in: {self}");
        self
    }

    /// Standard output says this somewhere.
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} on standard output: {self}");
        self
    }

    /// Standard output is one JSON object with a `schema_version`, and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self}"));
        assert_eq!(value["schema_version"], 1, "{self}");
        value
    }
}
