//! `credentials`: which there are. The secrets stay in the gateway.

use crate::plugin::bindings::orkee::sync::credentials::{Credential, Host};
use crate::plugin::call::CallState;

impl Host for CallState {
    fn enumerate(&mut self) -> wasmtime::Result<Vec<Credential>> {
        self.host_call()?;
        let Some(gateway) = &self.context.gateway else {
            return Ok(Vec::new());
        };
        let granted = gateway.grants.credentials.iter().map(|(name, credential)| Credential {
            name: name.clone(),
            audience: credential.audience.to_string(),
            signed_in: gateway.credentials.is_signed_in(name, &credential.audience),
        });
        Ok(granted.collect())
    }
}
