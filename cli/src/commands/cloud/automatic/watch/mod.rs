//! `orkee cloud watch`

mod child;
mod ear;
mod listening;
mod told;
mod watcher;

use std::io::IsTerminal;
use std::time::Duration;

use orkee_core::auto::WatchLock;
use orkee_core::diagnostic::Kind;
use tokio::signal::unix::{SignalKind, signal};

use super::super::surroundings::NoRuntime;
use super::error::AutoError;
use super::{place, seconds};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use watcher::{Stopped, Watcher};

/// Keep in step until Ctrl-C: send what is changed here, fetch what is changed elsewhere
///
/// A change here is sent within a second. Changes of others arrive at once where the backend tells of them, else with the interval.
/// After a failure it waits, longer each time, and goes on by itself; what needs an answer of yours is said once, here and in
/// `orkee cloud status`. `orkee cloud enable` runs the same as a service.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud watch                 a line for each sync that moved something
  orkee cloud watch --interval 60   look each minute, too
  orkee cloud watch --json          an object a line for all that happens

SIGHUP, and a change of config.toml or .env, has it read its settings anew. Ctrl-C ends it with 130, SIGTERM with 0; a sync that is
under way comes to its end first.")]
pub(crate) struct Watch {
    /// Seconds between two syncs where nothing else calls for one, instead of cloud.sync_interval
    #[arg(long, value_name = "S", value_parser = seconds)]
    interval: Option<u64>,
    /// What the watcher itself starts: wait until the backend has something new
    #[arg(long, hide = true, conflicts_with = "interval")]
    listen: bool,
}

impl Watch {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if self.listen {
            return ear::listen(cx);
        }
        let home = cx.home()?;
        let lock = WatchLock::acquire(home, &place(cx.settings()?)?).map_err(AutoError::Unusable)?;
        let lock = lock.map_err(AutoError::Watched)?;
        if !home.database().exists() {
            // On a new device all that there is comes from elsewhere. From here on none is made.
            drop(cx.store()?);
        }
        let watcher = Watcher::new(cx, lock, self.interval.map(Duration::from_secs))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(NoRuntime)?;
        let stopped = runtime.block_on(watch(watcher))?;
        Ok(match stopped {
            Stopped::Interrupted => Exit::from(Kind::Interrupted),
            Stopped::Terminated => Exit::DONE,
        })
    }
}

async fn watch(mut watcher: Watcher<'_>) -> Result<Stopped, Failure> {
    let listen = |kind| signal(kind).map_err(NoRuntime);
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let had_terminal = std::io::stdin().is_terminal();
    watcher.begin()?;
    let stopped = loop {
        watcher.look()?;
        let nap = watcher.nap();
        tokio::select! {
            _ = interrupt.recv() => break Stopped::Interrupted,
            _ = terminate.recv() => break Stopped::Terminated,
            _ = hangup.recv() => {
                // The terminal itself may be what went.
                if had_terminal && std::fs::File::open("/dev/tty").is_err() {
                    break Stopped::Terminated;
                }
                watcher.read_settings()?;
            }
            done = watcher.child_ended() => watcher.ended(done)?,
            () = tokio::time::sleep(nap) => {}
        }
        if cx_is_closed(&watcher) {
            break Stopped::Terminated;
        }
    };
    tokio::select! {
        ended = watcher.stop() => ended?,
        // A second one does not wait.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(stopped)
}

/// Nobody reads the lines any more that were asked for.
fn cx_is_closed(watcher: &Watcher<'_>) -> bool {
    watcher.is_unheard()
}
