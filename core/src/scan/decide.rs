//! What a repository that was found is to the store.
//!
//! A folder that is a project's on this device is known. Else the remote decides, in any form of its URL: if a project has it and no
//! folder here, this is its folder; if all that have it have one, this is a further checkout, which is told and left, since two
//! projects of one repository are rarely meant (`projects add` makes one all the same). Of several checkouts of a new repository the
//! first becomes the project, and a repository's own folder goes before its further worktrees.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Repository, project};
use crate::project::{GitRepository, InvalidField, ProjectId, Rule};
use crate::store::Place;

/// What each repository would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// By path.
    pub entries: Vec<Entry>,
    /// Repositories of this scan that several projects have.
    pub twins: Vec<Twins>,
}

/// A repository that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its folder.
    pub path: PathBuf,
    /// Its remote.
    pub repository: Option<GitRepository>,
    /// What it would become.
    pub decision: Decision,
}

/// What a repository would become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A new project of this name.
    Add {
        /// The folder's name.
        name: String,
    },
    /// The folder of a project that has none on this device.
    Locate {
        /// The project.
        id: ProjectId,
        /// Its name.
        name: String,
    },
    /// Nothing: it is the folder of these projects.
    Known(Vec<ProjectId>),
    /// Nothing: these projects are in another folder of this device.
    Another(Vec<ProjectId>),
    /// Nothing: the same repository was found in this folder before.
    AnotherOf(PathBuf),
    /// Nothing: a project cannot be like that.
    Refused(InvalidField),
}

/// Projects of one repository, of which one may be too many: two devices may each have added it before they were in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twins {
    /// `host/owner/repo`
    pub place: String,
    /// The projects, by id, with their names.
    pub projects: Vec<(ProjectId, String)>,
}

pub(super) fn decide(places: &[Place], found: &[Repository]) -> Plan {
    let mut index = Index::of(places);
    let mut order: Vec<&Repository> = found.iter().collect();
    order.sort_by_key(|repository| repository.worktree_of.is_some());
    let mut entries: Vec<Entry> = order
        .into_iter()
        .map(|repository| Entry {
            path: repository.path.clone(),
            repository: repository.repository.clone(),
            decision: index.decide(repository),
        })
        .collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut met: Vec<String> = found.iter().filter_map(|one| one.repository.as_ref()?.place()).collect();
    met.sort();
    met.dedup();
    let several = met.into_iter().filter_map(|place| {
        let projects = index.by_place.get(&place).filter(|list| list.len() > 1)?;
        let projects = projects.iter().map(|one| (one.id, one.name.clone())).collect();
        Some(Twins { place, projects })
    });
    let twins = several.collect();
    Plan { entries, twins }
}

/// The projects by what a repository is compared with.
struct Index<'a> {
    by_folder: HashMap<PathBuf, Vec<ProjectId>>,
    by_place: HashMap<String, Vec<&'a Place>>,
    /// Projects that have no folder on this device, until this scan gives them one.
    homeless: Vec<ProjectId>,
    /// Where a repository that no project has was first met.
    first: HashMap<String, PathBuf>,
}

impl<'a> Index<'a> {
    fn of(places: &'a [Place]) -> Self {
        let mut index = Self {
            by_folder: HashMap::new(),
            by_place: HashMap::new(),
            homeless: Vec::new(),
            first: HashMap::new(),
        };
        for place in places {
            // A folder may have been named through a link.
            match place
                .folder()
                .and_then(|folder| folder.canonicalize().ok())
                .filter(|folder| folder.is_dir())
            {
                Some(folder) => index.by_folder.entry(folder).or_default().push(place.id),
                None => index.homeless.push(place.id),
            }
            if let Some(key) = place.repository.as_ref().and_then(GitRepository::place) {
                index.by_place.entry(key).or_default().push(place);
            }
        }
        index.homeless.sort();
        index
    }

    fn decide(&mut self, found: &Repository) -> Decision {
        if let Some(ids) = self.by_folder.get(&found.path) {
            return Decision::Known(ids.clone());
        }
        // A worktree without a remote is of the same repository as the folder that it belongs to.
        let main = found.worktree_of.as_deref().and_then(Path::parent);
        let key = match found.repository.as_ref().and_then(GitRepository::place) {
            Some(place) => place,
            None => main.unwrap_or(&found.path).to_string_lossy().into_owned(),
        };
        if let Some(projects) = self.by_place.get(&key) {
            let free = |place: &&&Place| self.homeless.binary_search(&place.id).is_ok();
            let mut free: Vec<&Place> = projects.iter().filter(free).copied().collect();
            free.sort_by_key(|place| !is_alike(place, &found.path));
            return match free.first() {
                Some(place) => {
                    let Place { id, name, .. } = *place;
                    self.homeless.retain(|one| one != id);
                    Decision::Locate { id: *id, name: name.clone() }
                }
                None => Decision::Another(projects.iter().map(|place| place.id).collect()),
            };
        }
        if let Some(ids) = main.and_then(|main| self.by_folder.get(main)) {
            return Decision::Another(ids.clone());
        }
        if let Some(path) = self.first.get(&key) {
            return Decision::AnotherOf(path.clone());
        }
        let decision = added(found);
        if matches!(decision, Decision::Add { .. }) {
            self.first.insert(key, found.path.clone());
        }
        decision
    }
}

/// Whether a project's folder had the same name where its author wrote it.
fn is_alike(place: &Place, folder: &Path) -> bool {
    let root = place.project_root.as_deref().map(Path::new);
    root.and_then(Path::file_name) == folder.file_name()
}

fn added(found: &Repository) -> Decision {
    let Some(path) = found.path.to_str() else {
        return Decision::Refused(InvalidField::new("projectRoot", Rule::Shape("UTF-8 text")));
    };
    let name = found.path.file_name().map_or(path.into(), |name| name.to_string_lossy());
    match project(name.clone().into_owned(), &found.path, found.repository.clone()).check() {
        Ok(()) => Decision::Add { name: name.into_owned() },
        Err(refused) => Decision::Refused(refused),
    }
}
