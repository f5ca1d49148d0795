//! Whether a store honours conditions. One that ignores them would lose what devices write at the same time.

use orkee_provider_sdk::Failure;

use crate::store::{Guard, Put, Store, Written};

const IGNORES: &str = "this store ignores conditions (If-Match, If-None-Match) on PUT, so that devices would overwrite \
                       each other's changes; it cannot be used";

/// Tries it on an object of its own, which is deleted again. Five requests: remember the result. A store that seems not to honour
/// them is tried once more: a request that reached it twice looks the same.
///
/// # Errors
///
/// [`Failure::Unsuitable`] with the reason, or what the store fails with.
pub fn probe<S: Store>(store: &mut S) -> Result<(), Failure> {
    match try_conditions(store) {
        Err(Failure::Unsuitable(_)) => try_conditions(store),
        tried => tried,
    }
}

fn try_conditions<S: Store>(store: &mut S) -> Result<(), Failure> {
    let key = format!("probe/{}", store.nonce());
    let result = conditions(store, &key);
    let deleted = store.delete(std::slice::from_ref(&key));
    result.and(deleted)
}

fn conditions<S: Store>(store: &mut S, key: &str) -> Result<(), Failure> {
    let Written::Stored { etag, .. } = put(store, key, Guard::Absent, "1")? else {
        return Err(Failure::Unsuitable(
            "this store refuses a new object on the condition that there is none (If-None-Match: *)"
                .to_owned(),
        ));
    };
    let refused = |written| match written {
        Written::Refused => Ok(()),
        Written::Stored { .. } | Written::Rejected(_) => Err(Failure::Unsuitable(IGNORES.to_owned())),
    };
    refused(put(store, key, Guard::Absent, "2")?)?;
    refused(put(store, key, Guard::Match("\"00000000000000000000000000000000\"".to_owned()), "3")?)?;
    match put(store, key, Guard::Match(etag), "4")? {
        Written::Stored { .. } => Ok(()),
        Written::Refused | Written::Rejected(_) => Err(Failure::Unsuitable(
            "this store refuses a change on the condition that holds (If-Match with the object's own ETag)"
                .to_owned(),
        )),
    }
}

fn put<S: Store>(store: &mut S, key: &str, guard: Guard, body: &str) -> Result<Written, Failure> {
    let put = Put { key: key.to_owned(), guard, body: body.as_bytes().to_vec() };
    let written = store.put(vec![put]).into_iter().next();
    written.unwrap_or_else(|| Err(Failure::Protocol("the store did not answer".to_owned())))
}
