//! Optional parts, where the provider has them, and the secret that nothing may repeat.

use std::collections::BTreeSet;

use orkee_core::plugin::PartError;

use crate::bench::{Bench, envelope};
use crate::finding::{Finding, Stop, ensure, told};

const MAX_PAGES: usize = 10_000;

/// What a part answered, if the provider has it.
fn part<T>(answered: Result<T, PartError>) -> Finding<T> {
    answered.map_err(|error| match error {
        PartError::Absent(_) => Stop::NotChecked("the provider does not have this part".to_owned()),
        PartError::Failed(error) => Stop::failed("an answer", told(&error)),
    })
}

pub(super) async fn account(bench: &Bench<'_>) -> Finding {
    let profile = part(bench.client().await?.provider.whoami().await)?;
    ensure(!profile.id.is_empty(), "an account's id", || "an empty one".to_owned())?;
    ensure(!profile.email.is_empty(), "an account's address", || "an empty one".to_owned())
}

pub(super) async fn listing(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    part(client.provider.browse(None, 1).await)?;
    let mut created = BTreeSet::new();
    for n in 0..3 {
        created.insert(client.create(&envelope(&format!("browsed {n}"))).await?.id);
    }
    let (mut seen, mut after) = (BTreeSet::new(), None);
    for _ in 0..MAX_PAGES {
        let page = part(client.provider.browse(after.as_deref(), 2).await)?;
        for entry in page.entries {
            let id = entry.id;
            ensure(!seen.contains(&id), "every record once", || format!("{id} twice"))?;
            seen.insert(id);
        }
        after = page.next;
        if after.is_none() {
            let missing = created.difference(&seen).count();
            return ensure(missing == 0, "every record", || format!("{missing} of 3 are missing"));
        }
    }
    Err(Stop::failed("a listing that ends", format!("more after {MAX_PAGES} pages")))
}

pub(super) async fn devices(bench: &Bench<'_>) -> Finding {
    let devices = part(bench.client().await?.provider.devices().await)?;
    let ids: BTreeSet<_> = devices.iter().map(|device| &device.id).collect();
    ensure(ids.len() == devices.len() && devices.iter().all(|d| !d.id.is_empty()), "different ids", || {
        format!("{} ids of {} devices", ids.len(), devices.len())
    })?;
    let current = devices.iter().filter(|device| device.current).count();
    ensure(current <= 1, "at most one device that asks", || format!("{current} of them"))
}

/// The last check: what all others brought to light.
pub(super) async fn secret(bench: &Bench<'_>) -> Finding {
    if !bench.is_signed_in() {
        return Err(Stop::NotChecked("there is no login".to_owned()));
    }
    let places = bench.secrets().places();
    ensure(places.is_empty(), "the login nowhere but where the host puts it", || places.join(", "))
}
