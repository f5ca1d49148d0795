//! Finding the git repositories below a folder, and making projects of them.
//!
//! Three steps, so that a person can be asked between them: [`walk`] looks at folders and changes nothing; [`plan`] says what each
//! repository would be to the store, a new project, the folder of a project that has none on this device, or nothing new;
//! [`carry_out`] does what was chosen, in one transaction, after another look at the store.

mod decide;
mod walk;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use decide::{Decision, Entry, Plan, Twins};
pub use walk::{Repository, SKIPPED, Unreadable, Walk, walk};

use crate::diagnostic::{Diagnostic, Kind};
use crate::project::{GitRepository, Project, ProjectId};
use crate::store::{Durability, Store, StoreError};

/// Folders are entered so many levels below the first, unless somebody asks for more or less.
pub const DEPTH: usize = 5;

/// A scan cannot begin.
#[derive(Debug, Error)]
#[error("cannot look into the folder {}", path.display())]
pub struct ScanError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Diagnostic for ScanError {
    fn code(&self) -> &'static str {
        "E-SCAN-001"
    }

    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("name a folder that is there and that you may read".to_owned())
    }
}

/// What became of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Its folder.
    pub path: PathBuf,
    /// The project that has it now.
    pub id: ProjectId,
    /// The project's name.
    pub name: String,
    /// Its remote.
    pub repository: Option<GitRepository>,
    /// Whether the project is new; else it was there without a folder on this device.
    pub is_new: bool,
}

/// What each repository that was found would be to the store.
pub fn plan(store: &Store, walk: &Walk) -> Result<Plan, StoreError> {
    Ok(decide::decide(&store.places()?, &walk.repositories))
}

/// Adds and locates the repositories in the folders that were chosen. What another process did since the plan was made counts: a
/// repository that is known by now is left.
pub fn carry_out(store: &mut Store, walk: &Walk, chosen: &HashSet<PathBuf>) -> Result<Vec<Done>, StoreError> {
    store.write(Durability::Full, |tx| {
        let mut done = Vec::new();
        for Entry { path, repository, decision } in decide::decide(&tx.places()?, &walk.repositories).entries
        {
            if !chosen.contains(&path) {
                continue;
            }
            let (id, name, is_new) = match decision {
                Decision::Add { name } => {
                    let project = project(name.clone(), &path, repository.clone());
                    (tx.add(project)?.id(), name, true)
                }
                Decision::Locate { id, name } => {
                    tx.locate(id, Some(&path))?;
                    (id, name, false)
                }
                _ => continue,
            };
            done.push(Done { path, id, name, repository, is_new });
        }
        Ok(done)
    })
}

/// The project of a repository in a folder, as `projects add` makes it.
fn project(name: String, folder: &Path, repository: Option<GitRepository>) -> Project {
    let mut project = Project::new(ProjectId::random(), name);
    project.project_root = folder.to_str().map(ToOwned::to_owned);
    project.git_repository = repository;
    project
}

#[cfg(test)]
mod tests;
