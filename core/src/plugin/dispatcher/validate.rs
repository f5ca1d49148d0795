//! What a dispatcher may answer. It is believed only where the host saw the reply that it tells of.

use std::time::Duration;

use super::{Attempt, DispatcherDescription};
use crate::plugin::bindings::exports::orkee::sync::dispatcher as wit;
use crate::plugin::error::PluginError;
use crate::plugin::text::{clean, is_plugin_id};

/// Of a dispatcher's words, the part that is kept.
const MAX_REASON: usize = 300;
/// No receiver makes us wait longer than this at its word.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

pub(super) fn description(
    plugin: &str,
    given: &wit::Description,
) -> Result<DispatcherDescription, PluginError> {
    if !is_plugin_id(&given.id) {
        let what = "its id is not made of lower case letters, digits and hyphens".to_owned();
        return Err(PluginError::Contract { plugin: plugin.to_owned(), what });
    }
    Ok(DispatcherDescription {
        id: given.id.clone(),
        name: clean(&given.name, 100),
        version: clean(&given.version, 50),
    })
}

/// The attempt that it tells of, or what is wrong with that. `seen`: the statuses of the replies that it has got.
pub(super) fn attempt(given: wit::Outcome, seen: &[u16]) -> Result<Attempt, String> {
    let was_seen = |status: u16| match seen.contains(&status) {
        true => Ok(status),
        false => Err(format!("it tells of a reply with status {status}, and there was none")),
    };
    match given {
        wit::Outcome::Delivered(status) if !(200..300).contains(&status) => {
            Err(format!("it calls a reply with status {status} a delivery"))
        }
        wit::Outcome::Delivered(status) => Ok(Attempt::Delivered { status: was_seen(status)? }),
        wit::Outcome::Gone if seen.is_empty() => {
            Err("it says that the receiver wants no more, and there was no reply".to_owned())
        }
        wit::Outcome::Gone => Ok(Attempt::Gone),
        wit::Outcome::Failed(failed) => Ok(Attempt::Failed {
            status: failed.status.map(was_seen).transpose()?,
            reason: clean(&failed.reason, MAX_REASON),
            wait: failed.wait_ms.map(|ms| Duration::from_millis(ms).min(MAX_WAIT)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: Option<u16>, wait_ms: Option<u64>) -> wit::Outcome {
        wit::Outcome::Failed(wit::FailedAttempt { status, reason: "\u{1b}[31mno\n".to_owned(), wait_ms })
    }

    #[test]
    fn an_attempt_is_believed_where_its_reply_was_seen() {
        assert_eq!(attempt(wit::Outcome::Delivered(204), &[204]), Ok(Attempt::Delivered { status: 204 }));
        assert_eq!(attempt(wit::Outcome::Gone, &[410]), Ok(Attempt::Gone));
        let reason = "no".to_owned();
        assert_eq!(
            attempt(failed(None, None), &[]),
            Ok(Attempt::Failed { status: None, reason, wait: None })
        );
        for (given, seen) in [
            (wit::Outcome::Delivered(200), &[][..]),
            (wit::Outcome::Delivered(200), &[500]),
            (wit::Outcome::Delivered(302), &[302]),
            (wit::Outcome::Gone, &[]),
            (failed(Some(500), None), &[]),
        ] {
            assert!(attempt(given, seen).is_err());
        }
    }

    #[test]
    fn a_wait_has_an_end() {
        let Ok(Attempt::Failed { wait, .. }) = attempt(failed(None, Some(u64::MAX)), &[]) else {
            panic!("it is a failure")
        };
        assert_eq!(wait, Some(MAX_WAIT));
    }
}
