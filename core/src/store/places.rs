//! Where projects are: their folders on this device, and the repositories that their files come from.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::projects::parse_id;
use super::{Store, StoreError, Tx};
use crate::project::{GitRepository, ProjectId};

/// Where a project is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its folder as its author wrote it.
    pub project_root: Option<String>,
    /// This device's own folder for it.
    pub own_root: Option<PathBuf>,
    /// Where its code lives.
    pub repository: Option<GitRepository>,
}

impl Place {
    /// Its folder on this device: its own, else the author's.
    pub fn folder(&self) -> Option<&Path> {
        self.own_root.as_deref().or(self.project_root.as_deref().map(Path::new))
    }

    /// Whether it names a folder, and that one is not on this device.
    pub fn is_missing(&self) -> bool {
        self.folder().is_some_and(|folder| !folder.is_dir())
    }
}

/// A damaged payload, which SQLite would refuse for all, names no folder and no repository.
const PLACES: &str = "SELECT p.id, p.name, p.text ->> '$.projectRoot', own.path, p.text -> '$.gitRepository' \
                      FROM (SELECT rowid, id, name, iif(json_valid(payload), payload, '{}') AS text FROM records \
                            WHERE space = ? AND name IS NOT NULL) p \
                      LEFT JOIN roots own ON own.record = p.rowid ORDER BY p.id";

impl Store {
    /// Where all projects are, by id.
    pub fn places(&self) -> Result<Vec<Place>, StoreError> {
        places(&self.connection, self.space)
    }
}

impl Tx<'_> {
    /// Where all projects are, by id.
    pub fn places(&self) -> Result<Vec<Place>, StoreError> {
        places(self.connection(), self.space())
    }
}

fn places(connection: &Connection, space: i64) -> Result<Vec<Place>, StoreError> {
    let mut statement = connection.prepare_cached(PLACES)?;
    let mut rows = statement.query([space])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        // A field of a form that this version does not know is none.
        let text = |column| row.get::<_, Option<String>>(column).ok().flatten();
        places.push(Place {
            id: parse_id(row.get(0)?)?,
            name: row.get(1)?,
            project_root: text(2),
            own_root: row.get::<_, Option<String>>(3)?.map(PathBuf::from),
            repository: text(4).and_then(|text| serde_json::from_str(&text).ok()),
        });
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;
    use crate::store::Options;

    #[test]
    fn places_have_both_folders_and_the_repository_and_a_damaged_payload_has_none() {
        let mut store = Options::default().device("laptop").in_memory().unwrap();
        let add = |store: &mut Store, id: &str| {
            let mut project = Project::new(id.parse().unwrap(), id);
            project.project_root = Some("/home/author/shop".to_owned());
            project.git_repository = GitRepository::from_remote("git@github.com:acme/shop.git");
            store.add(project).unwrap();
        };
        for id in ["aaaaaaaa", "bbbbbbbb", "cccccccc"] {
            add(&mut store, id);
        }
        store.locate("bbbbbbbb".parse().unwrap(), Some(Path::new("/here"))).unwrap();
        store.delete("cccccccc".parse().unwrap()).unwrap();
        store.connection.execute("UPDATE records SET payload = '{cut' WHERE id = 'aaaaaaaa'", []).unwrap();
        let [damaged, whole] = &store.places().unwrap()[..] else { panic!("one is deleted") };
        assert_eq!((damaged.folder(), &damaged.repository), (None, &None));
        assert_eq!(whole.folder(), Some(Path::new("/here")));
        assert_eq!(whole.project_root.as_deref(), Some("/home/author/shop"));
        assert_eq!(whole.repository.as_ref().unwrap().place().as_deref(), Some("github.com/acme/shop"));
        assert!(whole.is_missing() && !damaged.is_missing());
    }
}
