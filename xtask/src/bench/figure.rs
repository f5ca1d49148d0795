//! What is measured, and how figures are written.

use std::time::Duration;

use serde_json::Value;

use crate::run::{Cost, Error};

/// One measured operation.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    pub wall: Duration,
    pub cpu: Duration,
    /// What the server computed meanwhile; known to 10 ms.
    pub server_cpu: Duration,
    pub rss: u64,
    pub round_trips: Option<u64>,
    pub bytes_up: Option<u64>,
    pub bytes_down: Option<u64>,
}

/// What is measured at one size, over one network.
#[derive(Debug, Default)]
pub struct Figures {
    pub upload: Figure,
    pub download: Figure,
    pub nothing: Figure,
    pub ten: Figure,
}

/// One program at one size.
pub struct Row {
    pub who: &'static str,
    pub size: usize,
    pub direct: Figures,
    /// Over a network with a round trip of 20 ms.
    pub delayed: Figures,
}

impl Figures {
    /// Of each operation's times, the lesser of both runs'.
    pub fn least(self, other: Self) -> Self {
        Self {
            upload: self.upload.lesser(&other.upload),
            download: self.download.lesser(&other.download),
            nothing: self.nothing.lesser(&other.nothing),
            ten: self.ten.lesser(&other.ten),
        }
    }
}

impl Figure {
    /// Time and memory, and the traffic that the program told on stdout, if it did.
    pub fn of(cost: &Cost) -> Self {
        let told: Value = serde_json::from_str(&cost.stdout).unwrap_or_default();
        Self {
            wall: cost.wall,
            cpu: cost.cpu,
            server_cpu: Duration::ZERO,
            rss: cost.rss,
            round_trips: told["round_trips"].as_u64(),
            bytes_up: told["bytes_up"].as_u64(),
            bytes_down: told["bytes_down"].as_u64(),
        }
    }

    /// The least of so many runs' times; counts do not vary.
    pub fn least(runs: usize, mut run: impl FnMut(usize) -> Result<Self, Error>) -> Result<Self, Error> {
        let mut least = run(0)?;
        for n in 1..runs {
            least = least.lesser(&run(n)?);
        }
        Ok(least)
    }

    fn lesser(self, other: &Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            rss: self.rss.min(other.rss),
            ..self
        }
    }

    /// What went over the wire, both ways.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes_up.zip(self.bytes_down).map(|(up, down)| up + down)
    }
}

pub fn time(t: Duration) -> String {
    match t.as_secs_f64() {
        s if s >= 0.1 => format!("{s:.2} s"),
        s => format!("{:.1} ms", s * 1e3),
    }
}

pub fn count(n: Option<u64>) -> String {
    n.map_or_else(|| "–".to_owned(), |n| n.to_string())
}

pub fn size_of(bytes: Option<u64>) -> String {
    match bytes {
        None => "–".to_owned(),
        Some(n) if n >= 1_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        Some(n) => format!("{:.1} KB", n as f64 / 1e3),
    }
}
