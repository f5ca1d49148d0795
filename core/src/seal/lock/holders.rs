//! Who can open the lock key: whoever knows the passphrase, and whoever has the recovery phrase of an account whose key was here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{LockError, LockKey};
use crate::seal::passphrase::Params;
use crate::seal::{KeyId, Phrase, RecipientKey, RecipientSecret};

type Suite = X25519HkdfSha256;

/// What an encapsulated key has.
const ENCAPSULATED: usize = 32;

/// For whom a lock key is sealed. It is kept in the store beside what the key seals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holders {
    passphrase: Stretching,
    /// Recovery phrases of accounts.
    phrases: Vec<Holder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretching {
    params: Params,
    sealed: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holder {
    /// Names the account's key.
    account: String,
    key: RecipientKey,
    sealed: String,
}

impl Holders {
    /// A key that a passphrase opens, stretched as `params` say, and the phrases of these recipients.
    pub fn new(
        key: &LockKey,
        passphrase: &str,
        params: &Params,
        phrases: &[(KeyId, RecipientKey)],
    ) -> Result<Self, LockError> {
        let stretched = params.stretch(passphrase)?;
        let sealed = wrap(key, &stretched.recipient().key()).ok_or(LockError::Seal)?;
        let passphrase = Stretching { params: params.clone(), sealed };
        let mut holders = Self { passphrase, phrases: Vec::new() };
        holders.admit(key, phrases)?;
        Ok(holders)
    }

    /// Lets these recipients' phrases open it too, and not the phrases that the same accounts had before. Whether that changed anything.
    pub fn admit(&mut self, key: &LockKey, phrases: &[(KeyId, RecipientKey)]) -> Result<bool, LockError> {
        let mut changed = false;
        for (account, recipient) in phrases {
            let account = account.to_string();
            if self.phrases.iter().all(|holder| (&holder.account, holder.key) != (&account, *recipient)) {
                let sealed = wrap(key, recipient).ok_or(LockError::Seal)?;
                self.phrases.retain(|holder| holder.account != account);
                self.phrases.push(Holder { account, key: *recipient, sealed });
                changed = true;
            }
        }
        Ok(changed)
    }

    /// Another passphrase in the place of the one there was.
    pub fn with_passphrase(
        self,
        key: &LockKey,
        passphrase: &str,
        params: &Params,
    ) -> Result<Self, LockError> {
        Ok(Self { phrases: self.phrases, ..Self::new(key, passphrase, params, &[])? })
    }

    /// The key, by the passphrase.
    pub fn open_with_passphrase(&self, id: KeyId, passphrase: &str) -> Result<LockKey, LockError> {
        let stretched = self.passphrase.params.stretch(passphrase)?;
        unwrap(id, &stretched.recipient(), &self.passphrase.sealed)
            .ok_or(LockError::DoesNotOpen { what: "passphrase" })
    }

    /// The key, by the recovery phrase of an account.
    pub fn open_with_phrase(&self, id: KeyId, phrase: &Phrase) -> Result<LockKey, LockError> {
        if self.phrases.is_empty() {
            return Err(LockError::NoPhrase);
        }
        let (secret, not_it) = (phrase.recipient(), LockError::DoesNotOpen { what: "recovery phrase" });
        let key = secret.key();
        let holder = self.phrases.iter().find(|holder| holder.key == key);
        holder.and_then(|holder| unwrap(id, &secret, &holder.sealed)).ok_or(not_it)
    }

    /// Whether a recovery phrase opens it.
    pub fn has_phrase(&self) -> bool {
        !self.phrases.is_empty()
    }

    /// As the store keeps it.
    pub fn to_text(&self) -> Result<String, LockError> {
        serde_json::to_string(self).map_err(LockError::Holders)
    }

    /// Reads what the store keeps.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        serde_json::from_str(text).map_err(LockError::Holders)
    }
}

fn info(id: KeyId) -> Vec<u8> {
    [&b"orkee lock key\0"[..], id.as_bytes()].concat()
}

fn wrap(key: &LockKey, recipient: &RecipientKey) -> Option<String> {
    let public = STANDARD.decode(recipient.to_string()).ok()?;
    let public = <Suite as Kem>::PublicKey::from_bytes(&public).ok()?;
    let (encapsulated, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeS::Base,
        &public,
        &info(key.id()),
        key.expose(),
        &[],
    )
    .ok()?;
    Some(STANDARD.encode([encapsulated.to_bytes().as_slice(), &sealed].concat()))
}

fn unwrap(id: KeyId, secret: &RecipientSecret, sealed: &str) -> Option<LockKey> {
    let private = <Suite as Kem>::PrivateKey::from_bytes(secret.expose()).ok()?;
    let sealed = STANDARD.decode(sealed).ok()?;
    let (encapsulated, sealed) = sealed.split_at_checked(ENCAPSULATED)?;
    let encapsulated = <Suite as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        &info(id),
        sealed,
        &[],
    );
    let opened = Zeroizing::new(opened.ok()?);
    let mut bytes = Zeroizing::new([0; 32]);
    if opened.len() != bytes.len() {
        return None;
    }
    bytes.copy_from_slice(&opened);
    Some(LockKey::from_bytes(id, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_key_is_opened_by_its_passphrase_and_by_the_phrases_that_were_admitted() {
        let (key, phrase, other) = (LockKey::generate(), Phrase::generate(), Phrase::generate());
        let mut holders = Holders::new(&key, "correct horse", &Params::least(), &[]).unwrap();
        assert!(matches!(holders.open_with_phrase(key.id(), &phrase), Err(LockError::NoPhrase)));
        let account = KeyId::generate();
        assert!(holders.admit(&key, &[(account, phrase.recipient().key())]).unwrap());
        assert!(!holders.admit(&key, &[(account, phrase.recipient().key())]).unwrap(), "once is enough");
        let mut later = holders.clone();
        assert!(later.admit(&key, &[(account, other.recipient().key())]).unwrap());
        let holders = Holders::parse(&holders.to_text().unwrap()).unwrap();
        let opened = holders.open_with_passphrase(key.id(), "correct horse").unwrap();
        assert_eq!(opened.expose(), key.expose());
        assert_eq!(holders.open_with_phrase(key.id(), &phrase).unwrap().expose(), key.expose());
        let refused =
            |opened: Result<LockKey, LockError>| matches!(opened, Err(LockError::DoesNotOpen { .. }));
        assert!(refused(holders.open_with_passphrase(key.id(), "Correct horse")));
        assert!(refused(holders.open_with_phrase(key.id(), &other)));
        assert!(refused(later.open_with_phrase(key.id(), &phrase)), "the account has another phrase");
        assert!(later.open_with_phrase(key.id(), &other).is_ok());
        assert!(refused(holders.open_with_passphrase(KeyId::generate(), "correct horse")), "another lock's");
        let changed = holders.clone().with_passphrase(&key, "another one", &Params::least()).unwrap();
        assert!(refused(changed.open_with_passphrase(key.id(), "correct horse")));
        assert_eq!(changed.open_with_phrase(key.id(), &phrase).unwrap().expose(), key.expose());
    }
}
