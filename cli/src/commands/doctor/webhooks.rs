//! Webhooks of this device that nothing is sent to, or that nothing arrives at; deliveries that nobody sends; and which way they take.

use orkee_core::event::rules;
use orkee_core::net::Courier;

use super::check::Check;
use crate::commands::cloud::provider::is_proxied;
use crate::commands::cloud::webhook::{Here, Trouble};
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "webhooks";

/// Looks at the webhooks of this device. One that a person switched off is no problem, nor yet one that failed a moment ago.
pub(super) fn examine(cx: &Context) -> Result<Vec<Check>, Failure> {
    let here = match Here::open(cx) {
        Ok(here) => here,
        // A database that cannot be read is told where it is looked at.
        Err(_) => return Ok(Vec::new()),
    };
    let mut checks: Vec<Check> = here.troubles()?.iter().map(told).collect();
    match rules::courier(cx.settings()?) {
        Ok(courier) => checks.extend(way(&courier, here.is_empty()?).map(|way| Check::ok(NAME, way))),
        // Nothing is sent at all.
        Err(error) => {
            let told = Check::error(NAME, &error);
            checks.push(Check { message: format!("no webhook is sent to: {}", told.message), ..told });
        }
    }
    Ok(checks)
}

fn told(trouble: &Trouble) -> Check {
    let (what, hint) = trouble.told();
    match trouble.is_grave() {
        true => Check::failed(NAME, what).hint(hint),
        false => Check::warning(NAME, what).hint(hint),
    }
}

/// Which way deliveries take, where somebody could think that it is another.
fn way(courier: &Courier, is_empty: bool) -> Option<String> {
    let is_worth_saying = courier.proxy().is_some() || (!is_empty && is_proxied());
    is_worth_saying.then(|| rules::policy(courier))
}
