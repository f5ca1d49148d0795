//! Secrets of one call that are not sign-ins: the guest has a reference at most, and no reply tells it more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem;

use crate::net::Secret;

/// What stands before the encoded key in a webhook's secret, and is known to everyone.
const PREFIXES: [&str; 2] = ["whsec_", "whsk_"];

/// What the guest of one call must not see.
#[derive(Debug, Clone, Default)]
pub(in crate::plugin) struct Hidden {
    /// The reference that the guest has, and what is sent in its place.
    stand_in: Option<(String, Secret)>,
    /// A request with the secret was made. It is the last of its call: what the backend keeps could be asked for in pieces.
    is_spent: Arc<AtomicBool>,
    /// What no reply may repeat.
    secrets: Vec<Secret>,
}

impl Hidden {
    /// These are used by the host alone.
    pub(in crate::plugin) fn withheld<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let secrets = secrets.into_iter().flat_map(|secret| {
            let bare = PREFIXES.iter().find_map(|prefix| secret.expose().strip_prefix(prefix));
            [Some(secret.clone()), bare.map(Secret::new)].into_iter().flatten()
        });
        Self { secrets: secrets.collect(), ..Self::default() }
    }

    /// The guest knows `reference`, and the backend gets `secret`.
    pub(in crate::plugin) fn behind(reference: &str, secret: &Secret) -> Self {
        Self { stand_in: Some((reference.to_owned(), secret.clone())), ..Self::withheld([secret]) }
    }

    /// Whether there is a reference that the guest may use.
    pub(in crate::plugin) fn has_stand_in(&self) -> bool {
        self.stand_in.is_some()
    }

    /// Whether the reference was used.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed)
    }

    /// What no reply may repeat.
    pub(in crate::plugin) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The body of a request that carries the sign-in, with the secret wherever its reference stood.
    pub(super) fn reveal(&self, body: Vec<u8>) -> Vec<u8> {
        let Some((reference, secret)) = &self.stand_in else {
            return body;
        };
        let places: Vec<usize> = memmem::find_iter(&body, reference).collect();
        if places.is_empty() {
            return body;
        }
        self.is_spent.store(true, Ordering::Relaxed);
        let mut whole = Vec::with_capacity(body.len() + places.len() * secret.expose().len());
        let mut from = 0;
        for place in places {
            whole.extend_from_slice(&body[from..place]);
            whole.extend_from_slice(secret.expose().as_bytes());
            from = place + reference.len();
        }
        whole.extend_from_slice(&body[from..]);
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_replaced_wherever_it_stands() {
        let hidden = Hidden::behind("ref-1", &Secret::new("whsec_abcdefgh"));
        let sent = |body: &[u8]| String::from_utf8(hidden.reveal(body.to_vec())).unwrap();
        assert_eq!(sent(b"ref-1 and ref-1"), "whsec_abcdefgh and whsec_abcdefgh");
        assert_eq!(sent(b"ref-2 ref-"), "ref-2 ref-");
        assert_eq!(Hidden::default().reveal(b"ref-1".to_vec()), b"ref-1");
    }

    #[test]
    fn a_secret_is_withheld_without_its_prefix_too() {
        let hidden = Hidden::withheld([&Secret::new("whsec_abcdefgh")]);
        let shown: Vec<&str> = hidden.secrets().iter().map(Secret::expose).collect();
        assert_eq!(shown, ["whsec_abcdefgh", "abcdefgh"]);
    }
}
