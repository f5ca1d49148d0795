//! Whether others wrote: asked by those who stay and show what is there.

use super::{Store, StoreError};

impl Store {
    /// A number that is another one as soon as another connection has written to the database, in whatever space. Writes of this connection
    /// leave it as it is. Neither writes nor locks anything.
    pub fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    #[test]
    fn what_another_connection_writes_is_seen_and_what_this_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orkee.db");
        let (mut here, mut there) = (Store::open(&path).unwrap(), Store::open(&path).unwrap());
        let before = here.data_version().unwrap();
        here.add(Project::new("aaaaaaaa".parse().unwrap(), "mine")).unwrap();
        assert_eq!(here.data_version().unwrap(), before);
        there.add(Project::new("bbbbbbbb".parse().unwrap(), "theirs")).unwrap();
        assert_ne!(here.data_version().unwrap(), before);
    }
}
