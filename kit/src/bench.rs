//! Where one check is done: a backend, and providers that speak to it, each through a proxy of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use orkee_core::id;
use orkee_core::net::{ApiUrl, Http};
use orkee_core::plugin::{Limits, Setup, WasmProvider};
use orkee_core::sync::provider::{
    Answer, Change, Cursor, Failure, Mutation, Outcome, Provider, ProviderError, Reply, Request, Revision,
    Stored,
};
use orkee_wire::{Envelope, EnvelopeHead};
use tempfile::TempDir;

use crate::candidate::{Candidate, Login, LoginForm, credentials};
use crate::finding::{Finding, Stop, told};
use crate::practice::{Options, Practice};
use crate::proxy::Proxy;
use crate::secrets::Secrets;

/// A page may lag; this long a change is waited for.
const LAG: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// A backend may be busy, such as with a turn that somebody did not end; this long it is asked again.
const BUSY: Duration = Duration::from_secs(120);
/// Between two attempts, unless it says that less will do.
const AGAIN: Duration = Duration::from_secs(1);
/// More pages than any listing here has.
const MAX_PAGES: usize = 20_000;

/// What all checks of a run share.
pub(crate) struct Surroundings<'a> {
    pub(crate) candidate: &'a Candidate,
    /// None: a practice backend, a new one for each check.
    pub(crate) backend: Option<ApiUrl>,
    pub(crate) login: Option<Login>,
    pub(crate) http: Http,
    pub(crate) secrets: Arc<Secrets>,
}

/// A backend and who speaks to it.
pub(crate) struct Bench<'a> {
    around: &'a Surroundings<'a>,
    backend: ApiUrl,
    practice: Option<Practice>,
    states: TempDir,
}

/// A provider with a memory and a proxy of its own: a device.
pub(crate) struct Client {
    /// Its memory is kept under this.
    name: String,
    pub(crate) provider: WasmProvider,
    pub(crate) proxy: Arc<Proxy>,
    secrets: Arc<Secrets>,
}

/// A record as a check knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) revision: Revision,
    pub(crate) envelope: Vec<u8>,
}

/// What a listing brought.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each page's changes, and the cursor that goes on behind it.
    pub(crate) pages: Vec<(Vec<Change>, Cursor)>,
}

impl Listing {
    /// The changes, in their order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.pages.iter().flat_map(|(changes, _)| changes)
    }

    /// Each record as it was listed last.
    pub(crate) fn records(&self) -> BTreeMap<&str, &Stored> {
        self.changes().map(|change| (change.id.as_str(), &change.stored)).collect()
    }

    /// Where the next one goes on.
    pub(crate) fn cursor(&self) -> Cursor {
        self.pages.last().map(|(_, cursor)| cursor.clone()).unwrap_or_default()
    }
}

impl<'a> Bench<'a> {
    pub(crate) async fn set_up(around: &'a Surroundings<'a>) -> Finding<Self> {
        let states = TempDir::new().map_err(unusable)?;
        let Some(backend) = &around.backend else {
            let is_token = around.candidate.login() == Some(LoginForm::Token);
            let token = around.login.as_ref().filter(|_| is_token);
            let options = Options { token: token.map(|login| login.secret().clone()), data: None };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let practice = Practice::start(address, options).await.map_err(unusable)?;
            let backend = ApiUrl::parse(practice.url()).map_err(unusable)?;
            return Ok(Self { around, backend, practice: Some(practice), states });
        };
        Ok(Self { around, backend: backend.clone(), practice: None, states })
    }

    /// The practice backend, for what only it can be told to do.
    pub(crate) fn practice(&self) -> Finding<&Practice> {
        let why = "only the practice backend can be told to do this";
        self.practice.as_ref().ok_or_else(|| Stop::NotChecked(why.to_owned()))
    }

    pub(crate) fn candidate(&self) -> &Candidate {
        self.around.candidate
    }

    pub(crate) fn is_signed_in(&self) -> bool {
        self.around.login.is_some()
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.around.secrets
    }

    /// A new device.
    pub(crate) async fn client(&self) -> Finding<Client> {
        let (http, secrets) = (self.around.http.clone(), Arc::clone(&self.around.secrets));
        let proxy = Proxy::start(self.backend.clone(), http, secrets).await.map_err(unusable)?;
        let name = format!("device-{}", id::random(8));
        self.open(name, Arc::new(proxy), self.candidate().limits.clone()).await
    }

    /// The same device, with a provider that may use no more than this.
    pub(crate) async fn client_again(&self, device: &Client, limits: Limits) -> Finding<Client> {
        self.open(device.name.clone(), Arc::clone(&device.proxy), limits).await
    }

    async fn open(&self, name: String, proxy: Arc<Proxy>, limits: Limits) -> Finding<Client> {
        let around = self.around;
        let secrets = Arc::clone(&around.secrets);
        let path = self.backend.to_string();
        let path = path.strip_prefix(&self.backend.origin().to_string()).unwrap_or_default();
        let api_url = ApiUrl::parse(&format!("{}{path}", proxy.origin())).map_err(unusable)?;
        let setup = Setup {
            tenant: Some(name.clone()),
            grants: around.candidate.grants(&api_url),
            api_url,
            limits,
            credentials: credentials(around.login.as_ref()),
            state_folder: self.states.path().to_owned(),
            settings: around.candidate.settings.clone(),
            http: around.http.clone(),
        };
        let opened = WasmProvider::open(&around.candidate.plugin, setup).await;
        let provider = opened
            .map_err(|error| Stop::failed("`describe` answers what the contract allows", told(&error)))?;
        Ok(Client { name, provider, proxy, secrets })
    }
}

/// The kit itself cannot work here, which is nobody's failure but has to be said.
fn unusable(error: impl std::error::Error) -> Stop {
    Stop::NotChecked(format!("the kit cannot work here: {}", told(&error)))
}

impl Client {
    /// One exchange, as it is.
    pub(crate) async fn exchange(&self, request: Request) -> Result<Answer, ProviderError> {
        let answered = self.provider.exchange(request).await;
        match &answered {
            Ok(answer) => self.look_at(answer),
            Err(error) => self.secrets.look("a failure's words", told(error).as_bytes()),
        }
        answered
    }

    fn look_at(&self, answer: &Answer) {
        let Answer::Page(reply) = answer else {
            return;
        };
        let look = |place, bytes: &[u8]| self.secrets.look(place, bytes);
        for change in &reply.changes {
            look("a change", change.stored.revision.0.as_bytes());
            look("a change", &change.stored.envelope);
        }
        let marks =
            format!("{:?} {:?} {:?} {:?}", reply.cursor, reply.written, reply.request_id, reply.outcomes);
        look("an answer", marks.as_bytes());
    }

    /// One exchange that has to end with a page, once the backend is no longer busy.
    pub(crate) async fn ask(&self, cursor: &Cursor, mutations: &[Mutation], limit: u32) -> Finding<Reply> {
        self.ask_for(BUSY, cursor, mutations, limit).await
    }

    async fn ask_for(
        &self,
        patience: Duration,
        cursor: &Cursor,
        mutations: &[Mutation],
        limit: u32,
    ) -> Finding<Reply> {
        let limit = limit.min(self.provider.limits().max_page);
        let begun = tokio::time::Instant::now();
        loop {
            let request = Request { cursor: cursor.clone(), mutations: mutations.to_vec(), limit };
            match self.exchange(request).await {
                Err(ProviderError { failure: Failure::Busy(wait), .. }) if begun.elapsed() < patience => {
                    tokio::time::sleep(wait.map_or(AGAIN, |wait| wait.min(AGAIN))).await;
                }
                answered => return page(answered),
            }
        }
    }

    /// A push alone.
    pub(crate) async fn push(&self, mutations: &[Mutation]) -> Finding<Vec<Outcome>> {
        Ok(self.ask(&Cursor::default(), mutations, 0).await?.outcomes)
    }

    /// Stores a new version of one record, which has to be accepted.
    pub(crate) async fn store(&self, mutation: Mutation) -> Finding<Record> {
        let outcomes = self.push(std::slice::from_ref(&mutation)).await?;
        let revision = accepted(&outcomes[0])?.clone();
        Ok(Record { id: mutation.id, revision, envelope: mutation.envelope })
    }

    /// Stores a new record.
    pub(crate) async fn create(&self, envelope: &[u8]) -> Finding<Record> {
        self.store(new(envelope)).await
    }

    /// Everything, from the start, in pages of `limit`.
    pub(crate) async fn list(&self, limit: u32) -> Finding<Listing> {
        self.list_from(&Cursor::default(), limit).await
    }

    /// As [`Client::list`], but a backend that is busy is a failure at once.
    pub(crate) async fn list_at_once(&self, limit: u32) -> Finding<Listing> {
        self.walk(Duration::ZERO, &Cursor::default(), limit).await
    }

    /// What changed since a cursor, as far as the backend says that there is more.
    pub(crate) async fn list_from(&self, cursor: &Cursor, limit: u32) -> Finding<Listing> {
        self.walk(BUSY, cursor, limit).await
    }

    async fn walk(&self, patience: Duration, cursor: &Cursor, limit: u32) -> Finding<Listing> {
        let (mut listing, mut cursor, mut seen) = (Listing::default(), cursor.clone(), BTreeSet::new());
        for _ in 0..MAX_PAGES {
            let reply = self.ask_for(patience, &cursor, &[], limit).await?;
            cursor = reply.cursor;
            listing.pages.push((reply.changes, cursor.clone()));
            if !reply.more {
                return Ok(listing);
            }
            let position = cursor.position.as_ref().map(|position| position.0.clone());
            if !seen.insert(position.clone()) {
                let found = format!("position {:?} came twice", position.unwrap_or_default());
                return Err(Stop::failed("every page moves the position on until `more` is false", found));
            }
        }
        Err(Stop::failed("a listing ends", format!("there was more after {MAX_PAGES} pages")))
    }

    /// Goes on from a cursor until everything that is `wanted` was listed. A page may lag, but not for ever.
    pub(crate) async fn follow(&self, cursor: &Cursor, limit: u32, wanted: &[&Record]) -> Finding<Listing> {
        let (mut all, mut cursor) = (Listing::default(), cursor.clone());
        let begun = tokio::time::Instant::now();
        loop {
            all.pages.extend(self.list_from(&cursor, limit).await?.pages);
            cursor = all.cursor();
            let missing = wanted.iter().find(|record| !all.changes().any(|change| record.is(change)));
            match missing {
                None => return Ok(all),
                Some(record) if begun.elapsed() > LAG => {
                    let found = format!("after {} s, {record} was not listed", LAG.as_secs());
                    return Err(Stop::failed("a change is on a page soon after it was accepted", found));
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

impl Record {
    /// Whether a change is this version.
    pub(crate) fn is(&self, change: &Change) -> bool {
        self.id == change.id && self.is_held(&change.stored)
    }

    pub(crate) fn is_held(&self, stored: &Stored) -> bool {
        self.revision == stored.revision && self.envelope == stored.envelope
    }

    /// A new version of it.
    pub(crate) fn update(&self, envelope: &[u8]) -> Mutation {
        Mutation { id: self.id.clone(), guard: Some(self.revision.clone()), envelope: envelope.to_vec() }
    }
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record {} in revision {}", self.id, self.revision.0)
    }
}

/// A record that there is not yet.
pub(crate) fn new(envelope: &[u8]) -> Mutation {
    Mutation { id: id::random(8), guard: None, envelope: envelope.to_vec() }
}

/// An envelope as any other, told from others by its words.
pub(crate) fn envelope(words: &str) -> Vec<u8> {
    sealed(Some(format!("{words} {}", id::random(12)).as_bytes()))
}

/// What a deleted record leaves behind.
pub(crate) fn tombstone() -> Vec<u8> {
    sealed(None)
}

/// A payload, or its absence, in an envelope as Orkee makes it: a backend may look at its first line, and leaves it as it is.
pub(crate) fn sealed(payload: Option<&[u8]>) -> Vec<u8> {
    let head = EnvelopeHead {
        v: EnvelopeHead::FORMAT,
        ancestry: [("kit".to_owned(), 1)].into(),
        device: "kit".to_owned(),
        at: "2026-01-02T03:04:05.000Z".to_owned(),
        author: None,
        deleted: payload.is_none(),
        seal: None,
    };
    Envelope { head, payload }.to_bytes()
}

/// The page that an exchange has to answer.
pub(crate) fn page(answered: Result<Answer, ProviderError>) -> Finding<Reply> {
    let expected = "a page";
    match answered {
        Ok(Answer::Page(reply)) => Ok(reply),
        Ok(Answer::Expired) => Err(Stop::failed(expected, "`expired`")),
        Ok(Answer::NewEpoch) => Err(Stop::failed(expected, "`new-epoch`")),
        Err(error) => Err(Stop::failed(expected, told(&error))),
    }
}

/// The revision of an outcome that has to be `accepted`.
pub(crate) fn accepted(outcome: &Outcome) -> Finding<&Revision> {
    match outcome {
        Outcome::Accepted(revision) => Ok(revision),
        other => Err(Stop::failed("`accepted`", said(other))),
    }
}

/// An outcome in a few words.
pub(crate) fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted(revision) => format!("`accepted` as {}", revision.0),
        Outcome::Conflict(None) => "`conflict` with nothing".to_owned(),
        Outcome::Conflict(Some(held)) => {
            format!("`conflict` with revision {}, {} bytes", held.revision.0, held.envelope.len())
        }
        Outcome::Rejected { reason, message } => format!("`rejected` ({reason:?}): {message}"),
    }
}
