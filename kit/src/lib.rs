//! For authors of Orkee providers.
//!
//! [`practice`] is a backend of its own, small and strict, that a provider can be written against without an account anywhere. [`run`]
//! tries a provider, written in whatever language, against what `wit/README.md` asks of it: through the host that runs it for
//! users, with trouble on the way to its backend. Nothing here is part of syncing.

mod bench;
mod candidate;
mod checks;
mod finding;
mod logs;
pub mod obligations;
pub mod practice;
mod proxy;
mod run;
mod secrets;

pub use candidate::{Candidate, CandidateError};
pub use checks::{ALL, Check};
pub use run::{Checked, Plan, PlanError, Report, Verdict, check, run};
