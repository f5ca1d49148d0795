//! How a watcher's listening goes: the process that listens, when the next one may begin, and what became of the last.
//!
//! What cannot be listened to is asked less and less often: an ear that fails, or that is told again and again of nothing.

use std::time::Duration;

use orkee_core::auto::Because;

use super::super::super::running::random;
use super::child::{AtWork, Said};
use super::ear::Heard;
use super::told::Moved;

/// Listening is begun again after so long at least where nothing was heard, and doubled from there where it fails or is told of nothing.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_LONGEST: Duration = Duration::from_secs(300);
/// Who listened for less has not listened.
const SHORT: Duration = Duration::from_secs(10);
/// However long the backend asks not to be asked.
const ASKED_LONGEST: Duration = Duration::from_secs(3600);

/// How listening goes.
#[derive(Default)]
pub(super) struct Ear {
    child: Option<AtWork>,
    /// The backend does not tell.
    is_deaf: bool,
    /// Not before.
    again: Duration,
    /// Nor before: the backend said so.
    asked: Duration,
    begun: Duration,
    in_vain: u32,
}

impl Ear {
    pub(super) fn may_begin(&self, now: Duration) -> bool {
        self.child.is_none() && !self.is_deaf && now >= self.again.max(self.asked)
    }

    /// This process listens from now on; none: it could not be started, and is tried again.
    pub(super) fn begin(&mut self, child: Option<AtWork>, now: Duration) {
        self.child = child;
        (self.begun, self.again) = (now, now + AGAIN);
    }

    /// A process has said all. Whether it was the one that listens, and heard that there is something new.
    pub(super) fn ended(&mut self, said: &Said, now: Duration) -> bool {
        let Some(child) = self.child.take_if(|child| child.number == said.number) else { return false };
        child.end();
        match serde_json::from_slice::<Heard>(&said.text) {
            Ok(Heard { can_watch: false, .. }) => self.is_deaf = true,
            Ok(Heard { heard: true, .. }) => return true,
            Ok(Heard { again_in: Some(seconds), .. }) => {
                self.asked = now + Duration::from_secs(seconds).min(ASKED_LONGEST);
            }
            // One that had nothing to wait after.
            Ok(Heard { .. }) if now < self.begun + SHORT => self.fails(now),
            Ok(Heard { .. }) => self.again = self.again.max(now + AGAIN),
            Err(_) => self.fails(now),
        }
        false
    }

    /// Another backend may be meant by now.
    pub(super) fn turn(&mut self, now: Duration) {
        self.dismiss();
        self.forget(now);
        self.is_deaf = false;
    }

    /// Listening ends at once.
    pub(super) fn dismiss(&mut self) {
        if let Some(child) = self.child.take() {
            child.dismiss();
        }
    }

    /// What went wrong before says nothing about now.
    pub(super) fn forget(&mut self, now: Duration) {
        (self.again, self.in_vain) = (now, 0);
    }

    fn fails(&mut self, now: Duration) {
        self.in_vain += 1;
        let wait = AGAIN.saturating_mul(2u32.saturating_pow(self.in_vain)).min(AGAIN_LONGEST);
        self.again = now + wait.mul_f64(1.0 + random() / 2.0);
    }

    /// A sync came to its end. A backend that tells of something new again and again, and has nothing, is listened to less and less.
    pub(super) fn brought(&mut self, because: Because, moved: &Moved, now: Duration) {
        if because != Because::Told || moved.is_any() {
            self.forget(now);
        } else if self.in_vain == 0 {
            // A device's own write wakes it for nothing at most once.
            self.in_vain = 1;
            self.again = now;
        } else {
            self.fails(now);
        }
    }
}
