//! Which conflicts stand after a sync: what makes one, what it outlives, and what ends it.

use super::*;

#[test]
fn an_edit_on_each_side_of_different_fields_is_merged_and_of_the_same_field_a_conflict() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "From A");
    b.update(id(0), |project| {
        project.name = "From B".to_owned();
        project.description = Some("B's text".to_owned());
        Ok::<_, StoreError>(())
    })
    .unwrap();
    cloud.sync(&mut a);
    let summary = cloud.sync(&mut b);
    assert_eq!((summary.merged, summary.conflicts, summary.pushed, cloud.requests.len()), (1, 1, 1, 2));
    let conflicts = b.conflicts(None).unwrap();
    assert_eq!(conflicts.len(), 1);
    assert_eq!((conflicts[0].field.as_str(), conflicts[0].device.as_str()), ("name", "laptop"));
    assert_eq!(conflicts[0].cloud.as_ref().unwrap().get(), "\"From A\"");
    cloud.sync(&mut a);
    assert_eq!((name(&a, 0), name(&b, 0)), ("From B".to_owned(), "From B".to_owned()));
    assert!(a.conflicts(None).unwrap().is_empty());
    assert_eq!(b.resolve(id(0), &[("name".to_owned(), Choice::Cloud)]).unwrap(), 1);
    assert_eq!(name(&b, 0), "From A");
    assert!(b.conflicts(None).unwrap().is_empty());
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(name(&a, 0), "From A");
}

#[test]
fn a_conflict_is_settled_by_the_next_edit_of_its_field_and_by_no_other() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "From A");
    rename(&mut b, 0, "From B");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    b.update(id(0), |project| {
        project.description = Some("text".to_owned());
        Ok::<_, StoreError>(())
    })
    .unwrap();
    assert_eq!(b.conflicts(Some(id(0))).unwrap().len(), 1);
    rename(&mut b, 0, "Both");
    assert!(b.conflicts(Some(id(0))).unwrap().is_empty());
    assert_eq!(b.resolve(id(0), &[("name".to_owned(), Choice::Local)]).unwrap(), 0);
}

#[test]
fn a_conflict_outlives_another_merge_before_its_value_was_sent() {
    let (mut cloud, mut a, mut b) = in_conflict();
    describe(&mut b, 0, "text");
    cloud.sync(&mut b);
    assert_eq!(cloud.sync(&mut a).merged, 1);
    assert_eq!(name(&a, 0), "From A");
    assert_eq!(waiting(&a, 0), pairs(&[("From A", "From B")]));
}

#[test]
fn a_value_that_arrives_settles_no_conflict_but_with_the_value_that_waits() {
    let (mut cloud, mut a, mut b) = in_conflict();
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    rename(&mut b, 0, "Third");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(waiting(&a, 0), pairs(&[("Third", "From B")]));
    rename(&mut b, 0, "From B");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(waiting(&a, 0), []);
}

#[test]
fn of_two_values_that_wait_the_one_that_was_shown_is_taken() {
    let (mut cloud, mut a, mut b) = in_conflict();
    rename(&mut b, 0, "Again B");
    cloud.sync(&mut b);
    cloud.sync(&mut a);
    assert_eq!(waiting(&a, 0), pairs(&[("From A", "Again B"), ("From A", "From B")]));
    let shown = a.conflicts(None).unwrap();
    assert!(a.settle(&shown[1], Choice::Cloud).unwrap());
    assert_eq!(name(&a, 0), "From B");
    assert_eq!(waiting(&a, 0), pairs(&[("From B", "Again B")]));
    assert!(!a.settle(&shown[0], Choice::Local).unwrap(), "another value stands than was shown");
    assert!(!a.settle(&shown[1], Choice::Cloud).unwrap());
    assert!(a.settle(&a.conflicts(None).unwrap()[0], Choice::Local).unwrap());
    assert_eq!((name(&a, 0).as_str(), waiting(&a, 0)), ("From B", Vec::new()));
}

#[test]
fn a_tombstone_ends_its_records_conflicts_and_history_keeps_both_values() {
    for is_local in [true, false] {
        let (mut cloud, mut a, mut b) = in_conflict();
        cloud.sync(&mut a);
        cloud.sync(&mut b);
        let deleter = if is_local { &mut a } else { &mut b };
        deleter.delete(id(0)).unwrap();
        cloud.sync(&mut b);
        cloud.sync(&mut a);
        assert_eq!(waiting(&a, 0), []);
        let history = format!("{:?}", a.history(id(0)).unwrap());
        assert!(history.contains("From A") && history.contains("From B"), "{history}");
    }
}

#[test]
fn a_conflict_over_a_value_that_is_not_there_ends_with_the_project() {
    let (mut cloud, mut a, mut b) = pair(1);
    describe(&mut a, 0, "text");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    describe(&mut a, 0, "other text");
    cloud.sync(&mut a);
    let stored = b.get(id(0)).unwrap().payload;
    b.apply_edit(&stored, &stored.with([("description", None)]).unwrap()).unwrap();
    cloud.sync(&mut b);
    assert_eq!(b.conflicts(None).unwrap().len(), 1);
    b.delete(id(0)).unwrap();
    assert_eq!(b.conflicts(None).unwrap().len(), 0);
    assert_eq!(b.standing().unwrap().conflicts, 0);
}
