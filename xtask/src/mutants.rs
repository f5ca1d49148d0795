//! `cargo xtask mutants [NAME…]`: breaks the rules of sync one at a time, in a copy of the engine, and sees that a test notices.
//!
//! The rules are in `tests/mutants/engine.toml`, each with the piece of source that follows it and what stands there when it is
//! broken. First the copy is tested as it is. Then each mutant is built and tested: by the unit tests of store, session and merge,
//! and, where these pass, by random schedules.

mod list;
mod trial;
mod workspace;

use std::time::Instant;

use crate::run::Error;
use list::{List, Mutant};
use trial::{Trial, Verdict};

/// Random schedules for each mutant where all are tried, and where a person names some; `ORKEE_SIM_SCHEDULES` overrides both.
const SCHEDULES: u64 = 3_000;
const SCHEDULES_NAMED: u64 = 20_000;

pub fn run(names: &[&str]) -> Result<(), Error> {
    let list = List::read()?;
    let broken = list.faults();
    if !broken.is_empty() {
        return Err(broken.join("\n").into());
    }
    let chosen = choose(&list, names)?;
    let usual = if names.is_empty() { SCHEDULES } else { SCHEDULES_NAMED };
    let set = std::env::var("ORKEE_SIM_SCHEDULES").ok().and_then(|value| value.parse().ok());
    let schedules = set.unwrap_or(usual);
    let trial = Trial::prepare()?;
    if let verdict @ (Verdict::Caught(_) | Verdict::NotBuilt(_)) = trial.unbroken()? {
        return Err(format!("the engine fails as it is: {}", verdict.told(false)).into());
    }
    println!("{:<47} {:>7}  outcome", "rule", "seconds");
    let mut wrong = Vec::new();
    for mutant in &chosen {
        let start = Instant::now();
        let verdict = trial.of(mutant, schedules)?;
        let told = verdict.told(mutant.spare.is_some());
        println!("{:<47} {:>7.1}  {told}", mutant.rule, start.elapsed().as_secs_f64());
        if !verdict.is_fine(mutant.spare.is_some()) {
            wrong.push(format!("{}: {told}", mutant.rule));
        }
    }
    println!("{} rules, {} spare", chosen.len(), chosen.iter().filter(|m| m.spare.is_some()).count());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn choose<'a>(list: &'a List, names: &[&str]) -> Result<Vec<&'a Mutant>, Error> {
    let named = |name: &&str| {
        let found = list.mutants.iter().find(|mutant| mutant.rule == *name);
        found.ok_or_else(|| format!("no rule is called `{name}`; {} lists them", list::PATH).into())
    };
    if names.is_empty() { Ok(list.mutants.iter().collect()) } else { names.iter().map(named).collect() }
}
