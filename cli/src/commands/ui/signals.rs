//! What the system tells this process: to end, and that it goes on after it was stopped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_current_process_group};
use signal_hook::flag;
use signal_hook::low_level::emulate_default_handler;

/// A process that has not stopped by then will not: there is no shell that would have it go on.
const STOPS: Duration = Duration::from_millis(200);

/// Signals that end a process, which gives the terminal back before.
const ENDING: [Signal; 3] = [Signal::TERM, Signal::HUP, Signal::QUIT];

/// Signals that came.
pub(super) struct Signals {
    ending: Vec<(Signal, Arc<AtomicBool>)>,
    interrupt: Arc<AtomicBool>,
    go_on: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn watch() -> io::Result<Self> {
        let watch = |signal: Signal| {
            let came = Arc::new(AtomicBool::new(false));
            flag::register(signal.as_raw(), Arc::clone(&came))?;
            Ok::<_, io::Error>(came)
        };
        Ok(Self {
            ending: ENDING
                .into_iter()
                .map(|signal| Ok((signal, watch(signal)?)))
                .collect::<io::Result<_>>()?,
            interrupt: watch(Signal::INT)?,
            go_on: watch(Signal::CONT)?,
        })
    }

    /// The signal that this process is to end of.
    pub(super) fn ending(&self) -> Option<Signal> {
        self.ending.iter().find(|(_, came)| came.load(Ordering::Relaxed)).map(|(signal, _)| *signal)
    }

    /// Whether somebody sent what Ctrl-C sends elsewhere.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Whether this process was stopped and goes on since it was asked last.
    pub(super) fn went_on(&self) -> bool {
        self.go_on.swap(false, Ordering::Relaxed)
    }

    /// Stops this process as Ctrl-Z does; comes back when it goes on, or at once where nobody could have it go on.
    pub(super) fn stop(&self) {
        self.went_on();
        let _ = kill_current_process_group(Signal::TSTP);
        // Another thread may be the one that stops all of them, a moment later.
        let asked = Instant::now();
        while !self.went_on() && asked.elapsed() < STOPS {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What was pressed while another program had the terminal was for that one.
    pub(super) fn forget_interrupt(&self) {
        self.interrupt.store(false, Ordering::Relaxed);
    }

    /// Ends this process as the signal would have done.
    pub(super) fn end(signal: Signal) {
        let _ = emulate_default_handler(signal.as_raw());
    }
}
