//! Which cloud is in use, the sign-in to it, and the way there.

use orkee_core::auth::Asking;

use super::check::Check;
use super::{Asked, Network, network, sign_in};
use crate::commands::cloud::examined::Examined;
use crate::context::Context;

/// What an environment fails with whose proxy is none.
pub(super) const NO_PROXY: &str = "E-NET-011";

/// The provider that the settings choose, the sign-in, and each step to the server.
pub(super) fn examine(cx: &Context, asked: Asked) -> Vec<Check> {
    let asking = if asked.network == Network::Never { Asking::Never } else { Asking::IfOld };
    let examined = match Examined::new(cx, asking) {
        Ok(examined) => examined,
        Err(failure) => {
            let diagnostic = failure.diagnostic();
            let is_proxys = diagnostic.code() == NO_PROXY;
            return vec![Check::error(if is_proxys { "proxy" } else { "cloud" }, diagnostic)];
        }
    };
    let mut checks = sign_in::examine(&examined);
    checks.extend(network::examine(&examined, asked.network));
    checks
}
