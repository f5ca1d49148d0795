//! `cargo xtask bench`: what a sync costs, beside the floor, in the form of the tables in `docs/performance.md`.
//!
//! Round trips, bytes and CPU are the figures to compare; wall times are minima and depend on the machine.

mod floor;
mod orkee;
mod table;

use crate::run::Error;
use crate::setup;

/// Runs of what is short enough to be run several times; the least counts.
const REPEATS: usize = 7;

pub fn run(args: &[&str]) -> Result<(), Error> {
    let sizes: &[usize] = match args {
        [] => &[1_000, 10_000],
        ["--full"] => &[1_000, 10_000, 100_000],
        _ => return Err("usage: cargo xtask bench [--full]".into()),
    };
    let binaries = setup::build_for_bench()?;
    let mut rows = Vec::new();
    for size in sizes {
        rows.push(table::Row::new("floor", *size, floor::measure(&binaries, *size)?));
        rows.push(table::Row::new("orkee", *size, orkee::measure(&binaries, *size)?));
    }
    table::print(&rows);
    orkee::print_start_up(&binaries)
}
