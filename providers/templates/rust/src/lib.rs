//! What Orkee calls: the interfaces `provider` and `watch` of the contract. What the backend wants to hear is in `backend.rs`.

mod backend;

use orkee_provider_sdk::watch::Watch;
use orkee_provider_sdk::{Answer, Cursor, Description, Exchange, Failure, Limits, Provider, SignIn, export};

struct MyProvider;

impl Provider for MyProvider {
    fn describe() -> Description {
        Description {
            id: env!("CARGO_PKG_NAME").into(),
            name: "My Provider".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            sign_in: SignIn::Login,
            limits: Limits {
                // A request for each, and Orkee allows a call 1000.
                max_mutations: 100,
                max_bytes: 4 << 20,
                max_record_bytes: 1 << 20,
                max_page: 500,
            },
        }
    }

    fn exchange(exchange: Exchange) -> Result<Answer, Failure> {
        backend::exchange(&exchange)
    }
}

/// Optional: without it, Orkee asks for changes now and then.
impl Watch for MyProvider {
    fn wait(cursor: Cursor, wait_ms: u32) -> Result<bool, Failure> {
        backend::wait(&cursor, wait_ms)
    }
}

export!(MyProvider: watch);
