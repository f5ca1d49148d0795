//! How an attempt ended, in one word that a script can compare.

use std::fmt;
use std::str::FromStr;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// A status of 2xx.
    Delivered,
    /// A status of 3xx, which is not followed.
    Redirect,
    /// A status of 4xx that none of the others is for.
    ClientError,
    /// A status of 5xx.
    ServerError,
    /// A status of 1xx, and nothing behind it.
    Informational,
    /// 429: later.
    Throttled,
    /// 410: never again.
    Gone,
    /// Nothing, or not all of it, came in time.
    Timeout,
    /// The name leads nowhere.
    Dns,
    /// Nobody listens there.
    Refused,
    /// The connection broke off.
    Reset,
    /// The certificate, or the agreement on a cipher.
    Tls,
    /// The name leads to an address that may not be reached.
    BlockedAddress,
    /// More headers than anybody needs.
    TooLarge,
    /// What came is no HTTP.
    Protocol,
    /// The dispatcher itself failed.
    Dispatcher,
}

impl Class {
    /// Each of them.
    pub const ALL: [Self; 16] = [
        Self::Delivered,
        Self::Redirect,
        Self::ClientError,
        Self::ServerError,
        Self::Informational,
        Self::Throttled,
        Self::Gone,
        Self::Timeout,
        Self::Dns,
        Self::Refused,
        Self::Reset,
        Self::Tls,
        Self::BlockedAddress,
        Self::TooLarge,
        Self::Protocol,
        Self::Dispatcher,
    ];

    /// The word for it, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Redirect => "redirect",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Informational => "informational",
            Self::Throttled => "throttled",
            Self::Gone => "gone",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::BlockedAddress => "blocked_address",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::Dispatcher => "dispatcher",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is none of [`Class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no attempt ends like this")]
pub struct UnknownClass;

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(word: &str) -> Result<Self, UnknownClass> {
        Self::ALL.into_iter().find(|class| class.as_str() == word).ok_or(UnknownClass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_read_back_from_its_word() {
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
        }
        assert_eq!("fine".parse::<Class>(), Err(UnknownClass));
    }
}
