//! One device of the demo: a home folder, and a terminal whose commands and output are shown.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::run::Error;
use crate::sandbox::{EMAIL, PASSWORD, Sandbox};

pub struct Device<'a> {
    sandbox: &'a Sandbox<'a>,
    pub name: &'static str,
}

impl<'a> Device<'a> {
    pub fn new(sandbox: &'a Sandbox<'a>, name: &'static str) -> Self {
        Self { sandbox, name }
    }

    /// `orkee ARGS`, with a browser that signs in as the account's owner would.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.orkee(self.name);
        command
            .args(args)
            .env("BROWSER", self.sandbox.binaries.browser())
            .env("FAKE_BROWSER_EMAIL", EMAIL)
            .env("FAKE_BROWSER_PASSWORD", PASSWORD);
        command
    }

    /// Runs a command, shows it with its output, and fails unless it succeeds.
    pub fn run(&self, args: &[&str]) -> Result<(), Error> {
        self.run_expecting(args, &[0])
    }

    /// Runs a command, shows it with its output, and fails unless it exits with one of `codes`.
    pub fn run_expecting(&self, args: &[&str], codes: &[i32]) -> Result<(), Error> {
        self.prompt(args);
        let output = self.command(args).output()?;
        self.ended(args, &output, codes)
    }

    /// The same with this typed, and success alone.
    pub fn run_with(&self, args: &[&str], typed: &str) -> Result<(), Error> {
        self.prompt(args);
        let mut command = self.command(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(typed.as_bytes())?;
        }
        self.ended(args, &child.wait_with_output()?, &[0])
    }

    /// Runs a command that has to succeed, shows it, and hands back the JSON that it printed.
    pub fn shown_json(&self, args: &[&str]) -> Result<serde_json::Value, Error> {
        let args = [args, &["--json"]].concat();
        self.prompt(&args);
        let output = self.command(&args).output()?;
        self.ended(&args, &output, &[0])?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn ended(&self, args: &[&str], output: &Output, codes: &[i32]) -> Result<(), Error> {
        show(output);
        let code = output.status.code();
        if code.is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        Err(format!("`orkee {}` on the {} ended with {}", args.join(" "), self.name, output.status).into())
    }

    /// The JSON that a command prints.
    pub fn json(&self, args: &[&str]) -> Result<serde_json::Value, Error> {
        let output = self.command(args).arg("--json").output()?;
        if !output.status.success() {
            show(&output);
            return Err(format!("`orkee {} --json` ended with {}", args.join(" "), output.status).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// What a command prints on stdout.
    pub fn stdout(&self, args: &[&str]) -> Result<String, Error> {
        let output = self.command(args).output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => Err(format!("`orkee {}` ended with {}", args.join(" "), output.status).into()),
        }
    }

    /// The id of the project called `name`.
    pub fn id_of(&self, name: &str) -> Result<String, Error> {
        let shown = self.json(&["projects", "show", name])?;
        shown["project"]["id"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("{name} has no id: {shown}").into())
    }

    /// Starts a command and kills it (SIGKILL) once `moment` has come.
    pub fn kill_when(&self, args: &[&str], moment: impl FnOnce() -> bool) -> Result<(), Error> {
        self.prompt(args);
        let mut child = self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let came = moment();
        child.kill()?;
        let status = child.wait()?;
        match came {
            true => println!("  ({status})"),
            false => {
                return Err(
                    format!("`orkee {}` was not to be caught half-way: {status}", args.join(" ")).into()
                );
            }
        }
        Ok(())
    }

    fn prompt(&self, args: &[&str]) {
        println!("\n{}$ orkee {}", self.name, args.join(" "));
    }
}

/// The lines of both streams; long output is cut in the middle.
fn show(output: &Output) {
    const SHOWN: usize = 24;
    for stream in [&output.stderr, &output.stdout] {
        let text = String::from_utf8_lossy(stream);
        let lines: Vec<&str> = text.lines().collect();
        match lines.len() {
            0..=SHOWN => lines.iter().for_each(|line| println!("  {line}")),
            n => {
                lines[..SHOWN / 2].iter().for_each(|line| println!("  {line}"));
                println!("  … {} more lines …", n - SHOWN);
                lines[n - SHOWN / 2..].iter().for_each(|line| println!("  {line}"));
            }
        }
    }
}
