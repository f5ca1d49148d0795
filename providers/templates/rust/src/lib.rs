//! What Orkee calls: the interface `provider` of the contract. What the backend wants to hear is in `backend.rs`.

mod backend;

use orkee_provider_sdk::{Answer, Description, Exchange, Failure, Limits, Provider, SignIn, export};

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

export!(MyProvider);
