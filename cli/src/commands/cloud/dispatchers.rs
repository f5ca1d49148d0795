//! Who delivers the events of this device: the dispatchers of this program, and those that the person installed.

use orkee_core::net::Courier;
use orkee_core::plugin::DispatcherLibrary;

use super::builtin::DISPATCHERS;
use crate::context::Context;
use crate::failure::Failure;

/// All that a webhook can be added with.
pub(crate) fn library(cx: &Context, courier: Courier) -> Result<DispatcherLibrary, Failure> {
    let home = cx.home()?;
    let built_in = DispatcherLibrary::new(DISPATCHERS, courier, Some(home.cache()), home.plugins());
    Ok(built_in.with_installed(home))
}
