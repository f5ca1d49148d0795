//! `orkee-keyring get|set|delete NAME`: a sign-in of `orkee` in the keyring of the operating system.
//!
//! `orkee` starts it where the setting `auth.store` is `keyring`, and ends it where it takes too long. A secret comes on standard input
//! and goes to standard output, never into an argument. Exit codes: 0 done, 1 the keyring cannot be used (the reason is on standard
//! error), 2 wrong use, 3 there is no such entry.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use keyring_core::{Entry, Error};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

/// Under which `orkee` keeps its entries.
const SERVICE: &str = "orkee";
/// More than any sign-in has.
const MAX: u64 = 1 << 20;

const NO_ENTRY: u8 = 3;

fn main() -> ExitCode {
    protect();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["get", name] => get(name),
        ["set", name] => set(name),
        ["delete", name] => delete(name),
        _ => {
            eprintln!("usage: orkee-keyring get|set|delete NAME");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::NoEntry) => ExitCode::from(NO_ENTRY),
        Err(error) => {
            eprintln!("{}", reason(&error));
            ExitCode::FAILURE
        }
    }
}

/// A crash leaves no core, and no other process of the user may attach. Where the system knows no such thing, so be it.
fn protect() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

fn entry(name: &str) -> Result<Entry, Error> {
    let store: Arc<keyring_core::CredentialStore> = Store::new()?;
    Entry::new_in_store(&store, SERVICE, name)
}

fn get(name: &str) -> Result<(), Error> {
    let secret = Zeroizing::new(entry(name)?.get_secret()?);
    std::io::stdout().write_all(&secret).map_err(|error| Error::PlatformFailure(error.into()))
}

fn set(name: &str) -> Result<(), Error> {
    let mut secret = Zeroizing::new(Vec::new());
    let read = std::io::stdin().lock().take(MAX).read_to_end(&mut secret);
    read.map_err(|error| Error::PlatformFailure(error.into()))?;
    entry(name)?.set_secret(&secret)
}

fn delete(name: &str) -> Result<(), Error> {
    entry(name)?.delete_credential()
}

/// In words that hold no secret: what the library has read is not shown.
fn reason(error: &Error) -> String {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => format!("{cause}"),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it holds cannot be read".to_owned(),
        Error::Ambiguous(_) => "it holds several such entries".to_owned(),
        error => error.to_string(),
    }
}
