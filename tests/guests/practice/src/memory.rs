//! What a provider can see of what it carries: all of its own memory, after an exchange.
//!
//! What is looked for is told as the setting `marks`: words in hexadecimal with every bit turned round, so that the question is not its
//! own answer. What was found is logged.

use crate::orkee::sync::{log, settings};

pub(crate) fn look() {
    let marks: Vec<Vec<u8>> =
        settings::get("marks").unwrap_or_default().split(',').filter(|mark| !mark.is_empty()).map(inverted).collect();
    let end = core::arch::wasm32::memory_size(0) * 65536;
    let mut found = 0;
    for at in 1..end {
        found += marks.iter().filter(|mark| at + mark.len() <= end && is_at(at, mark)).count();
    }
    log::write(log::Level::Info, &format!("of {} words {found} are in {end} bytes of memory", marks.len()));
}

fn inverted(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn is_at(at: usize, mark: &[u8]) -> bool {
    mark.iter().enumerate().all(|(n, inverted)| {
        // SAFETY: below the memory's end, which never shrinks; volatile, since it is memory that others write.
        let byte = unsafe { core::ptr::read_volatile((at + n) as *const u8) };
        !byte == *inverted
    })
}
