//! Waiting for something to become true.

use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; a test that is right never waits so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "gave up waiting for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether somebody listens at this port of this machine. A connection to a port that nobody has may be given that very port at its own
/// end, and is then connected to itself: that is nobody.
pub fn is_listened_at(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(own), Ok(peer)) => own != peer,
        _ => false,
    }
}
