//! The sync that follows a change of an account's form: everything that the other side holds in another one is sent again.

use orkee_core::seal::keys::Keys;
use orkee_core::store::Store;
use orkee_core::sync::Options;

use super::shown;
use crate::commands::cloud::running::{self, Patience, Run};
use crate::commands::cloud::sync::exit;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::output::text;

/// Runs it. It can be broken off at any time, and every sync goes on with it. A script is told of the key at its end.
pub(super) fn over(cx: &Context, keys: &Keys, yes: bool) -> CommandResult {
    let mut store = cx.store()?;
    let run = Run {
        operation: "sync",
        options: Options::default(),
        patience: Patience::default(),
        keeps: None,
        yes,
        automatic: false,
    };
    let ended = running::work(cx, &mut store, &run)?;
    let left = ended.done.changes.left_to_reseal;
    if cx.out.is_json() {
        shown::document(cx, keys, left)?;
    } else {
        tell(cx, &store, ended.standing.seals, left.unwrap_or(0))?;
    }
    for parked in &ended.done.changes.parked {
        let (id, reason) = (text::line(&parked.id), text::line(&parked.reason));
        cx.out.warn(format_args!("{id} was set aside: {reason}"));
    }
    Ok(exit(ended.done.changes.parked.len(), ended.done.unsettled as u64))
}

fn tell(cx: &Context, store: &Store, seals: bool, left: u64) -> Result<(), Failure> {
    if left > 0 {
        let left = shown::projects(left);
        cx.out.note(format_args!("{left} are still in another form: every sync goes on with them"));
        return Ok(());
    }
    let in_step = shown::projects(store.standing()?.in_step);
    let form = if seals { "sealed" } else { "not sealed any more" };
    Ok(cx.out.done(format_args!("The account is {form}: {in_step}"))?)
}
