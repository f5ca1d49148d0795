//! A run of the checks, and what it came to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orkee_core::diagnostic::{Diagnostic, Kind};
use orkee_core::net::{ApiUrl, Http, Secret};
use orkee_core::plugin::Description;
use orkee_core::sync::provider::{Cursor, Failure, ProviderError, Request};
use thiserror::Error;
use tracing::instrument::WithSubscriber;

use crate::bench::{Bench, Surroundings};
use crate::candidate::{Candidate, Login};
use crate::checks::{ALL, Check};
use crate::finding::{Finding, Stop};
use crate::logs::Listener;
use crate::obligations;
use crate::secrets::Secrets;

/// No check takes as long, even where each of its troubles leaves a turn behind that others have to wait out.
const CHECK_WITHIN: Duration = Duration::from_secs(1200);
/// Of what was expected or found, the part that is told.
const MAX_WORDS: usize = 500;

/// What is to be tried.
#[derive(Debug, Default)]
pub struct Plan {
    /// A backend that is running. None: the practice backend, which the provider then has to speak to.
    pub backend: Option<ApiUrl>,
    /// A login for that backend.
    pub login: Option<Secret>,
    /// The names of checks. Empty: all.
    pub only: Vec<String>,
}

/// A run that cannot begin.
#[derive(Debug, Error)]
pub enum PlanError {
    /// There is no check of this name.
    #[error("there is no check `{0}`")]
    NoSuchCheck(String),
    /// The backend is real, and so has to be the login.
    #[error("the provider needs a login for {0}")]
    NoLogin(ApiUrl),
    /// The backend does not take the login, so that nothing could be seen of the provider.
    #[error("the login for {backend} was refused")]
    LoginRefused {
        /// Where.
        backend: Box<ApiUrl>,
        /// In the provider's words.
        #[source]
        source: Box<ProviderError>,
    },
}

impl Diagnostic for PlanError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchCheck(_) => "E-KIT-007",
            Self::NoLogin(_) => "E-KIT-008",
            Self::LoginRefused { .. } => "E-KIT-009",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchCheck(_) => Kind::Usage,
            Self::NoLogin(_) | Self::LoginRefused { .. } => Kind::Auth,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchCheck(_) => {
                let names: Vec<_> = ALL.iter().map(|check| check.id).collect();
                format!("there are {}", names.join(", "))
            }
            Self::NoLogin(_) => "give it on standard input with `--login-from-stdin`".to_owned(),
            Self::LoginRefused { .. } => {
                "give one that is valid there; if it is, the provider does not send it as the backend wants it"
                    .to_owned()
            }
        })
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// Who the provider says it is, if it could say.
    pub provider: Option<Description>,
    /// The backend; none: the practice backend.
    pub backend: Option<ApiUrl>,
    /// In the order in which they were done.
    pub checked: Vec<Checked>,
}

/// What one check came to.
#[derive(Debug)]
pub struct Checked {
    /// Which.
    pub check: &'static Check,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The obligation held wherever it was tried.
    Passed,
    /// It is broken.
    Failed {
        /// What had to come.
        expected: String,
        /// What came.
        found: String,
    },
    /// It cannot be seen here whether it holds; why.
    NotChecked(String),
}

impl Report {
    /// Whether no check failed.
    pub fn is_good(&self) -> bool {
        self.failed().next().is_none()
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Checked> {
        self.checked.iter().filter(|checked| matches!(checked.verdict, Verdict::Failed { .. }))
    }
}

impl Checked {
    /// Where to read about it.
    pub fn read(&self) -> String {
        format!("{}#{}", obligations::PAGE, self.check.anchor)
    }
}

/// The check of this name.
pub fn check(id: &str) -> Result<&'static Check, PlanError> {
    ALL.iter().find(|check| check.id == id).ok_or_else(|| PlanError::NoSuchCheck(id.to_owned()))
}

/// Does the checks, one after the other; `progress` is told of each that ended.
pub async fn run(
    candidate: &Candidate,
    plan: Plan,
    http: Http,
    mut progress: impl FnMut(&Checked),
) -> Result<Report, PlanError> {
    for id in &plan.only {
        check(id)?;
    }
    let is_chosen = |check: &&Check| plan.only.is_empty() || plan.only.iter().any(|id| id == check.id);
    let chosen: Vec<&'static Check> = ALL.iter().filter(is_chosen).collect();
    let login = match (plan.login, &plan.backend) {
        (Some(secret), _) => Some(Login::given(secret)),
        (None, None) => candidate.login().map(Login::made_up),
        (None, Some(_)) => None,
    };
    let secrets = Arc::new(Secrets::new(login.iter().flat_map(Login::secrets)));
    let around =
        Surroundings { candidate, backend: plan.backend, login, http, secrets: Arc::clone(&secrets) };
    let work = async {
        let described = describe(&around).await;
        if let (Ok(description), Some(backend)) = (&described, &around.backend)
            && description.needs_sign_in
        {
            sign_in(&around, backend).await?;
        }
        let mut checked = Vec::new();
        for check in chosen {
            let begun = Instant::now();
            let ended = match &described {
                Ok(_) => tried(&around, check).await,
                Err(stop) if check.id == "describe" => Err(stop.clone()),
                Err(_) => Err(Stop::NotChecked("the provider cannot be opened".to_owned())),
            };
            let done = Checked { check, verdict: verdict(ended), took: begun.elapsed() };
            progress(&done);
            checked.push(done);
        }
        Ok(Report { provider: described.ok(), backend: around.backend.clone(), checked })
    };
    work.with_subscriber(Listener::dispatch(secrets)).await
}

async fn describe(around: &Surroundings<'_>) -> Finding<Description> {
    let client = Bench::set_up(around).await?.client().await?;
    Ok(client.provider.description().clone())
}

/// Sees whether the backend takes the login. What else may be wrong with either is for the checks to find.
async fn sign_in(around: &Surroundings<'_>, backend: &ApiUrl) -> Result<(), PlanError> {
    if around.login.is_none() {
        return Err(PlanError::NoLogin(backend.clone()));
    }
    let Ok(bench) = Bench::set_up(around).await else { return Ok(()) };
    let Ok(client) = bench.client().await else { return Ok(()) };
    let request = Request { cursor: Cursor::default(), mutations: Vec::new(), limit: 1 };
    match client.exchange(request).await {
        Err(source) if source.failure == Failure::Auth => {
            Err(PlanError::LoginRefused { backend: Box::new(backend.clone()), source: Box::new(source) })
        }
        _ => Ok(()),
    }
}

async fn tried(around: &Surroundings<'_>, check: &Check) -> Finding {
    let bench = Bench::set_up(around).await?;
    let ended = tokio::time::timeout(CHECK_WITHIN, check.run(&bench)).await;
    ended.unwrap_or_else(|_| {
        let minutes = CHECK_WITHIN.as_secs() / 60;
        Err(Stop::failed(format!("the check ends within {minutes} minutes"), "it did not"))
    })
}

fn verdict(ended: Finding) -> Verdict {
    match ended {
        Ok(()) => Verdict::Passed,
        Err(Stop::Failed { expected, found }) => {
            Verdict::Failed { expected: cut(&expected), found: cut(&found) }
        }
        Err(Stop::NotChecked(why)) => Verdict::NotChecked(cut(&why)),
    }
}

fn cut(words: &str) -> String {
    match words.char_indices().nth(MAX_WORDS) {
        Some((at, _)) => format!("{}…", &words[..at]),
        None => words.to_owned(),
    }
}
