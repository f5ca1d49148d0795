//! What becomes of a version that arrives, where random schedules seldom lead.

use super::*;

#[test]
fn a_merge_that_says_what_the_other_side_says_is_no_write() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "both");
    rename(&mut b, 0, "both");
    cloud.sync(&mut b);
    // Nothing is left of ours: B wrote the same, later.
    let fetch = Options { push: Push::Nothing, ..Options::default() };
    cloud.sync_with(&mut a, LIMITS, fetch).unwrap();
    assert!(!a.has_waiting().unwrap());
    assert_eq!(cloud.sync(&mut b).pulled, 0);
}

#[test]
fn a_version_of_the_same_writes_that_reads_otherwise_is_taken() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    let stored = envelope_of(7, "w9", 5);
    cloud.backend.put(id(7).as_str(), stored.clone());
    cloud.sync(&mut a);
    let otherwise = String::from_utf8(stored).unwrap().replace("Seven", "Otherwise");
    cloud.backend.put(id(7).as_str(), otherwise.into_bytes());
    let summary = cloud.sync(&mut a);
    assert_eq!((name(&a, 7).as_str(), summary.pulled, summary.pushed), ("Otherwise", 1, 0));
}
