//! What a plugin may use in one call, and how using more of it is told.

mod some;

use std::fmt;
use std::time::Duration;

use thiserror::Error;
use wasmtime::ResourceLimiter;

pub use some::SomeLimits;

/// Bytes that one element of a table costs the host.
const TABLE_ELEMENT_BYTES: usize = 16;

/// What a plugin may use. Configuration may lower these, a grant may raise them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all memories and tables of a call together.
    pub memory: u64,
    /// Computing in a call; waiting for the network or a timer costs nothing.
    pub cpu: Duration,
    /// A call from beginning to end.
    pub wall_clock: Duration,
    /// Body of one reply, before and after decompression.
    pub reply_body: u64,
    /// Calls of host functions in a call.
    pub host_calls: u32,
    /// Log lines in a call.
    pub log_lines: u32,
    /// Bytes of a log line; what is longer is cut.
    pub log_line: usize,
    /// Bytes written to standard output and error in a call.
    pub output: u64,
    /// Keys and values of the plugin's state.
    pub state: u64,
    /// The component's file.
    pub component: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            cpu: Duration::from_secs(5),
            wall_clock: Duration::from_secs(60),
            reply_body: 16 << 20,
            host_calls: 1000,
            log_lines: 1000,
            log_line: 4 << 10,
            output: 1 << 20,
            state: 1 << 20,
            component: 32 << 20,
        }
    }
}

/// A limit that was reached, with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Limit {
    /// Bytes of memory.
    Memory(u64),
    /// Computing time.
    Cpu(Duration),
    /// Time of a call.
    WallClock(Duration),
    /// Bytes of a reply's body.
    ReplyBody(u64),
    /// Calls of host functions.
    HostCalls(u32),
    /// Log lines.
    LogLines(u32),
    /// Bytes on standard output and error.
    Output(u64),
    /// Bytes of state.
    State(u64),
    /// Bytes of the component.
    Component(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(n) => write!(f, "{} of memory", Bytes(*n)),
            Self::Cpu(d) => write!(f, "{} of computing in one call", Span(*d)),
            Self::WallClock(d) => write!(f, "{} for one call", Span(*d)),
            Self::ReplyBody(n) => write!(f, "{} for the body of a reply", Bytes(*n)),
            Self::HostCalls(n) => write!(f, "{n} host calls in one call"),
            Self::LogLines(n) => write!(f, "{n} log lines in one call"),
            Self::Output(n) => write!(f, "{} of output in one call", Bytes(*n)),
            Self::State(n) => write!(f, "{} of state", Bytes(*n)),
            Self::Component(n) => write!(f, "{} for a component", Bytes(*n)),
        }
    }
}

/// A size in its largest whole unit.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n > 0 && n.is_multiple_of(1 << 20) => write!(f, "{} MiB", n >> 20),
            n if n > 0 && n.is_multiple_of(1 << 10) => write!(f, "{} KiB", n >> 10),
            n => write!(f, "{n} bytes"),
        }
    }
}

struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_millis() {
            0 => write!(f, "{} s", self.0.as_secs()),
            _ => write!(f, "{} ms", self.0.as_millis()),
        }
    }
}

/// Adds up what the memories and tables of one store take. A component made of several modules has several of each.
#[derive(Debug)]
pub(super) struct MemoryMeter {
    limit: u64,
    used: u64,
}

impl MemoryMeter {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current) as u64;
        let used = self.used.saturating_add(growth);
        if used > self.limit {
            // A trap rather than a failed growth: the guest's own report of that would be some abort deep in its allocator.
            return Err(Limit::Memory(self.limit).into());
        }
        self.used = used;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current, desired)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(current.saturating_mul(TABLE_ELEMENT_BYTES), desired.saturating_mul(TABLE_ELEMENT_BYTES))
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        256
    }

    fn memories(&self) -> usize {
        32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p20_memories_and_tables_count_together() {
        let mut meter = MemoryMeter::new(1000);
        assert!(meter.memory_growing(0, 600, None).unwrap());
        assert!(meter.table_growing(0, 10, None).unwrap());
        let error = meter.memory_growing(600, 900, None).unwrap_err();
        assert_eq!(error.downcast_ref::<Limit>(), Some(&Limit::Memory(1000)));
    }

    #[test]
    fn a_limit_says_its_value_as_people_do() {
        assert_eq!(Limit::Memory(64 << 20).to_string(), "64 MiB of memory");
        assert_eq!(Limit::Cpu(Duration::from_secs(5)).to_string(), "5 s of computing in one call");
        assert_eq!(Limit::WallClock(Duration::from_millis(250)).to_string(), "250 ms for one call");
    }
}
