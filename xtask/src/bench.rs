//! `cargo xtask bench`: what a sync costs, beside the floor in the same run, in the form of the tables in `docs/performance.md`.
//!
//! Round trips, bytes and CPU are the figures to compare; wall times are minima and depend on the machine.

mod aims;
mod edits;
mod figure;
mod floor;
mod orkee;
mod sealed;
mod sink;
mod start_up;
mod table;
mod webhooks;

use std::time::Duration;

use crate::run::Error;
use crate::setup;
use figure::Row;
use orkee::Form;

/// Runs of what is short enough to be run several times; the least counts.
const REPEATS: usize = 7;
/// Projects of the account that is measured plain and sealed.
const SEALED: usize = 10_000;
/// Each way, for a round trip of 20 ms.
const HALF_OF_RTT20: Duration = Duration::from_millis(10);

pub fn run(args: &[&str]) -> Result<(), Error> {
    let sizes: &[usize] = match args {
        [] => &[1_000, 10_000],
        ["--full"] => &[1_000, 10_000, 100_000],
        ["--sealed"] => &[],
        _ => return Err("usage: cargo xtask bench [--full | --sealed]".into()),
    };
    let binaries = setup::build_for_bench()?;
    if sizes.is_empty() {
        let sealed = sealed::measure(&binaries, SEALED)?;
        sealed.print();
        aims::print(&aims::of_sealed(&sealed));
        return Ok(());
    }
    let mut rows = Vec::new();
    for &size in sizes {
        eprintln!("measuring {size} projects");
        let at = |one_way| floor::measure(&binaries, size, one_way);
        rows.push(Row { who: "floor", size, direct: at(Duration::ZERO)?, delayed: at(HALF_OF_RTT20)? });
        let at = |one_way| orkee::measure(&binaries, size, one_way, Form::Plain);
        rows.push(Row { who: "orkee", size, direct: at(Duration::ZERO)?, delayed: at(HALF_OF_RTT20)? });
    }
    eprintln!("measuring what needs no size");
    let share = orkee::guest_share(&binaries, 10_000)?;
    let start_up = start_up::measure(&binaries)?;
    let sealed = sealed::measure(&binaries, SEALED)?;
    let edits = edits::measure(&binaries, sizes[sizes.len() - 1])?;
    let webhooks = webhooks::measure(&binaries)?;
    table::print(&rows.iter().collect::<Vec<_>>());
    sealed.print();
    share.print();
    start_up.print();
    edits.print();
    webhooks.print();
    let measured = aims::Measured { rows, share, start_up, edits, webhooks };
    aims::print(&[aims::table(&measured), aims::of_sealed(&sealed)].concat());
    Ok(())
}
