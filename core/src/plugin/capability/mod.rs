//! What the host offers to a guest, one interface of the contract a file. Each function counts as a host call first.

mod credentials;
mod http;
mod log;
mod settings;
mod signer;
mod state;

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2;
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};

use super::bindings::orkee::sync;
use super::call::CallState;

/// Links the contract, and of WASI what a standard library needs to start: streams, clocks, randomness, an empty environment.
/// Files and sockets are not there at all.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    use p2::bindings::{cli, random};
    p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::environment::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::exit::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_input::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_output::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
    // A standard library seeds its hash maps from here.
    random::insecure::add_to_linker::<CallState, WasiRandom>(linker, CallState::random)?;
    random::insecure_seed::add_to_linker::<CallState, WasiRandom>(linker, CallState::random)?;
    sync::types::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::http::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::credentials::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::state::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::settings::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::signer::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)?;
    sync::log::add_to_linker::<CallState, HasSelf<CallState>>(linker, |state| state)
}

impl sync::types::Host for CallState {}

impl CallState {
    fn host_call(&mut self) -> wasmtime::Result<()> {
        Ok(self.meter.host_call(&self.context.limits)?)
    }
}
