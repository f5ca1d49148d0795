//! A provider's failures as the engine's errors: which kind, in whose words, with the cause that the host knows.

use std::time::Duration;

use crate::diagnostic::{Diagnostic, Kind};
use crate::net::NetError;
use crate::plugin::bindings::orkee::sync::types::Failure as Told;
use crate::plugin::call::Aftermath;
use crate::plugin::error::PluginError;
use crate::plugin::gateway::SendError;
use crate::plugin::limits::Limit;
use crate::plugin::text::clean;
use crate::sync::provider::{Failure, ProviderError};

/// Of a provider's words, the part that is shown.
const MAX_WORDS: usize = 300;
/// No backend makes us wait longer than this at its word.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The plugin itself failed. That it took too long may be its backend's doing, and is told as any other silence.
pub(super) fn of_plugin(plugin: &str, error: PluginError) -> ProviderError {
    let hint = error.hint();
    let failure = match error.kind() {
        Kind::Timeout => Failure::Timeout,
        _ => Failure::Plugin,
    };
    ProviderError {
        source: Some(Box::new(error)),
        hint,
        ..ProviderError::new(failure, format_args!("the provider `{plugin}` failed"))
    }
}

/// The plugin answered what the contract does not allow.
pub(super) fn of_contract(plugin: &str, what: String, request_id: Option<String>) -> ProviderError {
    let error = PluginError::Contract { plugin: plugin.to_owned(), what };
    ProviderError { request_id, ..of_plugin(plugin, error) }
}

/// The plugin reports a failure.
pub(super) fn of_guest(plugin: &str, told: Told, aftermath: Aftermath) -> ProviderError {
    let Aftermath { failure: known, request_id, remedy, .. } = aftermath;
    let say =
        |what: &str, words: &str| format!("the provider `{plugin}` {what}: {}", clean(words, MAX_WORDS));
    let error = match (told, known) {
        // The host refused or failed the newest request, and knows better than the guest why.
        (Told::Http(_) | Told::AuthRequired(_), Some(error)) => of_request(plugin, error),
        (Told::Http(words), None) => {
            ProviderError::new(Failure::Backend, say("could not ask its backend", &words))
        }
        (Told::AuthRequired(words), None) => {
            ProviderError::new(Failure::Auth, say("needs a sign-in", &words))
        }
        (Told::Forbidden(words), _) => ProviderError::new(Failure::Forbidden, say("was refused", &words)),
        (Told::Busy(wait), _) => {
            let wait = wait.map(|ms| Duration::from_millis(ms).min(MAX_WAIT));
            ProviderError::new(
                Failure::Busy(wait),
                format_args!("the provider `{plugin}` was told to ask again later"),
            )
        }
        (Told::Protocol(words), _) => {
            ProviderError::new(Failure::Backend, say("does not understand its backend", &words))
        }
        (Told::Backend(words), _) => {
            ProviderError::new(Failure::Backend, say("reports that its backend failed", &words))
        }
        (Told::Unsuitable(words), _) => {
            ProviderError::new(Failure::Unsuitable, say("cannot use its backend as it is set up", &words))
        }
        (Told::Refused(words), _) => {
            ProviderError::new(Failure::Refused, say("says that its backend does not do this", &words))
        }
        (Told::TooLarge(words), _) => {
            ProviderError::new(Failure::TooLarge, say("sent more than its backend takes", &words))
        }
    };
    // Of a request that went through, the server's word; what the host itself refused has a hint of its own.
    let hint = match error.failure {
        Failure::Auth | Failure::Forbidden => error.hint.or(remedy),
        _ => error.hint,
    };
    ProviderError { request_id, hint, ..error }
}

/// A request did not go through.
fn of_request(plugin: &str, error: SendError) -> ProviderError {
    let failure = match &error {
        SendError::SignedOut { .. } => Failure::Auth,
        SendError::Credential(error) | SendError::Refused(error) => match error.kind() {
            Kind::Network => Failure::Unreachable,
            Kind::Timeout => Failure::Timeout,
            _ => Failure::Auth,
        },
        SendError::Net(NetError::Timeout { .. }) => Failure::Timeout,
        SendError::Net(NetError::Unreachable { .. } | NetError::Tls { .. } | NetError::Broken { .. }) => {
            Failure::Unreachable
        }
        SendError::TooLarge { .. }
        | SendError::TooMuch { .. }
        | SendError::Encoding { .. }
        | SendError::Withheld { .. } => Failure::Backend,
        SendError::Net(_) | SendError::Denied { .. } | SendError::Invalid { .. } => Failure::Plugin,
    };
    let what = match failure {
        Failure::Auth if matches!(error, SendError::Refused(_)) => "sent a sign-in that was refused",
        Failure::Auth => "has no sign-in to send",
        Failure::Plugin => "made a request that was not sent",
        _ => "got no usable answer",
    };
    let hint = match &error {
        // The engine says better what to do in the middle of a sync.
        SendError::Net(NetError::Timeout { .. } | NetError::Broken { .. }) => None,
        error => error.hint(),
    };
    let source: Box<dyn std::error::Error + Send + Sync> = match error {
        SendError::TooLarge { limit, .. } | SendError::TooMuch { limit } => {
            Box::new(PluginError::Limit { plugin: plugin.to_owned(), limit: Limit::ReplyBody(limit) })
        }
        error => Box::new(error),
    };
    ProviderError {
        source: Some(source),
        hint,
        ..ProviderError::new(failure, format_args!("the provider `{plugin}` {what}"))
    }
}
