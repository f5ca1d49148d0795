//! What a sync is asked to do beyond the usual, as a person may ask for it on the command line.

use std::collections::BTreeSet;

use rand::Rng;
use rand::rngs::SmallRng;

use crate::project::ProjectId;
use crate::sync::{Compare, Decide, Options, Push};

/// The options of a sync: mostly the usual ones. `is_damaged`: only a comparison of everything helps.
pub(super) fn random(rng: &mut SmallRng, records: &[ProjectId], is_damaged: bool) -> Options {
    let one: ProjectId = records[rng.random_range(0..records.len())];
    let only = BTreeSet::from([one]);
    let usual = Options { in_flight: rng.random_range(1..=3), ..Options::default() };
    if is_damaged {
        return Options { compare: Compare::Joining, ..usual };
    }
    match rng.random_range(0..100) {
        0..4 => Options { compare: Compare::Everything, ..usual },
        4..6 => Options { push: Push::Only(only), ..usual },
        6..8 => Options { push: Push::Nothing, ..usual },
        8 => Options { decide: Decide::Local(rng.random_bool(0.3).then_some(only)), ..usual },
        9 => Options { decide: Decide::Cloud(rng.random_bool(0.3).then_some(only)), ..usual },
        10 => Options { compare: Compare::Joining, decide: Decide::Local(None), ..usual },
        11 => {
            Options { compare: Compare::Joining, decide: Decide::Cloud(None), push: Push::Nothing, ..usual }
        }
        12 => Options {
            compare: Compare::Everything,
            decide: Decide::Cloud(Some(only)),
            push: Push::Nothing,
            ..usual
        },
        13..15 => Options { dry_run: true, ..usual },
        15 => Options { dry_run: true, compare: Compare::Joining, ..usual },
        _ => usual,
    }
}

/// What a fault may make of the state of sync. `{n}` is some number, `{row}` some record's row.
pub(super) const DAMAGES: &[&str] = &[
    "UPDATE tracking SET base_at = {n} WHERE record = {row}",
    "UPDATE tracking SET base_at = NULL WHERE record = {row}",
    "UPDATE tracking SET clean_at = version WHERE record = {row}",
    "UPDATE tracking SET clean_at = NULL",
    "UPDATE tracking SET sent_at = {n} WHERE record = {row}",
    "UPDATE tracking SET sent_at = NULL",
    "UPDATE tracking SET revision = '{n}' WHERE record = {row}",
    "UPDATE tracking SET revision = NULL WHERE record = {row}",
    "UPDATE tracking SET listed = {n}",
    "UPDATE tracking SET epoch = {n} WHERE record = {row}",
    "UPDATE spaces SET position = '{n}'",
    "UPDATE spaces SET position = NULL",
    "UPDATE spaces SET head_number = {n}",
    "UPDATE spaces SET head_tag = NULL",
    "UPDATE spaces SET listing_goal = 'delete'",
];
