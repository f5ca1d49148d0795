//! The smallest provider there can be: it has nothing, stores nothing, and none of the optional parts.

wit_bindgen::generate!({ path: "../../../wit", world: "sync-provider" });

use exports::orkee::sync::provider::{Description, Guest, Limits, SignIn};
use orkee::sync::types::{Answer, Cursor, Failure, Outcome, RejectReason, Rejection, Reply, Request};

struct Plain;

/// What it calls itself, behind a mark: a test that packs it under another name writes that over it.
static ID: [u8; 80] =
    *b"orkee-test-id=plain                                                             ";

fn id() -> String {
    // Read where it stands, and not as it was when this was compiled.
    String::from_utf8_lossy(&std::hint::black_box(&ID)[14..]).trim_end().to_owned()
}

impl Guest for Plain {
    fn describe() -> Description {
        let limits = Limits { max_mutations: 10, max_bytes: 1 << 20, max_record_bytes: 1 << 20, max_page: 10 };
        Description {
            id: id(),
            name: "Plain".to_owned(),
            version: "1".to_owned(),
            sign_in: SignIn::None,
            limits,
        }
    }

    fn exchange(request: Request) -> Result<Answer, Failure> {
        let rejection = || Rejection { reason: RejectReason::Other, message: "nothing is stored here".to_owned() };
        let position = if request.limit == 0 { request.cursor.position } else { Some("end".to_owned()) };
        Ok(Answer::Page(Reply {
            outcomes: request.mutations.iter().map(|_| Outcome::Rejected(rejection())).collect(),
            changes: Vec::new(),
            cursor: Cursor { position, head: None },
            more: false,
            written: None,
            request_id: None,
        }))
    }
}

export!(Plain);
