//! Several devices at one store, their requests in any order, with faults. A seed replays a run.
//!
//! Each device runs on a thread of its own and waits before each request for the scheduler, which lets one go at a time: carried out,
//! lost, with its reply lost, or the last that this call of the device ever makes.

mod cases;
mod device;
mod memory;
mod turns;

use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use device::Device;
use memory::{Client, Memory};
use turns::{Fate, Turns};

const DEVICES: usize = 3;

struct Faults {
    /// Of a hundred requests.
    per_cent: u32,
    /// The machine sleeps in the middle of a call.
    sleep: bool,
}

fn run(seed: u64, faults: &Faults) {
    let memory = Arc::new(Mutex::new(Memory::new()));
    let (mut turns, seats) = Turns::new(DEVICES);
    let threads: Vec<_> = seats
        .into_iter()
        .enumerate()
        .map(|(number, seat)| {
            let client = Client::new(memory.clone(), Some(seat));
            std::thread::spawn(move || {
                let mut rng = StdRng::seed_from_u64(seed * 31 + number as u64);
                let mut device = Device::new(number, client);
                for _ in 0..rng.random_range(4..10) {
                    for _ in 0..rng.random_range(0..3) {
                        device.edit(rng.random_range(0..4));
                    }
                    device.exchange(rng.random_range(0..4) * rng.random_range(1..3));
                    if rng.random_ratio(1, 12) {
                        device.forget_everything();
                    }
                }
                device.leave()
            })
        })
        .collect();
    let mut rng = StdRng::seed_from_u64(seed);
    while let Some(waiting) = turns.waiting() {
        let chosen = waiting[rng.random_range(0..waiting.len())];
        let mut memory = memory.lock().unwrap();
        memory.clock +=
            if faults.sleep && rng.random_ratio(1, 40) { 25 * 60 } else { rng.random_range(0..3) };
        drop(memory);
        let fate = match rng.random_range(0..100) {
            n if n >= faults.per_cent => Fate::Carried,
            n if n % 3 == 0 => Fate::Lost,
            n if n % 3 == 1 => Fate::ReplyLost,
            _ => Fate::Last,
        };
        turns.go(chosen, fate);
    }
    let mut devices: Vec<Device> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    // What killed calls have written is seen while their commits are open, and still once these have grown old.
    for later in [0, 25 * 60] {
        memory.lock().unwrap().clock += later;
        settle(&memory, &mut devices);
        compare(seed, &memory, &devices);
    }
}

/// Everybody syncs until nothing moves.
fn settle(memory: &Arc<Mutex<Memory>>, devices: &mut [Device]) {
    for _ in 0..6 {
        for device in devices.iter_mut() {
            device.sync(memory);
        }
    }
}

fn compare(seed: u64, memory: &Arc<Mutex<Memory>>, devices: &[Device]) {
    let held = memory.lock().unwrap().records();
    for device in devices {
        assert_eq!(
            device.known, held,
            "seed {seed}: device {} does not know what the store holds",
            device.number
        );
        for (id, words) in &device.said {
            let text = held.get(id).map(|(_, text)| text.clone()).unwrap_or_default();
            for word in words {
                assert!(
                    text.split(' ').any(|other| other == word),
                    "seed {seed}: `{word}` of {id} is gone: {text}"
                );
            }
        }
    }
}

#[test]
fn devices_agree_and_lose_nothing_whatever_the_order_of_requests() {
    for seed in 0..300 {
        run(seed, &Faults { per_cent: 0, sleep: false });
    }
}

#[test]
fn devices_agree_and_lose_nothing_with_lost_replies_and_crashes() {
    for seed in 0..500 {
        run(seed, &Faults { per_cent: 12, sleep: false });
    }
}

#[test]
fn devices_agree_and_lose_nothing_when_machines_sleep_between_requests() {
    for seed in 0..500 {
        run(seed, &Faults { per_cent: 6, sleep: true });
    }
}
