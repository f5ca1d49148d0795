//! For components that deliver webhooks: they export a dispatcher in the place of a provider.
//!
//! One call is one attempt. What a dispatcher does is write a request in the receiver's manner; when to try, how often, and with which
//! keys is the host's. See [`export_dispatcher!`](crate::export_dispatcher).

pub use crate::contract::dispatcher::exports::orkee::sync::dispatcher::{
    Delivery, Description, FailedAttempt, Guest as Dispatcher, Key, Outcome,
};
pub use crate::contract::dispatcher::orkee::sync::signer::Error as SignerError;

use crate::{Failure, HttpError, Response, host};

/// Signs with a key of this delivery, by its name: 32 bytes of HMAC-SHA256, or 64 of Ed25519.
///
/// # Errors
///
/// The delivery has no key of that name.
pub fn sign(key: &str, message: &[u8]) -> Result<Vec<u8>, SignerError> {
    host::sign(key, message)
}

/// What became of an attempt, by the reply's status alone: 2xx is a delivery, 410 says that the receiver wants no more, all else
/// is tried again, not before `retry-after` says.
pub fn outcome(reply: Result<Response, HttpError>) -> Outcome {
    match reply {
        Ok(reply) if (200..300).contains(&reply.status) => Outcome::Delivered(reply.status),
        Ok(reply) if reply.status == 410 => Outcome::Gone,
        Ok(reply) => {
            let (status, wait) = (reply.status, reply.retry_after());
            refused(status, format!("the receiver answered {status}"), wait)
        }
        Err(error) => failed(words(error)),
    }
}

/// An attempt that a reply with this status ended.
pub fn refused(status: u16, reason: impl Into<String>, wait_ms: Option<u64>) -> Outcome {
    Outcome::Failed(FailedAttempt { status: Some(status), reason: reason.into(), wait_ms })
}

/// An attempt that came to no reply.
pub fn failed(reason: impl Into<String>) -> Outcome {
    Outcome::Failed(FailedAttempt { status: None, reason: reason.into(), wait_ms: None })
}

/// The host's own, as a sentence.
fn words(error: HttpError) -> String {
    match Failure::from(error) {
        Failure::Http(words) | Failure::AuthRequired(words) => words,
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Ok(Response { status, headers, body: Vec::new() })
    }

    #[test]
    fn a_status_says_what_became_of_an_attempt() {
        for status in [200, 201, 204, 299] {
            assert!(matches!(outcome(reply(status, &[])), Outcome::Delivered(same) if same == status));
        }
        assert!(matches!(outcome(reply(410, &[])), Outcome::Gone));
        for status in [199, 301, 404, 429, 500] {
            let outcome = outcome(reply(status, &[("retry-after", "7")]));
            let Outcome::Failed(FailedAttempt { status: Some(seen), reason, wait_ms: Some(7000) }) = outcome
            else {
                panic!("{outcome:?}")
            };
            assert!(seen == status && reason.contains(&status.to_string()), "{reason}");
        }
    }

    #[test]
    fn without_a_reply_the_hosts_words_are_the_reason() {
        let error = HttpError::Unreachable("the connection was refused".to_owned());
        let Outcome::Failed(FailedAttempt { status: None, reason, .. }) = outcome(Err(error)) else {
            panic!("there was no reply")
        };
        assert_eq!(reason, "the connection was refused");
    }
}
