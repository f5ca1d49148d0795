//! Webhooks of this device that nothing is sent to, or that nothing arrives at; deliveries that nobody sends; and which way they take.

use super::Examined;
use crate::commands::cloud::provider::is_proxied;
use crate::commands::cloud::webhook::{Here, Trouble};
use crate::context::Context;
use crate::failure::Failure;

/// Where a proxy is set for all else.
const DIRECT: &str = "webhooks of this device do not use HTTPS_PROXY: a proxy would look names up itself, and none of their addresses \
                      could be checked here; set `webhook.proxy` if they can only leave through one";

/// Looks at the webhooks of this device. One that a person switched off is no problem.
pub(super) fn examine(cx: &Context) -> Result<Examined, Failure> {
    let here = Here::open(cx)?;
    let (wanted, problems): (Vec<_>, Vec<_>) = here.troubles()?.into_iter().partition(Trouble::is_wanted);
    let mut notes: Vec<String> = wanted.iter().map(|trouble| trouble.told().0).collect();
    notes.extend(way(cx, here.is_empty()?)?);
    let told = |trouble: Trouble| {
        let (what, hint) = trouble.told();
        (what, Some(hint))
    };
    Ok(Examined { problems: problems.into_iter().map(told).collect(), notes, ..Examined::default() })
}

/// Which way deliveries take, where somebody could think that it is another.
fn way(cx: &Context, is_empty: bool) -> Result<Option<String>, Failure> {
    let _ = cx;
    Ok((!is_empty && is_proxied()).then(|| DIRECT.to_owned()))
}
