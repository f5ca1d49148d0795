//! One call into a guest: a fresh store, its limits, and what became of it.
//!
//! Nothing outlives a call but what the guest put into its state, so calls may run side by side, and a store that trapped is
//! never entered again.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime::{Engine, Store, Trap, UpdateDeadline};
use wasmtime_wasi::{I32Exit, WasiCtx, WasiCtxView, WasiView};

use super::dispatcher::SigningKey;
use super::engine::{TICK, Ticker};
use super::error::PluginError;
use super::gateway::{Gateway, SendError};
use super::limits::{Limit, Limits, MemoryMeter};
use super::output::Output;
use super::state::StateStore;
use super::text::clean;

/// Host resources (streams, timers) that a guest may hold at a time.
const MAX_RESOURCES: usize = 1000;
/// Of what a guest says, the part that is shown.
const MAX_WORDS: usize = 500;

/// What all calls of one provider share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) plugin: String,
    pub(super) limits: Limits,
    /// None: this call makes no request, as `describe`.
    pub(super) gateway: Option<Gateway>,
    pub(super) state: StateStore,
    pub(super) settings: BTreeMap<String, String>,
    /// What `signer` signs with: a delivery's, and no provider's.
    pub(super) keys: Vec<SigningKey>,
}

/// What one call owns.
pub(super) struct CallState {
    pub(super) context: Arc<Context>,
    pub(super) meter: Meter,
    /// Why the newest request failed; the guest was told in fewer words.
    pub(super) failure: Option<SendError>,
    /// What the server called the newest request.
    pub(super) request_id: Option<String>,
    /// What the person has to do, as the newest request's server says.
    pub(super) remedy: Option<String>,
    memory: MemoryMeter,
    wasi: WasiCtx,
    table: ResourceTable,
}

/// Counts what a call uses.
#[derive(Debug)]
pub(super) struct Meter {
    host_calls: u32,
    log_lines: u32,
    /// Computing that was billed.
    computed: Duration,
    /// When the clock last interrupted the guest, and how long it has waited since.
    tick: Instant,
    waited: Duration,
    /// What the host computed for it so far.
    hosted: Duration,
}

impl Meter {
    fn new(now: Instant) -> Self {
        let (computed, waited, hosted) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        Self { host_calls: 0, log_lines: 0, computed, tick: now, waited, hosted }
    }

    /// Every host function begins with this.
    pub(super) fn host_call(&mut self, limits: &Limits) -> Result<(), Limit> {
        self.host_calls += 1;
        if self.host_calls > limits.host_calls { Err(Limit::HostCalls(limits.host_calls)) } else { Ok(()) }
    }

    /// One more line in the log.
    pub(super) fn log_line(&mut self, limits: &Limits) -> Result<(), Limit> {
        self.log_lines += 1;
        if self.log_lines > limits.log_lines { Err(Limit::LogLines(limits.log_lines)) } else { Ok(()) }
    }

    /// The host worked for the guest: what it waited is not billed, what it computed is.
    pub(super) fn hosted(&mut self, spent: Spent) {
        self.waited += spent.idle;
        self.hosted += spent.busy;
    }

    /// The guest was interrupted by the clock. Of the time since it last was, it computed for what it did not wait; beyond
    /// one tick, it was others that ran in between.
    fn tick(&mut self, limits: &Limits, now: Instant) -> Result<UpdateDeadline, Limit> {
        let passed = now.saturating_duration_since(std::mem::replace(&mut self.tick, now));
        self.computed += passed.saturating_sub(std::mem::take(&mut self.waited)).min(TICK);
        match self.computed >= limits.cpu {
            true => Err(Limit::Cpu(limits.cpu)),
            false => Ok(UpdateDeadline::Yield(1)),
        }
    }
}

/// How long something took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// While it waited.
    pub(super) idle: Duration,
    /// While it computed: for a host function, the guest's call pays for it.
    pub(super) busy: Duration,
}

/// What `work` comes to, and what it took.
pub(super) async fn spending<T>(work: impl Future<Output = T>) -> (T, Spent) {
    let mut work = pin!(work);
    let (mut spent, mut since) = (Spent::default(), None::<Instant>);
    let done = poll_fn(|cx| {
        let begun = Instant::now();
        spent.idle += since.map_or(Duration::ZERO, |since| begun - since);
        let polled = work.as_mut().poll(cx);
        let ended = Instant::now();
        spent.busy += ended - begun;
        since = Some(ended);
        polled
    })
    .await;
    (done, spent)
}

impl WasiView for CallState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// A plugin that can be called.
#[derive(Clone)]
pub(super) struct Sandbox {
    pub(super) engine: Engine,
    pub(super) ticker: Ticker,
    /// Calls that there is room for at once; none: as many as there are.
    pub(super) turns: Option<Arc<Semaphore>>,
    pub(super) instance: InstancePre<CallState>,
    pub(super) context: Arc<Context>,
}

/// What a call leaves behind beside its result.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    pub(super) failure: Option<SendError>,
    pub(super) request_id: Option<String>,
    pub(super) remedy: Option<String>,
}

impl Sandbox {
    /// The same plugin, with `change` made to what its calls get.
    pub(super) fn with(&self, change: impl FnOnce(&mut Context)) -> Self {
        let mut context = Context::clone(&self.context);
        change(&mut context);
        Self { context: Arc::new(context), ..self.clone() }
    }

    /// Runs `call` in a store of its own.
    pub(super) async fn call<R: Send>(
        &self,
        call: impl for<'a> FnOnce(&'a mut Store<CallState>, &'a Instance) -> BoxFuture<'a, wasmtime::Result<R>>
        + Send,
    ) -> Result<(R, Aftermath), PluginError> {
        // It is never closed; held until the store is gone.
        let _turn = match &self.turns {
            Some(turns) => turns.acquire().await.ok(),
            None => None,
        };
        let output = Output::new(self.context.limits.output);
        let mut store = self.store(&output);
        let _running = self.ticker.start().map_err(|e| PluginError::Host(e.into()))?;
        let run = async {
            let instance = self.instance.instantiate_async(&mut store).await?;
            call(&mut store, &instance).await
        };
        let wall_clock = self.context.limits.wall_clock;
        let (ended, spent) = spending(tokio::time::timeout(wall_clock, run)).await;
        let guest = spent.busy.saturating_sub(store.data().meter.hosted);
        tracing::debug!(target: "orkee::cloud::plugin", guest_us = guest.as_micros() as u64, "called the plugin");
        match ended {
            Err(_) => Err(self.limit(Limit::WallClock(wall_clock))),
            Ok(Err(error)) => Err(self.classify(&error, &output)),
            Ok(Ok(result)) => {
                let CallState { failure, request_id, remedy, .. } = store.into_data();
                Ok((result, Aftermath { failure, request_id, remedy }))
            }
        }
    }

    fn store(&self, output: &Output) -> Store<CallState> {
        let limits = &self.context.limits;
        // No arguments, environment, folders or network; time and randomness are harmless.
        let wasi = WasiCtx::builder()
            .stdout(output.clone())
            .stderr(output.clone())
            .max_random_size(64 << 10)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        let state = CallState {
            context: Arc::clone(&self.context),
            meter: Meter::new(Instant::now()),
            failure: None,
            request_id: None,
            remedy: None,
            memory: MemoryMeter::new(limits.memory),
            wasi,
            table,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        // Lists of lists that share their memory could grow in the host beyond what the guest itself may have.
        store.set_hostcall_fuel(usize::try_from(limits.memory).unwrap_or(usize::MAX));
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            Ok(state.meter.tick(&state.context.limits, Instant::now())?)
        });
        store
    }

    fn limit(&self, limit: Limit) -> PluginError {
        PluginError::Limit { plugin: self.context.plugin.clone(), limit }
    }

    /// What a trap means.
    fn classify(&self, error: &wasmtime::Error, output: &Output) -> PluginError {
        let plugin = self.context.plugin.clone();
        if let Some(limit) = error.downcast_ref::<Limit>() {
            return self.limit(*limit);
        }
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return PluginError::Trapped { plugin, reason: format!("it ended itself with code {code}") };
        }
        let said = output.tail();
        if let Some(message) = panic_message(&said) {
            return PluginError::Panicked { plugin, message };
        }
        match error.downcast_ref::<Trap>() {
            Some(trap) => {
                let said = clean(&said, MAX_WORDS);
                let reason =
                    if said.is_empty() { trap.to_string() } else { format!("{trap}; it wrote: {said}") };
                PluginError::Trapped { plugin, reason }
            }
            None => PluginError::Contract { plugin, what: clean(&error.root_cause().to_string(), MAX_WORDS) },
        }
    }
}

/// The message and place of the last panic in a guest's output.
fn panic_message(said: &str) -> Option<String> {
    let (_, panic) = said.rsplit_once("panicked at ")?;
    let (panic, _) = panic.split_once("\nnote: run with").unwrap_or((panic, ""));
    let (place, message) = panic.split_once('\n').unwrap_or((panic, ""));
    Some(format!("{} (at {})", clean(message, MAX_WORDS), clean(place.trim_end_matches(':'), MAX_WORDS)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn p27_a_panic_is_told_with_its_message_and_place() {
        let said = "\nthread '<unnamed>' (1) panicked at src/lib.rs:7:9:\nno \u{1b}[31mway\u{7}\nhere\nnote: run with `RUST_BACKTRACE=1`";
        assert_eq!(panic_message(said).unwrap(), "no way here (at src/lib.rs:7:9)");
        assert_eq!(panic_message("all is well"), None);
    }

    #[test]
    fn p21_what_a_guest_waits_is_not_billed_and_all_else_is() {
        let limits = Limits { cpu: 3 * TICK, ..Limits::default() };
        let start = Instant::now();
        for (waits, ticks) in [(Duration::ZERO, 3), (TICK / 2, 6), (TICK - TICK / 10, 30)] {
            let mut meter = Meter::new(start);
            let mut interrupted = (1..1000u32).map(|n| {
                meter.hosted(Spent { idle: waits, ..Spent::default() });
                meter.tick(&limits, start + n * TICK)
            });
            assert_eq!(interrupted.position(|tick| tick.is_err()), Some(ticks - 1), "waits {waits:?} a tick");
        }
        let mut meter = Meter::new(start);
        for n in 1..1000 {
            meter.hosted(Spent { idle: TICK * 10, ..Spent::default() });
            assert!(meter.tick(&limits, start + n * TICK * 10).is_ok());
        }
    }

    #[test]
    fn p21_what_others_run_for_is_not_billed() {
        let limits = Limits { cpu: 3 * TICK, ..Limits::default() };
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert!(meter.tick(&limits, start + TICK * 100).is_ok());
        assert!(meter.tick(&limits, start + TICK * 200).is_ok());
        assert_eq!(meter.tick(&limits, start + TICK * 300).err(), Some(Limit::Cpu(limits.cpu)));
    }

    #[tokio::test]
    async fn p21_only_what_pends_is_idle() {
        let ((), computing) = spending(async { std::thread::sleep(TICK) }).await;
        assert!(computing.idle == Duration::ZERO && computing.busy >= TICK, "{computing:?}");
        let ((), waiting) = spending(tokio::time::sleep(TICK)).await;
        assert!(waiting.idle > Duration::ZERO, "{waiting:?}");
    }
}
