//! What the tests counted: schedules, crash points, kills. The runner of the tests hides what a passing test prints, so a line goes
//! to the file that `ORKEE_TEST_TALLY` names, and `cargo xtask test` shows it at the end.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes that a test went through so many of these.
pub fn note(what: &str, count: usize) {
    println!("{count:>7} {what}");
    let Some(path) = std::env::var_os("ORKEE_TEST_TALLY") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // Not every file system keeps two that append at once apart.
    file.lock().unwrap();
    file.write_all(format!("{count:>7} {what}\n").as_bytes()).unwrap();
}
