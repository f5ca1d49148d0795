//! Ways at random, the same for the same seed and the same order of requests.

use std::sync::Mutex;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::bytes::reply;
use super::{Copy, Way};

/// What becomes of the requests of one schedule.
pub struct Weather {
    random: Mutex<SmallRng>,
    /// How many requests in a row still meet this status.
    burst: Mutex<(u32, u16)>,
}

/// What a server that is busy, or a proxy before it, answers.
const STATUSES: [u16; 4] = [429, 500, 502, 503];

impl Weather {
    /// The weather of a seed.
    pub fn of(seed: u64) -> Self {
        Self { random: Mutex::new(SmallRng::seed_from_u64(seed)), burst: Mutex::default() }
    }

    /// What becomes of the next request.
    pub fn next(&self) -> Way {
        let random = &mut *self.random.lock().unwrap();
        let burst = &mut *self.burst.lock().unwrap();
        if burst.0 > 0 {
            burst.0 -= 1;
            return refused(burst.1, random);
        }
        let bytes = random.random_range(0..3000);
        match random.random_range(0..100) {
            0..35 => Way::Through,
            35..45 => Way::Late(Duration::from_millis(random.random_range(1..20))),
            45..53 => Way::RequestCut(bytes),
            53..63 => Way::ReplyCut(bytes),
            63..73 => Way::Twice(if random.random() { Copy::First } else { Copy::Second }),
            73..80 => Way::Overtaken,
            80..84 => Way::Misstated(random.random_range(1..2000)),
            84..88 => Way::Misstated(-random.random_range(1..2000)),
            88..90 => Way::Ignored,
            90..92 => Way::Stalled(bytes),
            _ => {
                *burst = (random.random_range(0..3), STATUSES[random.random_range(0..STATUSES.len())]);
                refused(burst.1, random)
            }
        }
    }
}

fn refused(status: u16, random: &mut SmallRng) -> Way {
    let after: &[(&str, &str)] = if random.random() { &[("Retry-After", "0")] } else { &[] };
    Way::Answered(reply(status, after, b"busy"))
}
