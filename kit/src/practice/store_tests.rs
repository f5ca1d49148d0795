use super::*;

fn put(store: &mut Store, id: &str, guard: Option<&str>, envelope: &[u8]) -> Put {
    match store.prepare(id, guard, envelope) {
        Ok(commit) => store.apply(commit),
        Err(put) => put,
    }
}

fn stored(store: &mut Store, id: &str, guard: Option<&str>) -> String {
    match put(store, id, guard, id.as_bytes()) {
        Put::Stored { revision, .. } => revision,
        other => panic!("{other:?}"),
    }
}

fn page(store: &Store, after: Option<&str>, limit: usize) -> (Vec<String>, String, bool) {
    match store.list(after.map(|text| Position::parse(text).unwrap()), limit) {
        Listed::Page { changes, position, more } => {
            (changes.into_iter().map(|(id, _)| id).collect(), position.text(), more)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_needs_the_revision_that_is_held() {
    let mut store = Store::new();
    let first = stored(&mut store, "a", None);
    assert!(
        matches!(put(&mut store, "a", None, b"x"), Put::Mismatch(Some(held)) if held.revision() == first)
    );
    assert_eq!(put(&mut store, "b", Some(&first), b"x"), Put::Mismatch(None));
    let second = stored(&mut store, "a", Some(&first));
    assert_ne!(first, second);
    assert!(matches!(put(&mut store, "a", Some(&first), b"x"), Put::Mismatch(Some(_))));
}

#[test]
fn pages_are_in_order_and_a_record_is_on_them_once_in_its_newest_version() {
    let mut store = Store::new();
    assert_eq!(page(&store, None, 5), (vec![], "0".to_owned(), false));
    let a = stored(&mut store, "a", None);
    stored(&mut store, "b", None);
    stored(&mut store, "c", None);
    stored(&mut store, "a", Some(&a));
    assert_eq!(page(&store, None, 2), (vec!["b".to_owned(), "c".to_owned()], "3-4".to_owned(), true));
    assert_eq!(page(&store, Some("3-4"), 2), (vec!["a".to_owned()], "4".to_owned(), false));
    assert_eq!(page(&store, Some("4"), 2), (vec![], "4".to_owned(), false));
}

#[test]
fn a_page_is_bounded_in_bytes_and_never_empty_for_it() {
    let mut store = Store::new();
    for id in ["a", "b", "c"] {
        put(&mut store, id, None, &vec![0; MAX_PAGE_BYTES]);
    }
    assert_eq!(page(&store, None, 9), (vec!["a".to_owned()], "1-3".to_owned(), true));
}

#[test]
fn what_was_pruned_expires_older_positions_but_no_listing_that_began_later() {
    let mut store = Store::new();
    stored(&mut store, "a", None);
    stored(&mut store, "b", None);
    stored(&mut store, "c", None);
    store.prune(&["b".to_owned()]);
    assert_eq!(store.list(Position::parse("2"), 9), Listed::Expired);
    assert_eq!(store.list(Position::parse("1-2"), 9), Listed::Expired);
    assert_eq!(page(&store, None, 1), (vec!["a".to_owned()], "1-3".to_owned(), true));
    assert_eq!(page(&store, Some("1-3"), 1), (vec!["c".to_owned()], "3".to_owned(), false));
}

#[test]
fn a_store_that_was_put_back_knows_nothing_of_what_came_after() {
    let mut store = Store::new();
    stored(&mut store, "a", None);
    let backup = store.snapshot();
    let lost = stored(&mut store, "b", None);
    let head = store.head();
    store.put_back(&backup);
    assert!(!store.knows(head.number, &head.tag));
    assert_eq!(store.list(Position::parse("2"), 9), Listed::NewEpoch);
    let again = stored(&mut store, "b", None);
    assert_ne!(lost, again, "a revision would name two versions");
    assert!(!store.knows(head.number, &head.tag));
}

#[test]
fn only_a_position_that_was_given_out_is_one() {
    for text in ["", "-", "1-", "-1", "01", "+1", "1-2-3", "99999999999999999999", " 1"] {
        assert_eq!(Position::parse(text), None, "{text}");
    }
}
