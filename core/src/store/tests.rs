use super::*;
use crate::project::{Project, ProjectId, Status};

fn store() -> Store {
    Options::default().device("laptop").in_memory().unwrap()
}

fn id(text: &str) -> ProjectId {
    text.parse().unwrap()
}

fn add(store: &mut Store, text: &str, name: &str) {
    store.add(Project::new(id(text), name)).unwrap();
}

#[test]
fn a_project_can_be_added_read_changed_deleted_and_restored() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().project().name, "Shop");
    let updated = store
        .update(id("aaaaaaaa"), |p| {
            p.status = Status::Review;
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(updated.fields, ["status"]);
    store.delete(id("aaaaaaaa")).unwrap();
    assert!(matches!(
        store.get(id("aaaaaaaa")),
        Err(StoreError::Deleted { .. })
    ));
    store.restore(id("aaaaaaaa")).unwrap();
    assert_eq!(
        store.get(id("aaaaaaaa")).unwrap().project().status,
        Status::Review
    );
    let history = store.history(id("aaaaaaaa")).unwrap();
    assert_eq!(
        history.iter().map(|h| (h.n, h.deleted)).collect::<Vec<_>>(),
        [(1, false), (2, false), (3, true), (4, false)]
    );
}

#[test]
fn an_edit_that_changes_nothing_writes_nothing() {
    let mut store = store();
    add(&mut store, "aaaaaaaa", "Shop");
    let updated = store.update(id("aaaaaaaa"), |_| Ok::<_, StoreError>(())).unwrap();
    assert!(updated.fields.is_empty());
    assert_eq!(store.get(id("aaaaaaaa")).unwrap().number, 1);
}
