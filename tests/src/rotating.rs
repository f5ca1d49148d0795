//! An authorization server, and its API, whose refresh tokens are good once. When one comes twice, the login is over.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::mock::{Answer, Mock, Request, tokens};

/// The refresh token that is good at first.
pub const FIRST: &str = "orkee_refresh_0";

/// The server at work.
pub struct Rotating {
    /// Itself.
    pub server: Mock,
    state: Arc<Mutex<State>>,
}

struct State {
    good: Option<String>,
    issued: usize,
    refreshes: usize,
}

impl State {
    fn new() -> Self {
        Self { good: Some(FIRST.to_owned()), issued: 0, refreshes: 0 }
    }

    fn refresh(&mut self, token: Option<String>) -> Answer {
        self.refreshes += 1;
        if token.is_none() || token != self.good {
            self.good = None;
            return invalid_grant();
        }
        self.issued += 1;
        self.good = Some(format!("orkee_refresh_{}", self.issued));
        Answer::json(200, &tokens(self.issued))
    }
}

impl Rotating {
    /// Starts it. The API takes the access tokens that begin with `orkee_access_`.
    pub fn start() -> Self {
        Self::start_but(|_| None)
    }

    /// The same, but for what `answer` decides otherwise.
    pub fn start_but(answer: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::new()));
        let shared = Arc::clone(&state);
        let server = Mock::authorization_server(move |request| {
            if let Some(answer) = answer(request) {
                return Some(answer);
            }
            match request.target.split('?').next().unwrap_or_default() {
                "/v1/projects" => {
                    let bearer = request.header("authorization").unwrap_or_default();
                    let good = bearer.starts_with("Bearer orkee_access_");
                    Some(if good { no_projects() } else { unauthorized() })
                }
                "/oauth/token" => Some(shared.lock().unwrap().refresh(request.field("refresh_token"))),
                _ => None,
            }
        });
        Self { server, state }
    }

    /// The refreshes that were asked for, since the beginning.
    pub fn refreshes(&self) -> usize {
        self.state.lock().unwrap().refreshes
    }

    /// Begins anew: the first refresh token is good again.
    pub fn begin_anew(&self) {
        *self.state.lock().unwrap() = State::new();
    }

    /// How often the API was asked with this token.
    pub fn uses_of(&self, token: &str) -> usize {
        let bearer = format!("Bearer {token}");
        let asked = self.server.requests();
        asked.iter().filter(|request| request.header("authorization") == Some(&bearer)).count()
    }
}

/// An empty listing.
pub fn no_projects() -> Answer {
    Answer::json(200, &json!({"projects": [], "next": null}))
}

/// The API's word for a token that is not good.
pub fn unauthorized() -> Answer {
    Answer::json(401, &json!({"error": {"code": "unauthorized", "message": "sign in", "request_id": "r"}}))
}

/// The token endpoint's word for a refresh token that is not good.
pub fn invalid_grant() -> Answer {
    Answer::json(400, &json!({"error": "invalid_grant"}))
}
