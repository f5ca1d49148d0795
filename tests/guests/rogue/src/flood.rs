//! Too much of something.

use std::hint::black_box;
use std::time::Duration;

use crate::network;
use crate::orkee::sync::{credentials, http, log, state};

pub fn memory() -> String {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1u8; 1 << 20]));
    }
}

pub fn spin() -> String {
    let mut n = 0u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

pub fn sleep() -> String {
    std::thread::sleep(Duration::from_secs(24 * 3600));
    "awake".to_owned()
}

pub fn host_calls() -> String {
    loop {
        black_box(credentials::enumerate());
    }
}

/// Requests of which none leaves.
pub fn requests() -> String {
    loop {
        black_box(network::attempt().is_ok());
    }
}

pub fn log() -> String {
    loop {
        log::write(log::Level::Info, "again");
    }
}

/// One line of colour, and one that is much too long.
pub fn log_a_little() -> String {
    log::write(log::Level::Warn, "\u{1b}[31mred\u{7} line\nforged line");
    log::write(log::Level::Warn, &"long ".repeat(100_000));
    "logged".to_owned()
}

pub fn stderr() -> String {
    loop {
        eprintln!("{}", "noise ".repeat(1000));
    }
}

pub fn state() -> String {
    let mut kept = 0;
    loop {
        match state::set(&format!("key {kept}"), &[0; 64 << 10]) {
            Ok(()) => kept += 1,
            Err(state::Error::Full(limit)) => return format!("full after {kept}, limit {limit}"),
            Err(state::Error::Failed(words)) => return words,
        }
    }
}

/// A list of a million strings that are all the same bytes: little here, gigabytes in a careless host.
pub fn amplify() -> String {
    let text = "x".repeat(1 << 20);
    let headers = (0..4000).map(|_| ("x".to_owned(), String::new())).collect::<Vec<_>>();
    let request = http::Request {
        method: text.clone(),
        url: text.clone(),
        headers,
        body: vec![0; 16 << 20],
        credential: Some(text),
        compress: true,
        timeout_ms: None,
    };
    loop {
        black_box(http::send(&request).is_ok());
    }
}
