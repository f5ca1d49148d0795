//! All keys of an account that somebody holds: one an epoch, from the first one to the newest.

use super::{AccountKey, KeyId};

/// The most epochs that an account may have.
pub(super) const MAX_EPOCHS: usize = 1000;

/// An account's keys of all its epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epochs {
    id: KeyId,
    /// The first is that of epoch 1. Never empty.
    keys: Vec<AccountKey>,
}

impl Epochs {
    /// Those of a new account.
    pub fn generate() -> Self {
        Self { id: KeyId::generate(), keys: vec![AccountKey::generate()] }
    }

    /// Those that were kept, from epoch 1 on. None if there are none, or more than an account may have.
    pub fn from_keys(id: KeyId, keys: Vec<AccountKey>) -> Option<Self> {
        (!keys.is_empty() && keys.len() <= MAX_EPOCHS).then_some(Self { id, keys })
    }

    /// With one epoch more. None if there are as many as an account may have.
    pub(super) fn with_next(&self) -> Option<Self> {
        let mut keys = self.keys.clone();
        keys.push(AccountKey::generate());
        Self::from_keys(self.id, keys)
    }

    /// By which name the keys are known.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The newest epoch and its key.
    pub fn current(&self) -> (u32, &AccountKey) {
        // Never empty, and never more than a thousand.
        (self.keys.len() as u32, &self.keys[self.keys.len() - 1])
    }

    /// The key of an epoch.
    pub fn get(&self, epoch: u32) -> Option<&AccountKey> {
        self.keys.get(usize::try_from(epoch).ok()?.checked_sub(1)?)
    }

    /// All keys, that of epoch 1 first.
    pub fn keys(&self) -> &[AccountKey] {
        &self.keys
    }

    /// Whether these are the same account's keys, and others hold all of these.
    pub(super) fn is_beginning_of(&self, others: &Self) -> bool {
        self.id == others.id && others.keys.starts_with(&self.keys)
    }
}
