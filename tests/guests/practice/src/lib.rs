//! A provider of the practice backend that keeps the contract, unless its setting `fault` names a way to break it. The checks of
//! `provider test` have to find each of them.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "package test:practice; world guest { include orkee:sync/sync-provider@1.0.0; export orkee:sync/watch@1.0.0; }",
    generate_all,
});

mod changes;
mod faults;
mod memory;
mod records;
mod watching;
mod wire;

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use exports::orkee::sync::watch;
use faults::Fault;
use orkee::sync::state;
use orkee::sync::types::{Answer, Cursor, Failure, Head, Reply, Request, Span};

struct Practice;

impl Guest for Practice {
    fn describe() -> Description {
        let fault = Fault::set();
        if fault == Fault::DescribeAsks {
            // The host sends nothing for it here.
            wire::get("/changes?limit=0", None).expect("what the backend takes");
        }
        let max_mutations = if fault == Fault::ManyCalls { 2000 } else { 100 };
        let max_bytes = if fault == Fault::HeavyBatch { 16 << 20 } else { 4 << 20 };
        Description {
            id: "practice".to_owned(),
            name: "Practice".to_owned(),
            version: "1".to_owned(),
            sign_in: SignIn::Login,
            limits: Limits { max_mutations, max_bytes, max_record_bytes: 1 << 20, max_page: 500 },
        }
    }

    fn exchange(request: Request) -> Result<Answer, Failure> {
        let answered = exchange(request, Fault::set());
        if Fault::set() == Fault::ReadsMemory {
            memory::look();
        }
        match answered {
            Err(Refused::Expired) => Ok(Answer::Expired),
            Err(Refused::NewEpoch) => Ok(Answer::NewEpoch),
            Err(Refused::Failed(failure)) => Err(failure),
            Ok(reply) => Ok(Answer::Page(reply)),
        }
    }
}

impl watch::Guest for Practice {
    fn wait(cursor: Cursor, wait_ms: u32) -> Result<bool, Failure> {
        watching::wait(&cursor, wait_ms, Fault::set())
    }
}

export!(Practice);

/// Why there is no page.
pub(crate) enum Refused {
    Expired,
    NewEpoch,
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

fn exchange(request: Request, fault: Fault) -> Result<Reply, Refused> {
    if fault == Fault::Sulks && state::get("sulks").is_some() {
        return Err(Failure::Protocol("it failed before".to_owned()).into());
    }
    let Request { cursor, mutations, limit } = request;
    let head = if fault == Fault::NoHead { None } else { cursor.head.clone() };
    let first = |fault: Fault| matches!(fault, Fault::WritesFirst | Fault::ListsOwn);
    let mut written = None;
    if first(fault) {
        written = Some(records::put(&mutations, head.as_ref(), fault)?);
    }
    let listed = match limit {
        0 => None,
        limit => Some(changes::list(&cursor, head.as_ref(), limit, fault)?),
    };
    let written = match written {
        Some(written) => written,
        None => records::put(&mutations, head.as_ref(), fault)?,
    };
    let mut heads: Vec<Head> = cursor.head.into_iter().chain(written.head).collect();
    let (mut changes, position, more) = match listed {
        Some(page) => {
            heads.push(page.head);
            (page.changes, Some(page.position), page.more)
        }
        None if fault == Fault::PushMoves => (Vec::new(), Some("1".to_owned()), false),
        None => (Vec::new(), cursor.position.clone(), false),
    };
    if fault == Fault::WritesFirst {
        let own = |id: &str| mutations.iter().any(|mutation| mutation.id == id);
        changes.retain(|change| !own(&change.id));
    }
    let span = span(position.as_deref().filter(|_| !more), &written.commits);
    let span = match fault {
        Fault::WrittenLies => written.commits.iter().max().and_then(|last| {
            Some(Span { after: position.clone()?, until: last.to_string() })
        }),
        Fault::WritesFirst | Fault::ListsOwn => None,
        _ => span,
    };
    let mut head = heads.into_iter().max_by_key(|head| head.number);
    if let (Fault::HeadFalls, Some(head)) = (fault, &mut head) {
        head.number = 1_000_000 - head.number;
    }
    let mut outcomes = written.outcomes;
    if fault == Fault::OutcomesReversed {
        outcomes.reverse();
    }
    Ok(Reply { outcomes, changes, cursor: Cursor { position, head }, more, written: span, request_id: None })
}

/// If the commits follow the position without a gap, nobody else wrote in between.
fn span(position: Option<&str>, commits: &[u64]) -> Option<Span> {
    let after: u64 = position?.parse().ok()?;
    let (mut sorted, mut until) = (commits.to_vec(), after);
    sorted.sort_unstable();
    for commit in sorted {
        if commit != until + 1 {
            return None;
        }
        until = commit;
    }
    (until > after).then(|| Span { after: after.to_string(), until: until.to_string() })
}
