//! A provider that breaks the rule which the setting `do` names. What it found out is the position of its answer.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "test:rogue/guest",
    inline: "package test:rogue; world guest { include orkee:sync/sync-provider@1.0.0; export orkee:sync/watch@1.0.0; }",
    generate_all,
});

mod canary;
mod flood;
mod litter;
mod network;

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use exports::orkee::sync::watch;
use orkee::sync::types::{
    Answer, Change, Cursor, Failure, Outcome, RejectReason, Rejection, Reply, Request, Stored,
};
use orkee::sync::{settings, state};

struct Rogue;

/// What it calls itself, behind a mark: a test that packs it under another name writes that over it.
static ID: [u8; 80] =
    *b"orkee-test-id=rogue                                                             ";

fn id() -> String {
    // Read where it stands, and not as it was when this was compiled.
    String::from_utf8_lossy(&std::hint::black_box(&ID)[14..]).trim_end().to_owned()
}

impl Guest for Rogue {
    fn describe() -> Description {
        let limits =
            Limits { max_mutations: 10, max_bytes: 1 << 20, max_record_bytes: 1 << 20, max_page: 10 };
        Description {
            id: id(),
            name: "Rogue\u{1b}[31m".to_owned(),
            version: "1".to_owned(),
            sign_in: SignIn::Login,
            limits,
        }
    }

    fn exchange(request: Request) -> Result<Answer, Failure> {
        let found = match setting("do").as_str() {
            "behave" => "behaved".to_owned(),
            "eat-memory" => flood::memory(),
            "spin" => flood::spin(),
            "sleep" => flood::sleep(),
            "call-the-host" => flood::host_calls(),
            "send-without-end" => flood::requests(),
            "log" => flood::log(),
            "log-a-little" => flood::log_a_little(),
            "write-to-stderr" => flood::stderr(),
            "fill-the-state" => flood::state(),
            "amplify" => flood::amplify(),
            "panic" => panic!("\u{1b}[31mred\u{7} alert\nand \u{202e}more"),
            "exit" => std::process::exit(3),
            "send" => network::send(),
            "send-twice" => format!("{} / {}", network::send(), network::send()),
            "send-all" => network::send_all(),
            "ask" => return network::ask(),
            "send-and-fail" => return network::send_and_fail(),
            "search-for-the-canary" => canary::search(),
            "litter" => litter::leave(),
            "remember" => remember(),
            "invent-outcomes" => return Ok(page(vec![Outcome::Accepted("r".to_owned())], Vec::new(), "1")),
            "invent-an-id" => return Ok(page(Vec::new(), vec![change("../../..")], "1")),
            "list-too-much" => {
                return Ok(page(Vec::new(), vec![change("aaaaaaaa"); request.limit as usize + 1], "1"));
            }
            "list-a-record-twice" => return Ok(page(Vec::new(), vec![change("aaaaaaaa"); 2], "1")),
            "return-a-huge-cursor" => return Ok(page(Vec::new(), Vec::new(), &"x".repeat(1 << 20))),
            "forget-outcomes" => return Ok(page(Vec::new(), Vec::new(), "1")),
            "answer-for-another-record" => return Ok(answer_for_another(&request)),
            "promise-more-and-stay" => return Ok(more(&request, request.cursor.position.as_deref().unwrap_or("1"))),
            "list-in-a-circle" => {
                let next = if request.cursor.position.as_deref() == Some("1") { "2" } else { "1" };
                return Ok(more(&request, next));
            }
            "list-without-end" => {
                let last: u64 = request.cursor.position.as_deref().and_then(|at| at.parse().ok()).unwrap_or(0);
                return Ok(more(&request, &(last + 1).to_string()));
            }

            "fail-in-colour" => return Err(Failure::Backend("\u{1b}[31mred\u{7}\nalert".to_owned())),
            "fail-at-length" => return Err(Failure::Refused(at_length())),
            "reject-at-length" => return Ok(reject(&request)),
            other => return Err(Failure::Backend(format!("there is no way of doing `{other}`"))),
        };
        Ok(page(Vec::new(), Vec::new(), &found))
    }
}

impl watch::Guest for Rogue {
    /// Does the same.
    fn wait(cursor: Cursor, _: u32) -> Result<bool, Failure> {
        Self::exchange(Request { cursor, mutations: Vec::new(), limit: 1 }).map(|_| true)
    }
}

fn setting(name: &str) -> String {
    settings::get(name).unwrap_or_default()
}

/// Tells what it was told last time, and keeps what it is told now.
fn remember() -> String {
    let before = state::get("memory").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let _ = state::set("memory", setting("memory").as_bytes());
    before.unwrap_or_else(|| "nothing".to_owned())
}

/// A page that goes on, with nothing or, by the setting `list`, always the same record.
fn more(request: &Request, position: &str) -> Answer {
    let rejection = || Rejection { reason: RejectReason::Other, message: "nothing is stored here".to_owned() };
    let outcomes = request.mutations.iter().map(|_| Outcome::Rejected(rejection())).collect();
    let changes = settings::get("list").map(|envelope| Change {
        id: "aaaaaaaa".to_owned(),
        revision: format!("r{position}"),
        envelope: envelope.into_bytes(),
    });
    Answer::Page(Reply { more: true, ..reply(outcomes, changes.into_iter().collect(), position) })
}

/// To each mutation a conflict, with what the mutation before it carried.
fn answer_for_another(request: &Request) -> Answer {
    let mut before = request.mutations.last().map(|mutation| mutation.envelope.clone()).unwrap_or_default();
    let outcomes = request.mutations.iter().map(|mutation| {
        let envelope = std::mem::replace(&mut before, mutation.envelope.clone());
        Outcome::Conflict(Some(Stored { revision: "theirs".to_owned(), envelope }))
    });
    page(outcomes.collect(), Vec::new(), "1")
}

/// A text that a terminal would obey, that turns the line round, and that is longer than any screen.
fn at_length() -> String {
    let evil = "evil \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{200b}\r\n\u{8}";
    evil.repeat(2000)
}

/// Takes nothing, and says why at length.
fn reject(request: &Request) -> Answer {
    let rejection = || Rejection { reason: RejectReason::Other, message: at_length() };
    let outcomes = request.mutations.iter().map(|_| Outcome::Rejected(rejection())).collect();
    let reply = reply(outcomes, Vec::new(), "1");
    Answer::Page(Reply { request_id: Some(at_length()), ..reply })
}

fn change(id: &str) -> Change {
    Change { id: id.to_owned(), revision: "r".to_owned(), envelope: vec![1] }
}

fn page(outcomes: Vec<Outcome>, changes: Vec<Change>, position: &str) -> Answer {
    Answer::Page(reply(outcomes, changes, position))
}

fn reply(outcomes: Vec<Outcome>, changes: Vec<Change>, position: &str) -> Reply {
    Reply {
        outcomes,
        changes,
        cursor: Cursor { position: Some(position.to_owned()), head: None },
        more: false,
        written: None,
        request_id: None,
    }
}

export!(Rogue);
