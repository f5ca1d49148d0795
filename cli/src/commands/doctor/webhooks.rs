//! Webhooks of this device that nothing is sent to, or that nothing arrives at; deliveries that nobody sends; and which way they take.

use orkee_core::event::rules;

use super::Examined;
use crate::commands::cloud::provider::is_proxied;
use crate::commands::cloud::webhook::{Here, Trouble};
use crate::context::Context;
use crate::failure::Failure;

/// Looks at the webhooks of this device. One that a person switched off is no problem, nor yet one that failed a moment ago.
pub(super) fn examine(cx: &Context) -> Result<Examined, Failure> {
    let here = Here::open(cx)?;
    let (problems, minor): (Vec<_>, Vec<_>) = here.troubles()?.into_iter().partition(Trouble::is_grave);
    let mut notes: Vec<String> = minor.iter().map(|trouble| trouble.told().0).collect();
    notes.extend(way(cx, here.is_empty()?)?);
    let told = |trouble: Trouble| {
        let (what, hint) = trouble.told();
        (what, Some(hint))
    };
    Ok(Examined { problems: problems.into_iter().map(told).collect(), notes, ..Examined::default() })
}

/// Which way deliveries take, where somebody could think that it is another.
fn way(cx: &Context, is_empty: bool) -> Result<Option<String>, Failure> {
    let courier = rules::courier(cx.settings()?)?;
    let is_worth_saying = courier.proxy().is_some() || (!is_empty && is_proxied());
    Ok(is_worth_saying.then(|| rules::policy(&courier)))
}
