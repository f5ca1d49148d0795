//! Which cloud is in use, the sign-in to it, and the way there.

use orkee_core::auth::Asking;

use super::check::Check;
use super::{Asked, Network, network, sign_in};
use crate::commands::cloud::examined::Examined;
use crate::context::Context;

/// The provider that the settings choose, the sign-in, and each step to the server.
pub(super) fn examine(cx: &Context, asked: Asked) -> Vec<Check> {
    let asking = if asked.network == Network::Never { Asking::Never } else { Asking::IfOld };
    let examined = match Examined::new(cx, asking) {
        Ok(examined) => examined,
        Err(failure) => return vec![Check::error("cloud", failure.diagnostic())],
    };
    let mut checks = sign_in::examine(&examined);
    checks.extend(network::examine(&examined, asked.network));
    checks
}
