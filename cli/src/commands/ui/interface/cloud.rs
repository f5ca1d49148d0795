//! What the loop has to do with the cloud: the sync that the person started, those that nobody types, and a conflict's value written by
//! hand.

use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orkee_core::store::{Conflict, Store};

use super::Interface;
use crate::commands::cloud::automatic::Automatic;
use crate::commands::cloud::value_editor::{self, Edited};
use crate::commands::ui::act::leave_if_settled;
use crate::commands::ui::sync::{Ended, Sync};
use crate::commands::ui::takeback;
use crate::output::text;

/// How soon a watcher that came or went, and a sync of another process that failed, are seen.
const AUTOMATIC: Duration = Duration::from_secs(2);

impl Interface<'_> {
    pub(super) fn look_at_cloud(&mut self) {
        self.look_at_sync();
        self.look_at_automatic();
    }

    fn look_at_sync(&mut self) {
        let Some(sync) = &self.state.live.sync else { return };
        // It shows how long it takes.
        self.is_old = true;
        let Some(ended) = sync.ended() else { return };
        self.state.live.sync = None;
        self.state.is_stale = true;
        match ended {
            Ended::Done { told, is_good: true } => self.state.tell(told),
            Ended::Done { told, is_good: false } => self.state.deny(told),
            Ended::Failed { code, message, causes, hint } => {
                let mut lines = vec![message];
                lines.extend(causes.into_iter().map(|cause| format!("caused by: {cause}")));
                lines.extend(hint.map(|hint| format!("hint: {hint}")));
                self.state.deny(format!("The sync failed: {}", lines[0]));
                self.notice(&format!("error[{code}]"), lines);
            }
        }
    }

    /// What other processes know of syncs that nobody types. Where it cannot be told, nothing is said of it: `status` names what is wrong.
    fn look_at_automatic(&mut self) {
        if self.state.live.asked.is_some_and(|asked| asked.elapsed() < AUTOMATIC) {
            return;
        }
        self.state.live.asked = Some(Instant::now());
        let automatic = Automatic::of(self.cx).map(|automatic| automatic.in_brief(Timestamp::now()));
        let automatic = automatic.unwrap_or_default();
        self.is_old |= self.state.live.automatic != automatic;
        self.state.live.automatic = automatic;
    }

    pub(super) fn write(&mut self, conflict: &Conflict) -> io::Result<()> {
        let Self { cx, store, state, screen, signals, .. } = self;
        let edited = screen.lend(|| {
            let edit = |store: &mut Store| value_editor::edit_one(cx, store, conflict);
            takeback::deciding(state, store, conflict, edit, |edited| *edited == Edited::Settled)
        })?;
        signals.forget_interrupt();
        let (field, project) = (text::spelled(&conflict.field), text::spelled(&conflict.project));
        match edited {
            Err(failure) => self.fail(&failure),
            Ok(Edited::Settled) => {
                self.state.tell(format!("{field} of {project} is what you wrote. u takes it back"));
            }
            Ok(Edited::Outdated) => {
                self.state
                    .deny(format!("{field} of {project} was changed meanwhile; e goes on with your text"));
            }
            Ok(Edited::Left) => self.state.tell(format!("{field} of {project} waits as before")),
        }
        self.read();
        leave_if_settled(&mut self.state);
        Ok(())
    }

    pub(super) fn sync(&mut self) {
        if self.state.live.sync.is_some() {
            return self.state.tell("A sync is under way");
        }
        match Sync::start() {
            Ok(sync) => self.state.live.sync = Some(sync),
            Err(error) => self.state.deny(format!("cannot start a sync: {error}")),
        }
    }
}
