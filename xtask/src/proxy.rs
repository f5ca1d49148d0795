//! A TCP relay between a client and the server under test: it adds a delay, or stops passing replies on at a chosen moment.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::Error;

/// A relay that runs until the process ends.
pub struct Proxy {
    address: SocketAddr,
    control: Arc<Control>,
}

#[derive(Default)]
struct Control {
    gate: Mutex<Gate>,
    changed: Condvar,
}

#[derive(Default)]
struct Gate {
    upstream: Option<SocketAddr>,
    /// Bytes of replies still to pass before everything stops; none: no limit.
    budget: Option<u64>,
    /// A reply was held back.
    held: bool,
}

impl Proxy {
    /// Listens on a free port. `one_way` is the delay of each direction.
    pub fn start(one_way: Duration) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let proxy = Self { address: listener.local_addr()?, control: Arc::default() };
        let control = Arc::clone(&proxy.control);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Some(upstream) = control.gate().upstream else {
                    continue;
                };
                let Ok(server) = TcpStream::connect(upstream) else {
                    continue;
                };
                relay(&client, &server, one_way, None);
                relay(&server, &client, one_way, Some(Arc::clone(&control)));
            }
        });
        Ok(proxy)
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where their bytes go.
    pub fn forward_to(&self, upstream: SocketAddr) {
        self.control.gate().upstream = Some(upstream);
    }

    /// Passes `bytes` more bytes of replies, then none.
    pub fn hold_after(&self, bytes: u64) {
        let mut gate = self.control.gate();
        gate.budget = Some(bytes);
        gate.held = false;
    }

    /// Waits until a reply is held back; false when none was within `limit`.
    pub fn wait_until_held(&self, limit: Duration) -> bool {
        let gate = self.control.gate();
        let waited = self.control.changed.wait_timeout_while(gate, limit, |gate| !gate.held);
        waited.is_ok_and(|(gate, _)| gate.held)
    }

    /// Passes everything again, for new connections.
    pub fn release(&self) {
        let mut gate = self.control.gate();
        gate.budget = None;
        gate.held = false;
    }
}

impl Control {
    fn gate(&self) -> std::sync::MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether a reply of `bytes` may pass.
    fn passes(&self, bytes: u64) -> bool {
        let mut gate = self.gate();
        match &mut gate.budget {
            None => true,
            Some(budget) if *budget >= bytes => {
                *budget -= bytes;
                true
            }
            Some(_) => {
                gate.held = true;
                self.changed.notify_all();
                false
            }
        }
    }
}

/// Copies one direction in the background. A reply that may not pass ends it without closing the connection.
fn relay(from: &TcpStream, to: &TcpStream, delay: Duration, control: Option<Arc<Control>>) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    let _ = to.set_nodelay(true);
    let (queue, due) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            if queue.send((Instant::now() + delay, buffer[..n].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (at, bytes) in due {
            if control.as_ref().is_some_and(|c| !c.passes(bytes.len() as u64)) {
                return;
            }
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
