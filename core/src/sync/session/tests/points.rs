//! The way back from what a sync overwrote.

use super::*;

#[test]
fn what_a_sync_replaced_deleted_or_merged_can_be_undone() {
    let (mut cloud, mut a, mut b) = pair(3);
    rename(&mut b, 0, "from B");
    rename(&mut b, 2, "from B");
    cloud.sync(&mut b);
    cloud.backend.lose(id(1).as_str());
    describe(&mut a, 2, "from A");
    a.forget_position();
    let options = Options { point: Some(a.open_point("sync").unwrap()), ..Options::default() };
    let summary = cloud.sync_with(&mut a, LIMITS, options).unwrap();
    assert_eq!((summary.pulled, summary.deleted, summary.merged), (1, 1, 1));
    assert_eq!(a.undo(None).unwrap().projects.len(), 3);
    assert_eq!([0, 1, 2].map(|n| name(&a, n)), ["Project 0", "Project 1", "Project 2"]);
    assert!(a.get(id(2)).unwrap().payload.to_json().contains("from A"));
}
