//! Bytes of every kind, and as many of them as a provider says it takes.

use orkee_core::sync::provider::{Failure, Limits, Mutation, Outcome, Provider, RejectReason, Request};

use crate::bench::{Bench, Client, Record, accepted, envelope, new, page, said, sealed};
use crate::finding::{Finding, Stop, ensure, told};

/// Of a batch of many records, each.
const SMALL: u64 = 512;
/// More than a provider may receive at once.
const HEAVY: u64 = 24 << 20;
/// Of one envelope here, however much a provider takes.
const LARGEST: u64 = 4 << 20;
const PAGE: u32 = 100;

/// Bytes that no compression makes smaller, the same for the same seed.
fn noise(len: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(usize::try_from(len).unwrap_or(usize::MAX)).collect()
}

/// An envelope of so many bytes.
fn large(len: u64, seed: u64) -> Vec<u8> {
    let head = sealed(Some(b"x")).len() as u64 - 1;
    sealed(Some(&noise(len.saturating_sub(head).max(1), seed)))
}

/// These records have to be in a full listing, with their bytes.
async fn are_held(bench: &Bench<'_>, records: &[Record], limit: u32) -> Finding {
    let listing = bench.client().await?.list(limit).await?;
    let listed = listing.records();
    for record in records {
        let expected = format!("{record} comes back with its {} bytes", record.envelope.len());
        let held = listed.get(record.id.as_str());
        ensure(held.is_some_and(|held| record.is_held(held)), &expected, || match held {
            None => "it is not listed".to_owned(),
            Some(held) => {
                format!("revision {} with {}", held.revision.0, difference(&record.envelope, &held.envelope))
            }
        })?;
    }
    Ok(())
}

/// Where two envelopes part.
fn difference(stored: &[u8], returned: &[u8]) -> String {
    match stored.iter().zip(returned).position(|(a, b)| a != b) {
        Some(at) => format!("byte {at} being {:#04x}, not {:#04x}", returned[at], stored[at]),
        None if stored.len() == returned.len() => "the same bytes".to_owned(),
        None => format!("{} bytes", returned.len()),
    }
}

pub(super) async fn bytes(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let all: Vec<u8> = (0..=255).collect();
    let payloads = [
        all.as_slice(),
        b"\n",
        b"\0",
        b"  blanks around \r\n\r\n",
        b"\xef\xbb\xbfbom",
        b"\xff\xfe\x80 no text",
        b"\"quoted\\\" <&>%41+",
        &noise(1000, 7),
    ];
    let mut records = Vec::new();
    for payload in payloads {
        records.push(client.create(&sealed(Some(payload))).await?);
    }
    // Orkee sends no such envelopes. Who does not take them says so; who does keeps them.
    for odd in [&b""[..], b"\n", &all] {
        let mutation = new(odd);
        let outcome = client.push(std::slice::from_ref(&mutation)).await?.remove(0);
        if !matches!(outcome, Outcome::Rejected { reason: RejectReason::Invalid, .. }) {
            let revision = accepted(&outcome)?.clone();
            records.push(Record { id: mutation.id, revision, envelope: mutation.envelope });
        }
    }
    are_held(bench, &records, PAGE).await?;
    for record in &records {
        let outcomes = client.push(&[Mutation { guard: None, ..record.update(&envelope("other")) }]).await?;
        let right = matches!(&outcomes[0], Outcome::Conflict(Some(held)) if record.is_held(held));
        ensure(right, "`conflict` with the bytes that were stored", || match &outcomes[0] {
            Outcome::Conflict(Some(held)) => difference(&record.envelope, &held.envelope),
            other => said(other),
        })?;
    }
    Ok(())
}

pub(super) async fn record_largest(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let record = client.create(&large(client.provider.limits().max_record_bytes, 1)).await?;
    are_held(bench, &[record], PAGE).await
}

pub(super) async fn record_too_large(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let Limits { max_record_bytes, max_mutations, .. } = client.provider.limits();
    let mut batch = vec![new(&large(max_record_bytes + 1, 2)), new(&envelope("small"))];
    batch.truncate(max_mutations as usize);
    let answered = client.exchange(Request { mutations: batch.clone(), ..Request::default() }).await;
    let outcomes = match answered {
        Err(error) if error.failure == Failure::TooLarge => Vec::new(),
        answered => page(answered)?.outcomes,
    };
    let expected = "`rejected` with `too-large`, or the failure `too-large`";
    match outcomes.first() {
        None | Some(Outcome::Accepted(_) | Outcome::Rejected { reason: RejectReason::TooLarge, .. }) => {}
        Some(other) => return Err(Stop::failed(expected, said(other))),
    }
    let told = batch.into_iter().zip(&outcomes).skip(1);
    let mut held = Vec::new();
    for (mutation, outcome) in told {
        let revision = accepted(outcome)?.clone();
        held.push(Record { id: mutation.id, revision, envelope: mutation.envelope });
    }
    are_held(bench, &held, PAGE).await
}

/// A batch of new records that has to be accepted as a whole.
async fn carried_out(bench: &Bench<'_>, client: &Client, batch: Vec<Mutation>) -> Finding {
    let answered = client.exchange(Request { mutations: batch.clone(), ..Request::default() }).await;
    let total: usize = batch.iter().map(|mutation| mutation.envelope.len()).sum();
    let expected = format!("{} records with {total} bytes are accepted in one exchange", batch.len());
    let reply = match answered {
        Err(error) => return Err(Stop::failed(expected, told(&error))),
        answered => page(answered)?,
    };
    let mut records = Vec::new();
    for (mutation, outcome) in batch.into_iter().zip(&reply.outcomes) {
        let revision = accepted(outcome)?.clone();
        records.push(Record { id: mutation.id, revision, envelope: mutation.envelope });
    }
    are_held(bench, &records, PAGE).await
}

pub(super) async fn batch_many(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let Limits { max_mutations, max_bytes, max_record_bytes, .. } = client.provider.limits();
    let each = SMALL.min(max_record_bytes);
    let count = u64::from(max_mutations).min(max_bytes / each).max(1);
    let batch = (0..count).map(|n| new(&large(each, n))).collect();
    carried_out(bench, &client, batch).await
}

pub(super) async fn batch_heavy(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let Limits { max_mutations, max_bytes, max_record_bytes, .. } = client.provider.limits();
    let count = max_bytes.div_ceil(max_record_bytes).clamp(1, max_mutations.into());
    let each = (max_bytes / count).min(max_record_bytes);
    let batch = (0..count).map(|n| new(&large(each, n))).collect();
    carried_out(bench, &client, batch).await
}

pub(super) async fn page_heavy(bench: &Bench<'_>) -> Finding {
    let client = bench.client().await?;
    let Limits { max_bytes, max_record_bytes, max_page, .. } = client.provider.limits();
    let each = LARGEST.min(max_record_bytes).min(max_bytes);
    let count = (HEAVY / each).min(200);
    let mut records = Vec::new();
    for n in 0..count {
        records.push(client.create(&large(each, n)).await?);
    }
    are_held(bench, &records, max_page).await
}
