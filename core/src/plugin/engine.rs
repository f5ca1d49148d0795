//! The one engine of the process, and the clock that lets it interrupt guests.
//!
//! What is not used stays off: garbage collection, threads, concurrency inside a store. The clock ticks only while a call runs, so
//! that a command which calls no plugin has no thread for it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};

/// How often a running guest is interrupted. CPU limits are counted in these.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Calls that run side by side in a pool; more wait for one to end. A sync has two requests under way.
pub(super) const POOL: u32 = 16;
/// Bytes of a call's memory that are wiped for the next call instead of given back to the system: an exchange's parcel, in the guest
/// twice, and what else it holds.
const KEPT: usize = 8 << 20;

/// Memory is mapped for each call, and given back to the system after it.
pub(super) fn new() -> wasmtime::Result<Engine> {
    Engine::new(&config())
}

/// Memory comes from a pool: what a call wrote to is wiped after it, and is there for the next. Fresh memory would cost the system
/// more than all that a call does with it. For components that are known to fit: one memory, few tables, `POOL` calls at a time.
pub(super) fn pooled() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    // Component and core instances are only counted; each memory reserves 4 GiB of addresses.
    pool.total_component_instances(POOL)
        .total_core_instances(16 * POOL)
        .total_memories(POOL)
        .total_tables(8 * POOL)
        .total_stacks(2 * POOL)
        .max_tables_per_module(4)
        .linear_memory_keep_resident(KEPT)
        .table_keep_resident(KEPT)
        // Where the kernel can tell which pages were written to, only those are wiped.
        .pagemap_scan(Enabled::Auto);
    Engine::new(config().allocation_strategy(InstanceAllocationStrategy::Pooling(pool)))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .concurrency_support(false)
        .wasm_memory64(false)
        .wasm_relaxed_simd(false)
        // Only the kind of a trap is told, never a place in the guest: that is for its own panic message to say.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        // For unwinders from outside, such as a profiler's; registering it would take longer than all else of a load.
        .native_unwind_info(false);
    config
}

/// Ticks while calls run.
#[derive(Clone)]
pub(super) struct Ticker {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    running: usize,
    ticking: bool,
}

/// A call that runs. Dropping it ends it.
pub(super) struct Running {
    shared: Arc<Shared>,
}

impl Ticker {
    pub(super) fn new(engine: Engine) -> Self {
        Self { shared: Arc::new(Shared { engine, calls: Mutex::default() }) }
    }

    /// Fails if there can be no thread, since no guest runs without a clock.
    pub(super) fn start(&self) -> io::Result<Running> {
        let mut calls = self.shared.calls();
        if !calls.ticking {
            let shared = Arc::clone(&self.shared);
            thread::Builder::new().name("orkee-plugin-clock".to_owned()).spawn(move || shared.tick())?;
            calls.ticking = true;
        }
        calls.running += 1;
        Ok(Running { shared: Arc::clone(&self.shared) })
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        loop {
            thread::sleep(TICK);
            self.engine.increment_epoch();
            let mut calls = self.calls();
            if calls.running == 0 {
                calls.ticking = false;
                return;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.calls().running -= 1;
    }
}
