//! What a dispatcher may answer. It is believed only where the host saw the reply that it tells of.

use std::time::Duration;

use super::{Attempt, Class, DispatcherDescription, Transport};
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

/// The attempt that it tells of, or what is wrong with that. `seen`: what the host saw of its last request.
pub(super) fn attempt(given: wit::Outcome, seen: Option<&Transport>) -> Result<Attempt, String> {
    let status = seen.and_then(|seen| seen.status);
    let was_seen = |told: u16| match status == Some(told) {
        true => Ok(told),
        false => Err(match status {
            Some(last) => format!("it tells of a reply with status {told}, and the last was one with {last}"),
            None => format!("it tells of a reply with status {told}, and there was none"),
        }),
    };
    match given {
        wit::Outcome::Delivered(told) if !(200..300).contains(&told) => {
            Err(format!("it calls a reply with status {told} a delivery"))
        }
        wit::Outcome::Delivered(told) => {
            let told = was_seen(told)?;
            match seen.map(|seen| seen.class) {
                Some(Class::Delivered) => Ok(Attempt::Delivered { status: told }),
                _ => Err("it calls a reply that did not come whole a delivery".to_owned()),
            }
        }
        wit::Outcome::Gone => match status {
            Some(400..500) => Ok(Attempt::Gone),
            Some(last) => Err(format!(
                "it says that the receiver wants no more, and the last reply was one with {last}"
            )),
            None => Err("it says that the receiver wants no more, and there was no reply".to_owned()),
        },
        wit::Outcome::Failed(failed) => Ok(Attempt::Failed {
            status: failed.status.map(was_seen).transpose()?,
            reason: clean(&failed.reason, MAX_REASON),
            wait: failed.wait_ms.map(|ms| Duration::from_millis(ms).min(MAX_WAIT)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn failed(status: Option<u16>, wait_ms: Option<u64>) -> wit::Outcome {
        wit::Outcome::Failed(wit::FailedAttempt { status, reason: "\u{1b}[31mno\n".to_owned(), wait_ms })
    }

    fn seen(status: u16) -> Transport {
        let class = Class::of_status(StatusCode::from_u16(status).unwrap());
        Transport { status: Some(status), ..Transport::none(class, "") }
    }

    #[test]
    fn an_attempt_is_believed_where_its_reply_was_seen() {
        let gone = [410, 404].map(|status| attempt(wit::Outcome::Gone, Some(&seen(status))));
        assert_eq!(gone, [Ok(Attempt::Gone), Ok(Attempt::Gone)]);
        let delivered = attempt(wit::Outcome::Delivered(204), Some(&seen(204)));
        assert_eq!(delivered, Ok(Attempt::Delivered { status: 204 }));
        let reason = "no".to_owned();
        assert_eq!(
            attempt(failed(None, None), None),
            Ok(Attempt::Failed { status: None, reason, wait: None })
        );
    }

    #[test]
    fn w10_a_dispatcher_cannot_make_a_failure_a_success() {
        let broken = Transport { class: Class::Reset, ..seen(200) };
        for (given, seen) in [
            (wit::Outcome::Delivered(200), None),
            (wit::Outcome::Delivered(200), Some(seen(500))),
            (wit::Outcome::Delivered(200), Some(seen(204))),
            (wit::Outcome::Delivered(302), Some(seen(302))),
            (wit::Outcome::Delivered(200), Some(broken)),
            (wit::Outcome::Gone, None),
            (wit::Outcome::Gone, Some(seen(200))),
            (wit::Outcome::Gone, Some(seen(500))),
            (failed(Some(500), None), None),
            (failed(Some(500), None), Some(seen(200))),
        ] {
            assert!(attempt(given, seen.as_ref()).is_err(), "{seen:?}");
        }
    }

    #[test]
    fn a_wait_has_an_end() {
        let Ok(Attempt::Failed { wait, .. }) = attempt(failed(None, Some(u64::MAX)), None) else {
            panic!("it is a failure")
        };
        assert_eq!(wait, Some(MAX_WAIT));
    }
}
