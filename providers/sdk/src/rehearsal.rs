//! A host for unit tests: it answers requests with a function of the test's, and has options and a memory.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::Response;
use crate::contract::dispatcher::orkee::sync::signer;
use crate::contract::orkee::sync::credentials::Credential;
use crate::contract::orkee::sync::{http, log, state};

pub use http::{Error, Request as Sent};

type Signer = Box<dyn FnMut(&str, &[u8]) -> Option<Vec<u8>>>;
type Backend = Box<dyn FnMut(&Sent) -> Result<Response, Error>>;

/// What the provider under test finds around it. It is there while [`Rehearsal::run`] runs, on that thread.
///
/// ```
/// use orkee_provider_sdk::rehearsal::Rehearsal;
/// use orkee_provider_sdk::{Request, Response, required};
///
/// let rehearsal = Rehearsal::new().option("bucket", "b").backend(|sent| {
///     Ok(Response { status: 200, headers: vec![], body: sent.url.clone().into_bytes() })
/// });
/// let reply = rehearsal.run(|| Request::get(format!("/{}", required("bucket")?)).send());
/// assert_eq!(reply.unwrap().body, b"/b");
/// ```
#[derive(Default)]
pub struct Rehearsal {
    backend: Option<Backend>,
    signer: Option<Signer>,
    options: HashMap<String, String>,
    memory: HashMap<String, Vec<u8>>,
    log: Vec<String>,
}

thread_local! {
    static UNDER_WAY: RefCell<Rehearsal> = RefCell::default();
}

impl Rehearsal {
    /// Nothing is set, and nobody answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Answers the requests.
    #[must_use]
    pub fn backend(mut self, backend: impl FnMut(&Sent) -> Result<Response, Error> + 'static) -> Self {
        self.backend = Some(Box::new(backend));
        self
    }

    /// Signs a dispatcher's messages: it is given the key's name and the message, and answers None for a key that the delivery does not have.
    #[must_use]
    pub fn signer(mut self, signer: impl FnMut(&str, &[u8]) -> Option<Vec<u8>> + 'static) -> Self {
        self.signer = Some(Box::new(signer));
        self
    }

    /// Runs a call of the provider.
    pub fn run<T>(self, call: impl FnOnce() -> T) -> T {
        UNDER_WAY.set(self);
        let result = call();
        UNDER_WAY.take();
        result
    }

    /// The lines that were logged since `run` began.
    pub fn logged() -> Vec<String> {
        UNDER_WAY.with_borrow(|now| now.log.clone())
    }
}

pub(crate) fn send(request: &http::Request) -> Result<http::Response, Error> {
    let nobody = || Err(Error::Unreachable("nobody answers in this rehearsal".to_owned()));
    // The function is taken out while it answers: it may itself use what the rehearsal offers.
    let Some(mut backend) = UNDER_WAY.with_borrow_mut(|now| now.backend.take()) else {
        return nobody();
    };
    let reply = backend(request);
    UNDER_WAY.with_borrow_mut(|now| now.backend = Some(backend));
    reply.map(|reply| http::Response { status: reply.status, headers: reply.headers, body: reply.body })
}

pub(crate) fn send_all(requests: &[http::Request]) -> Vec<Result<http::Response, Error>> {
    requests.iter().map(send).collect()
}

pub(crate) fn sign(key: &str, message: &[u8]) -> Result<Vec<u8>, signer::Error> {
    let mut signer = UNDER_WAY.with_borrow_mut(|now| now.signer.take());
    let signature = signer.as_mut().and_then(|sign| sign(key, message));
    UNDER_WAY.with_borrow_mut(|now| now.signer = signer);
    signature.ok_or(signer::Error::UnknownKey)
}

/// In a rehearsal somebody is signed in.
pub fn credentials() -> Vec<Credential> {
    let audience = "https://rehearsal.example".to_owned();
    vec![Credential { name: "login".to_owned(), audience, signed_in: true }]
}

pub(crate) fn setting(name: &str) -> Option<String> {
    UNDER_WAY.with_borrow(|now| now.options.get(name).cloned())
}

pub(crate) fn state_get(key: &str) -> Option<Vec<u8>> {
    UNDER_WAY.with_borrow(|now| now.memory.get(key).cloned())
}

pub(crate) fn state_set(key: &str, value: &[u8]) -> Result<(), state::Error> {
    UNDER_WAY.with_borrow_mut(|now| now.memory.insert(key.to_owned(), value.to_vec()));
    Ok(())
}

pub(crate) fn state_delete(key: &str) -> Result<(), state::Error> {
    UNDER_WAY.with_borrow_mut(|now| now.memory.remove(key));
    Ok(())
}

pub(crate) fn write(_level: log::Level, message: &str) {
    UNDER_WAY.with_borrow_mut(|now| now.log.push(message.to_owned()));
}
