//! Keeps the memory of a process that holds tokens to itself.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core dumps, and on Linux no debugger of the same user: both would read the tokens. What the system does not allow is left.
pub fn protect() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::debug!(target: "orkee::cloud::auth", %error, "core dumps stay possible");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::debug!(target: "orkee::cloud::auth", %error, "the process stays dumpable");
    }
}
