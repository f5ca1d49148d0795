//! What can go wrong with a sign-in. No variant holds a secret, and text that came from a server is stripped of control
//! characters before it gets in here.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use super::file::FileError;
use super::method::Method;
use super::tenant::TenantError;
use crate::diagnostic::{Diagnostic, Kind};
use crate::keyring::KeyringError;
use crate::net::NetError;

/// A sign-in, or the use of one, failed.
#[derive(Debug, Error)]
pub enum AuthError {
    /// There is no login for this API.
    #[error("not signed in to {host}")]
    NotSignedIn {
        /// The API's host.
        host: String,
    },
    /// There is a login, but for another API; its token is not sent here.
    #[error("the sign-in is for {there}, not for {here}")]
    OtherOrigin {
        /// Where the login is for.
        there: String,
        /// What was asked.
        here: String,
    },
    /// There is a login for this API, but it was made for another provider, or is of another kind.
    #[error("the sign-in for {host} is {method} for the provider `{}`", provider.as_deref().unwrap_or("orkee-cloud"))]
    OtherPurpose {
        /// The API's host.
        host: String,
        /// What it is.
        method: Method,
        /// Who may use it.
        provider: Option<String>,
    },
    /// The server refused a secret that no server issued.
    #[error("{host} refused {what}")]
    SecretRefused {
        /// The API's host.
        host: String,
        /// The secret in words that do not hold it.
        what: String,
    },
    /// What the sign-in holds is no token that could be shown.
    #[error("the sign-in for {host} is {method}, and no token")]
    NoToken {
        /// The API's host.
        host: String,
        /// What it is.
        method: Method,
    },
    /// The tokens are bound to a key, which is gone.
    #[error("the key that the sign-in at {host} is bound to is missing or damaged")]
    NoKey {
        /// The issuer's host.
        host: String,
    },
    /// The server no longer takes the refresh token.
    #[error("the sign-in at {host} is no longer valid")]
    SignedOut {
        /// The issuer's host.
        host: String,
    },
    /// A refresh was cut off, and its outcome, the new token, is lost.
    #[error("a refresh of the sign-in was interrupted at {}", local_minute(*at))]
    Interrupted {
        /// When it began.
        at: Timestamp,
    },
    /// The token expired and there is none to refresh it with.
    #[error("the sign-in at {host} cannot be refreshed: it has no refresh token")]
    NotRefreshable {
        /// The issuer's host.
        host: String,
    },
    /// The server refused the token of the environment.
    #[error("{host} refused the token of {variable}")]
    EnvTokenRefused {
        /// The API's host.
        host: String,
        /// The variable that it came from.
        variable: &'static str,
    },
    /// The token of the environment cannot be used as one.
    #[error("the token of {variable} cannot be used: {reason}")]
    EnvToken {
        /// The variable that it came from.
        variable: &'static str,
        /// What is wrong, without repeating it.
        reason: &'static str,
    },
    /// The file that the environment names cannot be read.
    #[error("cannot read the file that ORKEE_CLOUD_TOKEN_FILE names")]
    EnvTokenFile(#[source] std::io::Error),
    /// The token that was handed in cannot be used as one.
    #[error("this cannot be {method}: {reason}")]
    GivenToken {
        /// What it should have been.
        method: Method,
        /// What is wrong, without repeating it.
        reason: &'static str,
    },
    /// The person said no.
    #[error("you declined the sign-in{}", tail(description))]
    Declined {
        /// What the server added.
        description: String,
    },
    /// The server answered the browser with an error.
    #[error("{host} refused the sign-in: {error}{}", tail(description))]
    Refused {
        /// The issuer's host.
        host: String,
        /// Its code, as RFC 6749 has them.
        error: String,
        /// What it added.
        description: String,
    },
    /// The token endpoint refused the code.
    #[error("{host} did not accept the code of this sign-in{}", tail(description))]
    CodeRefused {
        /// The issuer's host.
        host: String,
        /// What the server added.
        description: String,
    },
    /// The code to type on another device was not typed in time.
    #[error("the code expired before it was typed")]
    CodeExpired,
    /// The answer names another issuer: it is not from the server that was asked (RFC 9207).
    #[error("the answer came from the issuer `{got}`, but `{expected}` was asked")]
    WrongIssuer {
        /// Who was asked.
        expected: String,
        /// Who the answer names.
        got: String,
    },
    /// The server promised to name itself in the answer and did not.
    #[error("the answer does not name its issuer, which `{expected}` promises to do")]
    NoIssuer {
        /// Who was asked.
        expected: String,
    },
    /// There is neither a browser nor a person at a terminal.
    #[error("signing in needs a browser or a terminal, and there is neither")]
    NobodyThere,
    /// No answer in time.
    #[error("nobody finished the sign-in within {} s", after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The port that was asked for is taken.
    #[error("port {port} for the browser's answer cannot be used")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server's description of itself forbids signing in there.
    #[error("cannot sign in at {issuer}: {reason}")]
    Metadata {
        /// Who was asked.
        issuer: String,
        /// What is wrong.
        reason: String,
    },
    /// The server could not be asked.
    #[error(transparent)]
    Network(NetError),
    /// The server answered with a failure of its own, or with something that is no answer.
    #[error("{host} answered the {endpoint} request with {what}")]
    Answer {
        /// The host.
        host: String,
        /// Which endpoint.
        endpoint: &'static str,
        /// Such as `status 503`.
        what: String,
    },
    /// The token file is not one that may be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: FileError,
    },
    /// The token file is not TOML. Its content is not repeated.
    #[error("{} is not valid TOML at line {line}, column {column}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The token file cannot be written; nothing was sent.
    #[error("cannot write {}, so the sign-in was left as it is", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The tenant, its identity provider or its policy is in the way.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The same, where people sign in through the identity provider of their tenant.
    #[error(transparent)]
    OfTenant(Box<AuthError>),
    /// The server gave new tokens, and they cannot be kept.
    #[error("cannot write {}, and the sign-in that the server has just renewed is lost", path.display())]
    NotKept {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The same, where the keyring does not take them.
    #[error("cannot use the keyring, and the sign-in that the server has just renewed is lost")]
    NotKeptInKeyring(#[source] KeyringError),
    /// Nothing can listen for the browser's answer, and nobody can paste it.
    #[error("nothing can listen on this machine for the browser's answer")]
    NoListener(#[source] std::io::Error),
    /// Somebody wants the request sent elsewhere.
    #[error(
        "{host} answered the {endpoint} request with a redirect (status {status}), which is not followed"
    )]
    Redirected {
        /// The host.
        host: String,
        /// Which endpoint.
        endpoint: &'static str,
        /// Such as 307.
        status: u16,
    },
    /// The keyring that the sign-in is in, or is to be in, cannot be used.
    #[error("cannot use the keyring")]
    Keyring(#[from] KeyringError),
    /// The sign-in is in the keyring, and it cannot be read there.
    #[error("cannot read the sign-in that is in the keyring")]
    InKeyring(#[source] KeyringError),
    /// Another process holds the lock.
    #[error("the sign-in is locked by {}", holder(*pid))]
    Locked {
        /// Who, where it said so.
        pid: Option<u32>,
    },
}

/// The command of most hints, and what it is for the people of a tenant.
const LOGIN: &str = "`orkee cloud login`";
const SSO_LOGIN: &str = "`orkee cloud login --sso`";

impl AuthError {
    /// There is no login for this API at all.
    pub(super) fn says_that_there_is_none(&self) -> bool {
        match self {
            Self::NotSignedIn { .. } | Self::OtherOrigin { .. } => true,
            Self::OfTenant(error) => error.says_that_there_is_none(),
            _ => false,
        }
    }

    /// Nobody is signed in here, as opposed to a token file that cannot be used.
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NotSignedIn { .. }
            | Self::OtherOrigin { .. }
            | Self::OtherPurpose { .. }
            | Self::SignedOut { .. }
            | Self::Tenant(TenantError::SignInEnded { .. }) => true,
            Self::OfTenant(error) => error.is_absence(),
            _ => false,
        }
    }
}

fn tail(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn local_minute(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
}

/// Text from a server, fit for a terminal and a log: no control or direction-changing characters, and not long.
pub(crate) fn plain(text: &str) -> String {
    let unsafe_mark =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !unsafe_mark(*c)).take(300).collect()
}

impl Diagnostic for AuthError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn { .. } | Self::SignedOut { .. } | Self::NotRefreshable { .. } => "E-AUTH-001",
            Self::OtherOrigin { .. } | Self::OtherPurpose { .. } => "E-AUTH-003",
            Self::Interrupted { .. } => "E-AUTH-004",
            Self::EnvTokenRefused { .. } | Self::SecretRefused { .. } => "E-AUTH-005",
            Self::NoToken { .. } => "E-AUTH-007",
            Self::EnvToken { .. } | Self::EnvTokenFile(_) | Self::GivenToken { .. } => "E-AUTH-006",
            Self::Declined { .. } => "E-AUTH-010",
            Self::Refused { .. } => "E-AUTH-011",
            Self::CodeRefused { .. } => "E-AUTH-012",
            Self::WrongIssuer { .. } | Self::NoIssuer { .. } => "E-AUTH-013",
            Self::NobodyThere => "E-AUTH-014",
            Self::TimedOut { .. } | Self::CodeExpired => "E-AUTH-015",
            Self::Port { .. } => "E-AUTH-016",
            Self::Metadata { .. } => "E-AUTH-017",
            Self::Network(error) => error.code(),
            Self::Answer { .. } => "E-AUTH-018",
            Self::File { .. } => "E-AUTH-020",
            Self::Unreadable { .. } => "E-AUTH-021",
            Self::Unwritable { .. } => "E-AUTH-022",
            Self::Locked { .. } => "E-AUTH-023",
            Self::Keyring(_) | Self::InKeyring(_) => "E-AUTH-061",
            Self::Tenant(error) => error.code(),
            Self::OfTenant(error) => error.code(),
            Self::NotKept { .. } | Self::NotKeptInKeyring(_) => "E-AUTH-050",
            Self::NoListener(_) => "E-AUTH-051",
            Self::Redirected { .. } => "E-AUTH-052",
            Self::NoKey { .. } => "E-AUTH-070",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::EnvToken { .. }
            | Self::EnvTokenFile(_)
            | Self::GivenToken { .. }
            | Self::NoToken { .. }
            | Self::Port { .. } => Kind::Usage,
            Self::TimedOut { .. }
            | Self::CodeExpired
            | Self::Locked { .. }
            | Self::Unwritable { .. }
            | Self::NotKept { .. }
            | Self::NotKeptInKeyring(_) => Kind::Timeout,
            Self::Keyring(KeyringError::TimedOut) | Self::InKeyring(KeyringError::TimedOut) => Kind::Timeout,
            Self::Answer { .. } | Self::Redirected { .. } => Kind::Network,
            Self::Network(error) => error.kind(),
            Self::Tenant(error) => error.kind(),
            Self::OfTenant(error) => error.kind(),
            _ => Kind::Auth,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotSignedIn { .. }
            | Self::SignedOut { .. }
            | Self::NoKey { .. }
            | Self::Interrupted { .. }
            | Self::OtherPurpose { .. }
            | Self::SecretRefused { .. }
            | Self::NotRefreshable { .. } => "run `orkee cloud login`".to_owned(),
            Self::NoToken { .. } => "such a secret is not printed; take it from where you keep it".to_owned(),
            Self::OtherOrigin { there, .. } => {
                format!("run `orkee cloud login` to sign in here, or point ORKEE_CLOUD_API_URL at {there}")
            }
            Self::EnvTokenRefused { variable, .. } => {
                format!(
                    "unset {variable} to use the sign-in of `orkee cloud login`, or set a token that is valid"
                )
            }
            Self::EnvToken { variable, .. } => format!("unset {variable}, or set it to the token alone"),
            Self::GivenToken { method, .. } => {
                let form = if method.is_token() { "the token" } else { method.form() };
                format!("hand in {form} alone: `orkee cloud login --with-token < FILE`")
            }
            Self::Declined { .. }
            | Self::Refused { .. }
            | Self::CodeRefused { .. }
            | Self::CodeExpired
            | Self::TimedOut { .. } => "run `orkee cloud login` to try again".to_owned(),
            Self::WrongIssuer { .. } | Self::NoIssuer { .. } => {
                "somebody may have meddled with this sign-in; check ORKEE_CLOUD_API_URL before you try again"
                    .to_owned()
            }
            Self::NobodyThere => {
                "set ORKEE_CLOUD_TOKEN, or hand a token in: `orkee cloud login --with-token < FILE`"
                    .to_owned()
            }
            Self::Port { .. } => "use `--callback-port 0` for any free port".to_owned(),
            Self::Keyring(KeyringError::NotInstalled) => {
                "put `orkee-keyring` beside `orkee`, or unset ORKEE_AUTH_STORE and auth.store in config.toml".to_owned()
            }
            Self::Keyring(_) => {
                "unlock your keyring; or unset ORKEE_AUTH_STORE and auth.store in config.toml".to_owned()
            }
            Self::InKeyring(KeyringError::NotInstalled) => {
                "put `orkee-keyring` beside `orkee`, or sign in anew: run `orkee cloud login`".to_owned()
            }
            Self::InKeyring(_) => {
                "unlock your keyring, or sign in anew: run `orkee cloud login`".to_owned()
            }
            Self::File { source, .. } => return source.hint(),
            Self::Unreadable { path, .. } => {
                format!("mend that line, or move {} away and run `orkee cloud login`", path.display())
            }
            Self::Locked { pid: Some(pid) } => format!("see what process {pid} is doing; end it if it hangs"),
            Self::Unwritable { .. } => {
                "nothing is lost: make room, or make it writable, and try again".to_owned()
            }
            Self::NotKept { .. } => {
                "make room, or make it writable, then run `orkee cloud login`".to_owned()
            }
            Self::NotKeptInKeyring(_) => "unlock your keyring, then run `orkee cloud login`".to_owned(),
            Self::NoListener(_) => {
                "sign in on another device: `orkee cloud login --device`, or hand a token in: `… --with-token < FILE`"
                    .to_owned()
            }
            Self::Answer { .. } | Self::Metadata { .. } | Self::Redirected { .. } => {
                "try again later; if it stays so, check the host in ORKEE_CLOUD_API_URL".to_owned()
            }
            Self::Network(error) => return error.hint(),
            Self::Tenant(error) => return error.hint(),
            Self::OfTenant(error) => return error.hint().map(|hint| hint.replace(LOGIN, SSO_LOGIN)),
            Self::EnvTokenFile(_) => {
                "see that it is there, that it is yours to read, and that it holds the token alone".to_owned()
            }
            Self::Locked { pid: None } => return None,
        };
        Some(hint)
    }
}
