//! `signer`: signatures with the keys of the delivery under way. The keys stay here.

use crate::plugin::bindings::orkee::sync::signer::{Error, Host};
use crate::plugin::call::CallState;

impl Host for CallState {
    fn sign(&mut self, key: String, message: Vec<u8>) -> wasmtime::Result<Result<Vec<u8>, Error>> {
        self.host_call()?;
        let named = self.context.keys.iter().find(|known| known.name() == key);
        Ok(named.map(|key| key.sign(&message)).ok_or(Error::UnknownKey))
    }
}
