//! Webhooks of this device that nothing is sent to, or that nothing arrives at; deliveries that nobody sends; and which way they take.

use orkee_core::diagnostic::Diagnostic;
use orkee_core::event::rules;
use orkee_core::net::Courier;

use super::Examined;
use crate::commands::cloud::provider::is_proxied;
use crate::commands::cloud::webhook::{Here, Trouble};
use crate::context::Context;
use crate::failure::Failure;

/// Looks at the webhooks of this device. One that a person switched off is no problem, nor yet one that failed a moment ago.
pub(super) fn examine(cx: &Context) -> Result<Examined, Failure> {
    let here = Here::open(cx)?;
    let (grave, minor): (Vec<_>, Vec<_>) = here.troubles()?.into_iter().partition(Trouble::is_grave);
    let mut notes: Vec<String> = minor.iter().map(|trouble| trouble.told().0).collect();
    let told = |trouble: Trouble| {
        let (what, hint) = trouble.told();
        (what, Some(hint))
    };
    let mut problems: Vec<_> = grave.into_iter().map(told).collect();
    match rules::courier(cx.settings()?) {
        Ok(courier) => notes.extend(way(&courier, here.is_empty()?)),
        // Nothing is sent at all.
        Err(error) => problems.push((format!("no webhook is sent to: {error}"), error.hint())),
    }
    Ok(Examined { problems, notes, ..Examined::default() })
}

/// Which way deliveries take, where somebody could think that it is another.
fn way(courier: &Courier, is_empty: bool) -> Option<String> {
    let is_worth_saying = courier.proxy().is_some() || (!is_empty && is_proxied());
    is_worth_saying.then(|| rules::policy(courier))
}
