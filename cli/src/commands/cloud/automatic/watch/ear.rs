//! What a watcher starts to hear of others' changes: asks the backend to answer when there is something new, again and again.
//!
//! It is a process of its own, since it holds all that a connection takes. It ends when it heard something, after a while, or when
//! whoever started it lets go of its standard input.

use std::io::Read;
use std::time::{Duration, Instant};

use orkee_core::sync::provider::{Failure as ProviderFailure, Provider};
use serde::{Deserialize, Serialize};

use super::super::super::connection::Connection;
use super::super::super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};

/// One question. Proxies cut what is silent for a minute.
const WAIT: Duration = Duration::from_secs(50);
/// After that long a fresh process takes over.
const SHIFT: Duration = Duration::from_secs(30 * 60);
/// Before a question that follows an answer which came at once.
const BREATH: Duration = Duration::from_secs(2);

/// A backend that is busy and does not say for how long is left alone so long.
const BUSY: Duration = Duration::from_secs(60);

/// What it says at its end.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Heard {
    /// The backend tells of changes.
    pub(super) can_watch: bool,
    /// There is something new.
    pub(super) heard: bool,
    /// The backend wants to be left alone for so many seconds.
    pub(super) again_in: Option<u64>,
}

impl Heard {
    /// Others wrote something.
    const SOMETHING: Self = Self { heard: true, ..Self::NOTHING };
    /// Nobody wrote anything for as long as was listened.
    const NOTHING: Self = Self { can_watch: true, heard: false, again_in: None };
    /// Nothing can be heard here.
    const CANNOT: Self = Self { can_watch: false, ..Self::NOTHING };
}

/// `orkee cloud watch --listen`
pub(super) fn listen(cx: &Context) -> CommandResult {
    cx.makes_no_database();
    let cursor = cx.store()?.space_state()?.0.cursor;
    let cloud = Cloud::open(cx, None)?;
    let work = async {
        let mut connection = Connection::open(cx, &cloud).await?;
        // Without a position there is nothing to wait after.
        if !connection.provider.can_watch() || cursor.position.is_none() {
            return Ok::<_, Failure>(Heard { can_watch: connection.provider.can_watch(), ..Heard::NOTHING });
        }
        connection.enter_team().await?;
        let began = Instant::now();
        while began.elapsed() < SHIFT {
            let asked = Instant::now();
            match connection.provider.watch(cursor.clone(), WAIT).await {
                Ok(true) => return Ok(Heard::SOMETHING),
                Ok(false) if asked.elapsed() < WAIT / 2 => tokio::time::sleep(BREATH).await,
                Ok(false) => {}
                Err(error) if matches!(error.failure, ProviderFailure::Unsuitable) => {
                    return Ok(Heard::CANNOT);
                }
                Err(error) => match error.failure {
                    ProviderFailure::Busy(asked) => {
                        let again_in = Some(asked.unwrap_or(BUSY).as_secs());
                        return Ok(Heard { again_in, ..Heard::NOTHING });
                    }
                    _ => return Err(error.into()),
                },
            }
        }
        Ok(Heard::NOTHING)
    };
    let heard = surroundings::run(async {
        match surroundings::until(work, dismissed()).await {
            Ok(heard) => heard,
            Err(()) => Ok(Heard::NOTHING),
        }
    })?;
    cx.out.document(&heard)?;
    Ok(Exit::DONE)
}

/// Whoever started this lets go of its standard input.
async fn dismissed() {
    let (sender, ended) = tokio::sync::oneshot::channel();
    let waits = std::thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut byte = [0];
        while input.read(&mut byte).is_ok_and(|count| count > 0) {}
        let _ = sender.send(());
    });
    match waits {
        Ok(_) => drop(ended.await),
        // It ends after its shift then.
        Err(_) => std::future::pending().await,
    }
}
