//! How an attempt ended, in one word that a script can compare.

use std::fmt;
use std::io::ErrorKind;
use std::str::FromStr;

use http::StatusCode;

use super::target::TargetError;
use crate::net::SendFailure;

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
    /// 410, or the dispatcher's reading of another 4xx: never again.
    Gone,
    /// Nothing, or not all of it, came in time.
    Timeout,
    /// The name leads nowhere.
    Dns,
    /// Nobody listens there.
    Refused,
    /// There is no way there from this machine, which may be without a network.
    Unreachable,
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
    /// The proxy of the settings makes no connection.
    Proxy,
    /// The dispatcher itself failed, or read a failure in a reply with 2xx.
    Dispatcher,
}

impl Class {
    /// Each of them.
    pub const ALL: [Self; 18] = [
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
        Self::Unreachable,
        Self::Reset,
        Self::Tls,
        Self::BlockedAddress,
        Self::TooLarge,
        Self::Protocol,
        Self::Proxy,
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
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Tls => "tls",
            Self::BlockedAddress => "blocked_address",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::Proxy => "proxy",
            Self::Dispatcher => "dispatcher",
        }
    }

    /// That of a reply that came whole.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            100..200 => Self::Informational,
            200..300 => Self::Delivered,
            300..400 => Self::Redirect,
            410 => Self::Gone,
            429 => Self::Throttled,
            400..500 => Self::ClientError,
            500..600 => Self::ServerError,
            _ => Self::Protocol,
        }
    }

    /// Whether it says of the endpoint's network or server that nothing will arrive there for now.
    pub fn is_of_transport(self) -> bool {
        match self {
            Self::Timeout
            | Self::Dns
            | Self::Refused
            | Self::Unreachable
            | Self::Reset
            | Self::Tls
            | Self::BlockedAddress
            | Self::TooLarge
            | Self::Protocol
            | Self::Informational
            | Self::Proxy => true,
            Self::Delivered
            | Self::Redirect
            | Self::ClientError
            | Self::ServerError
            | Self::Throttled
            | Self::Gone
            | Self::Dispatcher => false,
        }
    }

    /// What a person may do about it.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Redirect => "update the URL: the receiver has moved, and redirects are not followed",
            Self::Gone => "the receiver wants no more; if that is a mistake, enable the endpoint again",
            Self::Tls => {
                "the receiver needs a valid certificate; for an authority of your own, add the endpoint with --ca-file"
            }
            Self::BlockedAddress => {
                "for a receiver in your own network, add the endpoint with --allow-private"
            }
            Self::Dns => "check the host in the endpoint's URL",
            Self::Refused | Self::Reset => {
                "check whether the receiver runs, and the port in the endpoint's URL"
            }
            Self::Unreachable => "check this machine's network",
            Self::Timeout => {
                "the receiver has to answer within 20 s: have it take the event and work on it later"
            }
            Self::Proxy => "check the setting `webhook.proxy`",
            _ => return None,
        })
    }
}

impl From<&SendFailure> for Class {
    fn from(failure: &SendFailure) -> Self {
        match failure {
            SendFailure::Dns(_) => Self::Dns,
            SendFailure::Blocked(_) => Self::BlockedAddress,
            SendFailure::Connect(error) => match error.kind() {
                ErrorKind::NetworkDown | ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
                    Self::Unreachable
                }
                _ => Self::Refused,
            },
            SendFailure::Proxy { .. } => Self::Proxy,
            SendFailure::Tls(_) => Self::Tls,
            SendFailure::Timeout { .. } => Self::Timeout,
            SendFailure::Reset(_) => Self::Reset,
            SendFailure::TooLarge { .. } => Self::TooLarge,
            SendFailure::Protocol(_) => Self::Protocol,
            SendFailure::Client(_) => Self::Dispatcher,
        }
    }
}

impl From<&TargetError> for Class {
    /// An endpoint that was fine when it was added, and is not any more.
    fn from(_: &TargetError) -> Self {
        Self::BlockedAddress
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

    #[test]
    fn w10_no_way_to_the_endpoint_is_told_from_nobody_there() {
        let class = |kind: ErrorKind| Class::from(&SendFailure::Connect(kind.into()));
        assert_eq!(class(ErrorKind::ConnectionRefused), Class::Refused);
        assert_eq!(class(ErrorKind::NetworkUnreachable), Class::Unreachable);
        assert_eq!(class(ErrorKind::HostUnreachable), Class::Unreachable);
    }

    #[test]
    fn w10_every_status_has_its_class() {
        for (statuses, class) in [
            (&[200, 201, 204, 299][..], Class::Delivered),
            (&[101, 103, 199], Class::Informational),
            (&[300, 301, 302, 304, 308, 399], Class::Redirect),
            (&[400, 401, 404, 428, 499], Class::ClientError),
            (&[410], Class::Gone),
            (&[429], Class::Throttled),
            (&[500, 503, 599], Class::ServerError),
            (&[600, 999], Class::Protocol),
        ] {
            for status in statuses {
                assert_eq!(Class::of_status(StatusCode::from_u16(*status).unwrap()), class, "{status}");
            }
        }
    }
}
