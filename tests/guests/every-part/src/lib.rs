//! Exports every interface of the contract, and calls every function that the host offers. A build of each published version is
//! kept below `tests/published/`.

wit_bindgen::generate!({ path: "../../../wit", world: "every-part" });

mod deliveries;
mod dispatch;
mod people;

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use orkee::sync::http::{self, Error};
use orkee::sync::types::{
    Answer, Change, Cursor, Failure, Head, Mutation, Outcome, RejectReason, Rejection, Reply, Request, Span, Stored,
};
use orkee::sync::{credentials, log, settings, signer, state};

struct EveryPart;

impl Guest for EveryPart {
    fn describe() -> Description {
        let limits = Limits { max_mutations: 100, max_bytes: 1 << 20, max_record_bytes: 1 << 20, max_page: 100 };
        Description {
            id: "every-part".into(),
            name: "Every part".into(),
            version: "1".into(),
            sign_in: SignIn::Login,
            limits,
        }
    }

    /// Answers with what the guard of the first mutation, or else the setting `say`, names.
    fn exchange(request: Request) -> Result<Answer, Failure> {
        match settings::get("say").unwrap_or_default().as_str() {
            "expired" => return Ok(Answer::Expired),
            "new-epoch" => return Ok(Answer::NewEpoch),
            "auth-required" => return Err(Failure::AuthRequired("no".into())),
            "forbidden" => return Err(Failure::Forbidden("no".into())),
            "busy" => return Err(Failure::Busy(Some(1500))),
            "http" => return Err(Failure::Http("no".into())),
            "protocol" => return Err(Failure::Protocol("no".into())),
            "backend" => return Err(Failure::Backend("no".into())),
            "too-large" => return Err(Failure::TooLarge("no".into())),
            "unsuitable" => return Err(Failure::Unsuitable("no".into())),
            "refused" => return Err(Failure::Refused("no".into())),
            _ => {}
        }
        let used = use_the_host().map_err(Failure::Backend)?;
        let position = if request.limit == 0 { request.cursor.position.clone() } else { Some(used) };
        let changes = match request.limit {
            0 => Vec::new(),
            _ => vec![Change { id: "aaaaaaaa".into(), revision: "r1".into(), envelope: b"{}\n".to_vec() }],
        };
        Ok(Answer::Page(Reply {
            outcomes: request.mutations.iter().map(outcome).collect(),
            changes,
            cursor: Cursor { position, head: Some(Head { number: 7, tag: "t".into() }) },
            more: false,
            written: Some(Span { after: "p0".into(), until: "p1".into() }),
            request_id: Some("of-the-guest".into()),
        }))
    }
}

fn outcome(mutation: &Mutation) -> Outcome {
    let Mutation { id, envelope, .. } = mutation;
    let rejected = |reason| Outcome::Rejected(Rejection { reason, message: "not this one".into() });
    match id.as_str() {
        "conflict" => Outcome::Conflict(Some(Stored { revision: "r9".into(), envelope: envelope.to_vec() })),
        "conflic0" => Outcome::Conflict(None),
        "toolarge" => rejected(RejectReason::TooLarge),
        "invalid0" => rejected(RejectReason::Invalid),
        "forbidde" => rejected(RejectReason::Forbidden),
        "other000" => rejected(RejectReason::Other),
        _ if mutation.tombstone => Outcome::Accepted("gone".into()),
        _ => Outcome::Accepted("r2".into()),
    }
}

/// Calls every function of the host, and says in a line what came.
fn use_the_host() -> Result<String, String> {
    for level in [log::Level::Error, log::Level::Warn, log::Level::Info, log::Level::Debug, log::Level::Trace] {
        log::write(level, "here");
    }
    let known = credentials::enumerate();
    let known: Vec<String> = known.iter().map(|c| format!("{} {}", c.name, c.signed_in)).collect();
    state::set("k", b"v").map_err(|error| format!("{error:?}"))?;
    let kept = state::get("k").ok_or("the state forgot")?;
    state::delete("k").map_err(|error| format!("{error:?}"))?;
    let one = http::send(&get("/one", Some("login")));
    let many = http::send_all(&[get("/two", None), get("/three", None)]);
    let said: Vec<String> = [one].into_iter().chain(many).map(said).collect::<Result<_, _>>()?;
    let unsigned = matches!(signer::sign("none", b"m"), Err(signer::Error::UnknownKey));
    Ok(format!("{} | {} | {} | {unsigned}", known.join(","), String::from_utf8_lossy(&kept), said.join(" ")))
}

fn get(url: &str, credential: Option<&str>) -> http::Request {
    http::Request {
        method: "GET".into(),
        url: url.into(),
        headers: vec![("accept".into(), "text/plain".into())],
        body: Vec::new(),
        credential: credential.map(Into::into),
        compress: false,
        timeout_ms: Some(10_000),
    }
}

fn said(reply: Result<http::Response, Error>) -> Result<String, String> {
    let reply = reply.map_err(|error| {
        match error {
            Error::Denied(why)
            | Error::Invalid(why)
            | Error::AuthRequired(why)
            | Error::Unreachable(why) => why,
            Error::Broken(why) => format!("broken: {why}"),
            Error::Timeout => "timeout".into(),
            Error::TooLarge(limit) => limit.to_string(),
            Error::Withheld => "withheld".into(),
        }
    })?;
    Ok(format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)))
}

export!(EveryPart);
