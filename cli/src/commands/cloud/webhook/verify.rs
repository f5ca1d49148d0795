//! `orkee cloud webhook verify`

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::event::verify::{self, Explanation, Fault, Part, Received, VerifyError, VerifyingKey};
use orkee_core::event::{FileLedger, Ledger, sent};
use orkee_core::net::Secret;
use orkee_core::plugin::KeyError;
use serde::Serialize;
use thiserror::Error;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;

/// Far more than a file of secrets or headers has.
const MAX_TEXT: u64 = 64 << 10;
/// Far more than an event has.
const MAX_BODY: u64 = 16 << 20;
/// Standard input, in the place of a file.
const STDIN: &str = "-";

/// Check a delivery as its receiver has to, and say which part does not fit
///
/// Reads the raw body from standard input. The secret is never an argument, since other users see those: it stands in a file, several on
/// lines of their own while one is rotated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud webhook verify --secret-file secret --headers headers.txt < body
  orkee cloud webhook verify --secret-file secret --id msg_… --timestamp 1649367553 --signature v1,… < body
  pass show hook | orkee cloud webhook verify --secret-file - --headers headers.txt --body body")]
pub(crate) struct Verify {
    /// A file with the secret (whsec_…, or a public key whpk_…); - is standard input
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// A file with the delivery's headers, each `name: value` on its line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "timestamp", "signature"])]
    headers: Option<PathBuf>,
    /// The header webhook-id
    #[arg(long, required_unless_present = "headers")]
    id: Option<String>,
    /// The header webhook-timestamp
    #[arg(long, value_name = "SECONDS", required_unless_present = "headers")]
    timestamp: Option<String>,
    /// The header webhook-signature
    #[arg(long, required_unless_present = "headers")]
    signature: Option<String>,
    /// The raw body, instead of on standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// Do not mind how old the delivery is, as for one that was kept
    #[arg(long)]
    any_time: bool,
}

/// The three headers, from wherever they came.
struct Headers {
    id: String,
    timestamp: String,
    signature: String,
}

#[derive(Serialize)]
struct Document<'a> {
    verified: bool,
    id: &'a str,
}

impl Verify {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.secret_file == Path::new(STDIN) && self.body.is_none() {
            let hint = "give the body by --body FILE, or the secret in a file";
            return Err(CliError::usage("standard input cannot be the secret and the body", hint).into());
        }
        let keys = keys(&read_text(&self.secret_file)?)?;
        let headers = self.headers()?;
        let body = self.read_body()?;
        let received =
            Received { id: &headers.id, timestamp: &headers.timestamp, signature: &headers.signature };
        check(&keys, &received, &body, self.any_time).map_err(|wrong| wrong.beside(cx, &received, &body))?;
        if cx.out.is_json() {
            cx.out.document(&Document { verified: true, id: &headers.id })?;
        }
        cx.out.done("The signature fits: id, time and body are as they were sent, by who has the key")?;
        Ok(Exit::DONE)
    }

    fn headers(&self) -> Result<Headers, Failure> {
        let Some(path) = &self.headers else {
            let given = |value: &Option<String>| value.clone().unwrap_or_default();
            let (id, timestamp, signature) =
                (given(&self.id), given(&self.timestamp), given(&self.signature));
            return Ok(Headers { id, timestamp, signature });
        };
        let file = read_text(path)?;
        let named = |wanted: &'static str| {
            let mut lines = file.expose().lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.trim().to_owned()).ok_or(Unusable::NoHeader(wanted))
        };
        Ok(Headers {
            id: named("webhook-id")?,
            timestamp: named("webhook-timestamp")?,
            signature: named("webhook-signature")?,
        })
    }

    fn read_body(&self) -> Result<Vec<u8>, CliError> {
        match &self.body {
            Some(path) if path != Path::new(STDIN) => read(path, MAX_BODY),
            _ => read_stdin(MAX_BODY),
        }
    }
}

/// Says what is wrong, as far as it can be known.
fn check(
    keys: &[VerifyingKey],
    received: &Received<'_>,
    body: &[u8],
    any_time: bool,
) -> Result<(), NotVerified> {
    let Explanation { signature, fault, time } = verify::explain(keys, received, body, Timestamp::now());
    let time = match time {
        Err(VerifyError::TooOld { .. } | VerifyError::TooNew { .. }) if any_time => None,
        time => time.err(),
    };
    match (signature.err(), time) {
        (None, None) => Ok(()),
        (signature, time) => Err(NotVerified { signature, fault, time }),
    }
}

/// The part that is not as this device sent it. None: it did not send this, or keeps it no more.
fn as_sent(cx: &Context, received: &Received<'_>, body: &[u8]) -> Result<Option<Fault>, Failure> {
    let path = cx.home()?.database();
    if !path.exists() {
        return Ok(None);
    }
    let ledger = FileLedger::open(&path)?;
    let ledger: &dyn Ledger = &ledger;
    let (sent, id) = ledger.reading(|db| Ok((sent::body_of(db, received.id)?, sent::id_of(db, body)?)))?;
    let fault = |part, why: Cow<'static, str>| Some(Fault { part, why });
    Ok(match (sent, id) {
        (Some(sent), _) if sent == body => fault(
            Part::Key,
            "id and body are as this device sent them: the secret is another, or the time".into(),
        ),
        (Some(_), _) => fault(Part::Body, "this device sent another under this id".into()),
        (None, Some(id)) => fault(Part::Id, format!("this device sent this body as {id}").into()),
        (None, None) => None,
    })
}

/// Each line is one.
fn keys(text: &Secret) -> Result<Vec<VerifyingKey>, Unusable> {
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    let key = |(index, line): (usize, &str)| {
        VerifyingKey::parse(&(index + 1).to_string(), &Secret::new(line)).map_err(Unusable::Key)
    };
    let keys = lines.enumerate().map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(Unusable::NoKey) } else { Ok(keys) }
}

fn read_text(path: &Path) -> Result<Secret, CliError> {
    let bytes = if path == Path::new(STDIN) { read_stdin(MAX_TEXT)? } else { read(path, MAX_TEXT)? };
    Ok(Secret::new(String::from_utf8_lossy(&bytes).into_owned()))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::ReadFile { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn read_stdin(most: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(CliError::Stdin)?;
    Ok(bytes)
}

/// What was handed in is nothing that could be checked.
#[derive(Debug, Error)]
enum Unusable {
    #[error("there is no header `{0}`")]
    NoHeader(&'static str),
    #[error("the secret file is empty")]
    NoKey,
    #[error("the secret file has no secret in line {}: {}", .0.name, .0.why)]
    Key(KeyError),
}

impl Diagnostic for Unusable {
    fn code(&self) -> &'static str {
        "E-HOOK-039"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHeader(_) => "have the three headers `webhook-…` of the delivery in the file".to_owned(),
            Self::NoKey | Self::Key(_) => {
                "it has the secret as `webhook add` showed it, `whsec_…`, and nothing else".to_owned()
            }
        })
    }
}

/// A receiver must not take this delivery.
#[derive(Debug, Error)]
#[error("the delivery does not verify: {}", self.why())]
struct NotVerified {
    signature: Option<VerifyError>,
    /// Why no signature fits; none, where that cannot be known.
    fault: Option<Fault>,
    time: Option<VerifyError>,
}

impl NotVerified {
    /// The same beside what this device sent, which may tell what a signature alone does not.
    fn beside(mut self, cx: &Context, received: &Received<'_>, body: &[u8]) -> Self {
        if self.fault.is_none() && self.signature == Some(VerifyError::Mismatch) {
            // A store that cannot be read tells nothing; the signature is wrong all the same.
            self.fault = as_sent(cx, received, body).ok().flatten();
        }
        self
    }

    fn why(&self) -> String {
        let unknown = "the id, the time, the body or the key is not the one it was signed with";
        let signature = match (&self.fault, &self.signature) {
            (Some(fault), _) => {
                Some(format!("the {} is wrong ({})", fault.part.as_str(), text::line(&fault.why)))
            }
            (None, Some(_)) => Some(unknown.to_owned()),
            (None, None) => None,
        };
        let is_told = self.part() == Some(Part::Time) && self.fault.is_some();
        let time = self.time.as_ref().filter(|_| !is_told).map(|time| format!("the time is wrong ({time})"));
        signature.into_iter().chain(time).collect::<Vec<_>>().join("; ")
    }

    /// The first that is known to be wrong.
    fn part(&self) -> Option<Part> {
        match (&self.fault, &self.signature) {
            (Some(fault), _) => Some(fault.part),
            (None, Some(_)) => None,
            (None, None) => Some(Part::Time),
        }
    }
}

impl Diagnostic for NotVerified {
    fn code(&self) -> &'static str {
        match self.part() {
            None => "E-HOOK-032",
            Some(Part::Time) => "E-HOOK-030",
            Some(Part::Signature) => "E-HOOK-031",
            Some(Part::Id) => "E-HOOK-036",
            Some(Part::Body) => "E-HOOK-037",
            Some(Part::Key) => "E-HOOK-038",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn hint(&self) -> Option<String> {
        let hint = match self.part() {
            None => {
                "check that the secret is this webhook's and no older one, and that the body is the raw bytes, taken \
                 before anything parses them"
            }
            Some(Part::Time) => "check this machine's clock; --any-time checks one that was kept",
            Some(Part::Signature) => "take the header `webhook-signature` as it came",
            Some(Part::Id) => "take the header `webhook-id` as it came",
            Some(Part::Body) => "take the body's raw bytes, before anything parses, trims or prints them",
            Some(Part::Key) => {
                "take the secret that `webhook add` or `rotate-secret` showed last; what signs is the base64 behind \
                 `whsec_`, decoded"
            }
        };
        Some(hint.to_owned())
    }
}
