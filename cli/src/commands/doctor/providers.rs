//! Whether what is installed is what was installed.

use orkee_core::diagnostic::Diagnostic;
use orkee_core::plugin::{Registry, RegistryError};

use super::Examined;
use crate::commands::cloud::provider::{BEHIND_A_PROXY, is_proxied};
use crate::context::Context;
use crate::failure::Failure;

/// Reads the grants file and each component that it names.
pub(super) fn examine(cx: &Context) -> Result<Examined, Failure> {
    let told = |error: RegistryError| (error.to_string(), error.hint());
    let registry = match Registry::open(cx.home()?) {
        Ok(registry) => registry,
        Err(error) => return Ok(Examined { problems: vec![told(error)], broken: 1, ..Examined::default() }),
    };
    let releases = registry.installed().flat_map(|p| [Some(&p.current), p.previous.as_ref()]).flatten();
    let verified: Vec<_> = releases.map(|release| registry.verify(release)).collect();
    let note = Some(BEHIND_A_PROXY).filter(|_| !verified.is_empty() && is_proxied());
    let components = verified.len();
    let problems: Vec<_> = verified.into_iter().filter_map(Result::err).map(told).collect();
    Ok(Examined {
        components,
        broken: problems.len(),
        problems,
        notes: note.map(str::to_owned).into_iter().collect(),
    })
}
