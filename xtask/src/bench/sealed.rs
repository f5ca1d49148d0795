//! What it costs that only its owner can read an account: the same syncs, plain and sealed, by turns.

use std::time::Duration;

use super::HALF_OF_RTT20;
use super::figure::{Figure, Figures, Row};
use super::orkee::{self, Form};
use super::table;
use crate::run::Error;
use crate::setup::Binaries;

/// Turns; of each figure the least counts.
const TURNS: usize = 3;

/// The same, plain and sealed.
pub struct Sealed {
    plain: Row,
    sealed: Row,
}

pub fn measure(binaries: &Binaries, size: usize) -> Result<Sealed, Error> {
    let turn = |form, one_way| orkee::measure(binaries, size, one_way, form);
    let (mut plain, mut sealed) = (turn(Form::Plain, Duration::ZERO)?, turn(Form::Sealed, Duration::ZERO)?);
    for _ in 1..TURNS {
        plain = plain.least(turn(Form::Plain, Duration::ZERO)?);
        sealed = sealed.least(turn(Form::Sealed, Duration::ZERO)?);
    }
    let row =
        |who, direct, form| Ok::<_, Error>(Row { who, size, direct, delayed: turn(form, HALF_OF_RTT20)? });
    Ok(Sealed { plain: row("plain", plain, Form::Plain)?, sealed: row("sealed", sealed, Form::Sealed)? })
}

impl Sealed {
    pub fn print(&self) {
        table::print(&[&self.plain, &self.sealed]);
    }

    pub fn ten(&self) -> &Figure {
        &self.sealed.direct.ten
    }

    pub fn nothing(&self) -> &Figure {
        &self.sealed.direct.nothing
    }

    /// Both forms' figure of an operation, as multiples of the plain one.
    pub fn ratio(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        of(&self.sealed.direct) / of(&self.plain.direct)
    }

    /// How much longer a sync of ten changes takes on the clock.
    pub fn surcharge(&self) -> Duration {
        self.ten().wall.saturating_sub(self.plain.direct.ten.wall)
    }
}
