//! What every error of this library tells beside its message: a stable code, the kind of failure, the next thing to do.
//!
//! The command line renders it as `error[CODE]: …`, `caused by: …`, `hint: …`, and exits with the code of its [`Kind`].

use std::error::Error;

/// The kind of failure, as a script tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The operation failed (1).
    Failed,
    /// Wrong usage, configuration or input (2).
    Usage,
    /// Done in part: something was set aside (3).
    Partial,
    /// Sign-in is needed or was refused (4).
    Auth,
    /// A conflict stands, or a question needs an answer that nobody can give (5).
    Conflict,
    /// Network or server (6).
    Network,
    /// A deadline passed, or a lock is held (7).
    Timeout,
    /// Interrupted by the user (130).
    Interrupted,
}

impl Kind {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Auth => 4,
            Self::Conflict => 5,
            Self::Network => 6,
            Self::Timeout => 7,
            Self::Interrupted => 130,
        }
    }
}

/// An error that can be shown to a person or a script. The message is `Display`, the causes are `Error::source`.
pub trait Diagnostic: Error {
    /// Stable, such as `E-STORE-002`.
    fn code(&self) -> &'static str;
    /// Which exit code it leads to.
    fn kind(&self) -> Kind;
    /// The next command to type, or what to change.
    fn hint(&self) -> Option<String> {
        None
    }
    /// What the server called the request, where one was asked.
    fn request_id(&self) -> Option<&str> {
        None
    }
}
