//! `orkee-native EXPORT`: runs the code of the `orkee-cloud` provider natively over the projects of an export, in the batches of a
//! sync, with a host that answers at once. Prints the time of a first upload and of a second device's download, in microseconds.

use std::error::Error;
use std::time::{Duration, Instant};

use orkee_provider_cloud_native::OrkeeCloud;
use orkee_provider_sdk::rehearsal::Rehearsal;
use orkee_provider_sdk::{Answer, Cursor, Exchange, Mutation, Provider, Response};
use orkee_wire::{Change, Outcome, SYNC_MEDIA_TYPE, SyncReply};
use serde_json::Value;

/// Records of one push, as the engine cuts them.
const PUSH: usize = 420;
/// Records of one page.
const PAGE: usize = 500;
const REPEATS: usize = 5;

type Record = (String, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: orkee-native EXPORT")?;
    let records = read(&std::fs::read(path)?)?;
    let upload = least(|| calls(records.chunks(PUSH), push))?;
    let download = least(|| calls(records.chunks(PAGE), page))?;
    println!("upload_us={} download_us={}", upload.as_micros(), download.as_micros());
    Ok(())
}

fn read(export: &[u8]) -> Result<Vec<Record>, Box<dyn Error>> {
    let export: Value = serde_json::from_slice(export)?;
    let projects = export["projects"].as_array().ok_or("the export has no projects")?;
    let record = |project: &Value| {
        let id = project["id"].as_str().ok_or("a project has no id")?;
        Ok((id.to_owned(), serde_json::to_vec(project)?))
    };
    projects.iter().map(record).collect()
}

fn least(mut run: impl FnMut() -> Result<Duration, Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut least = run()?;
    for _ in 1..REPEATS {
        least = least.min(run()?);
    }
    Ok(least)
}

/// One call for each batch, and what all of them took together. What a call is given and answered is made beforehand.
fn calls<'a>(
    batches: impl Iterator<Item = &'a [Record]>,
    made: impl Fn(&[Record]) -> Result<(Exchange, Vec<u8>), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let mut spent = Duration::ZERO;
    for batch in batches {
        let (exchange, body) = made(batch)?;
        let mut body = Some(body);
        let headers = vec![("content-type".to_owned(), SYNC_MEDIA_TYPE.to_owned())];
        let rehearsal = Rehearsal::new().backend(move |_| {
            let body = body.take().unwrap_or_default();
            Ok(Response { status: 200, headers: headers.clone(), body })
        });
        let answered = rehearsal.run(|| {
            let begun = Instant::now();
            let answered = OrkeeCloud::exchange(exchange);
            spent += begun.elapsed();
            answered
        });
        match answered {
            Ok(Answer::Page(_)) => {}
            other => return Err(format!("the provider answered {other:?}").into()),
        }
    }
    Ok(spent)
}

fn push(batch: &[Record]) -> Result<(Exchange, Vec<u8>), Box<dyn Error>> {
    let mutation = |(id, envelope): &Record| Mutation {
        id: id.clone(),
        guard: None,
        envelope: envelope.clone(),
        tombstone: false,
    };
    let exchange = exchange(batch.iter().map(mutation).collect(), 0);
    let accepted = |(n, _)| Outcome::Accepted { revision: format!("{n}") };
    let reply = reply(batch.iter().enumerate().map(accepted).collect(), Vec::new());
    Ok((exchange, orkee_wire::join(&reply, std::iter::empty::<&[u8]>())?))
}

fn page(batch: &[Record]) -> Result<(Exchange, Vec<u8>), Box<dyn Error>> {
    let change = |(n, (id, envelope)): (usize, &Record)| Change {
        id: id.clone(),
        revision: format!("{n}"),
        len: envelope.len() as u64,
    };
    let reply = reply(Vec::new(), batch.iter().enumerate().map(change).collect());
    let body = orkee_wire::join(&reply, batch.iter().map(|(_, envelope)| envelope.as_slice()))?;
    Ok((exchange(Vec::new(), PAGE as u32), body))
}

fn exchange(mutations: Vec<Mutation>, limit: u32) -> Exchange {
    Exchange { cursor: Cursor { position: None, head: None }, mutations, limit }
}

fn reply(outcomes: Vec<Outcome>, changes: Vec<Change>) -> SyncReply {
    let cursor = orkee_wire::Cursor { position: Some("1".to_owned()), head: None };
    SyncReply { outcomes, changes, cursor, more: false, written: None }
}
