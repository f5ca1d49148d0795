//! Secrets in the keyring of the operating system, for who asks for it.
//!
//! The program `orkee-keyring` speaks to the keyring: what that takes has no place in every `orkee`, and a keyring that does not answer can
//! be given up. An entry never changes: what is to be kept anew gets an entry of a new name, and whatever names the old one names the new
//! one from the moment at which it is replaced.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::auth::{EnvToken, plain};
use crate::id;

/// The program, beside `orkee` or in the path.
const PROGRAM: &str = "orkee-keyring";
/// A person may have to type the keyring's password.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);
/// How the program says that there is no such entry.
const NO_ENTRY: i32 = 3;
/// More than any sign-in has.
const MAX_BYTES: u64 = 1 << 20;

/// The keyring cannot be used.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// The program that speaks to it is not installed.
    #[error("the program `{PROGRAM}` is not installed")]
    NotInstalled,
    /// It could not be started, or broke off.
    #[error("the program `{PROGRAM}` cannot be run")]
    Program(#[source] io::Error),
    /// There is no keyring, or it stays locked.
    #[error("it refused: {reason}")]
    Refused {
        /// In the keyring's words.
        reason: String,
    },
    /// It gave no answer.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The entry holds something else.
    #[error("it holds something that Orkee did not put there")]
    Damaged,
}

/// A name for a new entry.
pub fn new_name() -> String {
    format!("orkee {}", id::random(16))
}

/// What an entry holds. None: there is none of this name.
pub fn get(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    run("get", name, None)
}

/// Makes an entry.
pub fn set(name: &str, secret: &[u8]) -> Result<(), KeyringError> {
    run("set", name, Some(secret)).map(|_| ())
}

/// Removes an entry that nothing names any more. One that cannot be removed is an entry too many, and no harm.
pub fn forget(name: &str) {
    if let Err(error) = run("delete", name, None) {
        tracing::warn!(target: "orkee::cloud::auth", %error, "an entry of the keyring stays behind");
    }
}

/// Runs the program. None: there is no such entry.
fn run(verb: &str, name: &str, input: Option<&[u8]>) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let mut child = start(verb, name)?;
    if let Some(mut stdin) = child.stdin.take() {
        // That it stops reading is told by how it ends.
        let _ = stdin.write_all(input.unwrap_or_default());
    }
    let (said, complained) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let status = wait(&mut child)?;
    let joined = |reader: JoinHandle<Zeroizing<Vec<u8>>>| reader.join().unwrap_or_default();
    let (said, complained) = (joined(said), joined(complained));
    match status.code() {
        Some(0) => Ok(Some(said)),
        Some(NO_ENTRY) => Ok(None),
        _ => Err(KeyringError::Refused { reason: plain(String::from_utf8_lossy(&complained).trim()) }),
    }
}

fn start(verb: &str, name: &str) -> Result<Child, KeyringError> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM));
    let mut command = Command::new(program);
    command.args([verb, name]).env_remove(EnvToken::VARIABLE).env_remove(EnvToken::FILE_VARIABLE);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C goes to the whole group of the terminal: it must not end what is about to store a token that was just renewed.
    command.process_group(0);
    command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyringError::NotInstalled,
        _ => KeyringError::Program(error),
    })
}

/// Reads a pipe to its end, beside the waiting.
fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Zeroizing<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        if let Some(pipe) = pipe {
            let _ = pipe.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        bytes
    })
}

fn wait(child: &mut Child) -> Result<std::process::ExitStatus, KeyringError> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(KeyringError::Program)? {
            return Ok(status);
        }
        if began.elapsed() >= PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(KeyringError::TimedOut);
        }
        std::thread::sleep(POLL);
    }
}
