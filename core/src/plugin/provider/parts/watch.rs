//! The optional part `watch`: learning soon that others wrote. It waits for longer than any other call may take.

use std::time::Duration;

use super::PartError;
use crate::plugin::provider::{WasmProvider, convert, failure};
use crate::sync::provider::{Cursor, Failure, MAX_WATCH, ProviderError};

/// What the backend and the way there may take beyond the wait itself.
const GRACE: Duration = Duration::from_secs(15);

impl WasmProvider {
    /// Waits until there is something after `cursor`. Computing is limited as in any call, and time by the wait alone.
    async fn wait(&self, cursor: Cursor, wait: Duration) -> Result<bool, PartError> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let cursor = convert::cursor(cursor);
        let sandbox = self.sandbox.with(|context| {
            context.limits.wall_clock = wait + GRACE;
            if let Some(gateway) = &mut context.gateway {
                // Before the call's own time is over, as with all calls.
                gateway.timeout = wait + GRACE.mul_f64(0.9);
            }
        });
        ask!(self, watch, "tell when something is new", in sandbox, |guest, store| guest
            .call_wait(store, &cursor, wait_ms))
    }

    /// As [`crate::sync::provider::Provider::watch`].
    pub(in crate::plugin::provider) async fn waited(
        &self,
        cursor: Cursor,
        wait: Duration,
    ) -> Result<bool, ProviderError> {
        self.wait(cursor, wait.min(MAX_WATCH)).await.map_err(|error| match error {
            PartError::Failed(error) => error,
            PartError::Absent(error) => ProviderError::new(Failure::Unsuitable, error),
        })
    }
}
