//! Where the keys of a space are kept between two commands.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::KeyError;
use super::content::Secrets;
use crate::seal::KeyId;

/// All that is kept.
#[derive(Clone)]
pub(super) struct State {
    pub(super) key_id: KeyId,
    /// Where the account is, as the store names it.
    pub(super) remote: String,
    /// The account has the document. Before that it is one that `key init` made, and seals nothing.
    pub(super) is_confirmed: bool,
    /// This device seals all records anew up to this epoch, and raises the floor then.
    pub(super) reseal_to: Option<u32>,
    /// The newest key document that was met, as it came: the payload of its record.
    pub(super) document: Vec<u8>,
    pub(super) secrets: Secrets,
}

/// A file, or the memory of this process.
pub(super) trait Keep: Send + Sync + fmt::Debug {
    /// Hands what is kept to `change`, as it is now, with no other process in between. Where it says so, what it left is durable before
    /// this returns; where it fails, nothing changed.
    fn change(&self, change: &mut dyn FnMut(&mut State) -> Result<bool, KeyError>)
    -> Result<State, KeyError>;
}

/// In memory alone.
pub(super) struct InMemory(Mutex<State>);

impl InMemory {
    pub(super) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemory(..)")
    }
}

impl Keep for InMemory {
    fn change(
        &self,
        change: &mut dyn FnMut(&mut State) -> Result<bool, KeyError>,
    ) -> Result<State, KeyError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = kept.clone();
        if change(&mut state)? {
            *kept = state.clone();
        }
        Ok(state)
    }
}
