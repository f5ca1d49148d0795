//! Signals that end this process where something has to be put right before: a terminal that shows nothing of what is typed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use signal_hook::consts::{SIGHUP, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level};

/// Whether SIGTERM ends the process at once, as it does where nobody asks for it.
static TERMINATION_ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));
/// The same for SIGHUP and SIGQUIT.
static HANG_UP_ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Until this is dropped, whoever made it looks after such signals.
pub(super) struct Held(Vec<(&'static AtomicBool, bool)>);

impl Held {
    /// All of them.
    pub(super) fn all() -> Self {
        Self::of([&TERMINATION_ENDS, &HANG_UP_ENDS])
    }

    /// SIGTERM.
    pub(super) fn termination() -> Self {
        Self::of([&TERMINATION_ENDS])
    }

    fn of<const N: usize>(those: [&'static LazyLock<Arc<AtomicBool>>; N]) -> Self {
        let held = those.map(|ends| {
            let ends: &'static AtomicBool = ends;
            (ends, ends.swap(false, Ordering::SeqCst))
        });
        Self(held.to_vec())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for (ends, before) in &self.0 {
            ends.store(*before, Ordering::SeqCst);
        }
    }
}

/// What came.
pub(super) struct Signals(Vec<(i32, Arc<AtomicBool>)>);

impl Signals {
    /// They are noticed from here on, to the end of the process.
    pub(super) fn watch() -> io::Result<&'static Self> {
        static WATCHED: OnceLock<Signals> = OnceLock::new();
        if let Some(watched) = WATCHED.get() {
            return Ok(watched);
        }
        let mut came = Vec::new();
        for (signal, ends) in
            [(SIGTERM, &TERMINATION_ENDS), (SIGHUP, &HANG_UP_ENDS), (SIGQUIT, &HANG_UP_ENDS)]
        {
            let this = Arc::new(AtomicBool::new(false));
            flag::register_conditional_default(signal, Arc::clone(ends))?;
            flag::register(signal, Arc::clone(&this))?;
            came.push((signal, this));
        }
        Ok(WATCHED.get_or_init(|| Self(came)))
    }

    /// The one that the process is to end of.
    pub(super) fn came(&self) -> Option<i32> {
        self.0.iter().find(|(_, came)| came.swap(false, Ordering::SeqCst)).map(|(signal, _)| *signal)
    }
}

/// Ends this process as the signal would have done.
pub(super) fn end(signal: i32) {
    let _ = low_level::emulate_default_handler(signal);
}
