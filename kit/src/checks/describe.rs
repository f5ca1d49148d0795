//! What a provider says of itself.

use orkee_core::sync::provider::Provider;

use crate::bench::Bench;
use crate::finding::{Finding, ensure};

pub(super) async fn describe(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let requests = client.proxy.count();
    ensure(requests == 0, "no request", || format!("{requests} requests"))?;
    let said = client.provider.description();
    ensure(!said.name.is_empty(), "a name for people", || "an empty name".to_owned())?;
    ensure(!said.version.is_empty(), "a version", || "an empty version".to_owned())?;
    let limits = client.provider.limits();
    ensure(
        limits.max_bytes <= bench.candidate().limits.memory / 2,
        "a batch of `max-bytes` fits into the memory of a call with room to spare",
        || format!("max-bytes is {}, the memory {}", limits.max_bytes, bench.candidate().limits.memory),
    )?;
    let Some(manifest) = &bench.candidate().manifest else {
        return Ok(());
    };
    ensure(said.id == manifest.name.as_str(), "`id` and the manifest's `name` are the same", || {
        format!("`id` is `{}`, the manifest's name `{}`", said.id, manifest.name)
    })?;
    ensure(said.version == manifest.version, "`version` and the manifest's `version` are the same", || {
        format!("`version` is `{}`, the manifest's `{}`", said.version, manifest.version)
    })?;
    let in_words = |needs| if needs { "it needs one" } else { "it needs none" };
    ensure(
        said.needs_sign_in == manifest.login.is_some(),
        "`sign-in` and the manifest's `[login]` say the same",
        || {
            format!(
                "`sign-in` says that {}, the manifest that {}",
                in_words(said.needs_sign_in),
                in_words(manifest.login.is_some())
            )
        },
    )
}
