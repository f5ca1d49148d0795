//! A store whose knowledge of the other side was damaged: a look finds it, a forced comparison mends it, nothing is lost.

use super::*;
use crate::store::Damage;

fn forced() -> Options {
    Options { compare: Compare::Joining, ..Options::default() }
}

/// What a lying disk, or a bug, may make of the state of sync, and what a look at it says. None: what is there could be true.
const DAMAGES: &[(&str, Option<Damage>)] = &[
    ("DELETE FROM tracking WHERE record = 2", Some(Damage::Untracked)),
    ("UPDATE tracking SET version = 1 WHERE record = 2", Some(Damage::Number)),
    ("UPDATE tracking SET base_at = 77 WHERE record = 2", Some(Damage::Base)),
    ("UPDATE tracking SET base_at = NULL", Some(Damage::Base)),
    ("UPDATE tracking SET base_at = 1 WHERE record = 2", None),
    ("UPDATE tracking SET sent_at = 55", Some(Damage::Sent)),
    ("UPDATE tracking SET clean_at = version + 1", Some(Damage::Agreed)),
    ("UPDATE tracking SET revision = NULL, clean_at = version", Some(Damage::Agreed)),
    // An edit that was never sent counts as agreed.
    ("UPDATE tracking SET clean_at = version", None),
    ("UPDATE tracking SET revision = 'nonsense'", None),
    ("UPDATE tracking SET revision = (SELECT max(revision) FROM tracking)", None),
    ("UPDATE tracking SET listed = 999999", Some(Damage::Listed)),
    ("UPDATE spaces SET position = '999'", None),
    ("UPDATE spaces SET position = '0'", None),
    ("UPDATE spaces SET head_tag = NULL", Some(Damage::Cursor)),
    ("UPDATE spaces SET head_number = -5", Some(Damage::Cursor)),
    ("UPDATE spaces SET head_number = 99999", None),
    ("UPDATE spaces SET listing_goal = 'nothing'", Some(Damage::Cursor)),
    ("UPDATE spaces SET listing = -1", Some(Damage::Cursor)),
    ("UPDATE records SET name = 'Wrong', tags = '[7]' WHERE rowid = 2", Some(Damage::Columns)),
    ("UPDATE records SET name = NULL WHERE rowid = 2", Some(Damage::Columns)),
    ("UPDATE records SET ancestry = 'x' WHERE rowid = 1", Some(Damage::Ancestry)),
    ("UPDATE records SET payload = 'no json' WHERE rowid = 1", Some(Damage::Payload)),
    ("UPDATE writer SET clock = 0", Some(Damage::Clock)),
];

#[test]
fn a_look_finds_damage_and_a_forced_comparison_mends_it_without_losing_an_edit() {
    for (sql, damage) in DAMAGES {
        let (mut cloud, mut a, mut b) = pair(4);
        rename(&mut a, 1, "from A");
        cloud.sync(&mut a);
        rename(&mut a, 1, "edited on A");
        rename(&mut b, 2, "edited on B");
        cloud.sync(&mut b);
        assert_eq!(a.examine().unwrap(), [], "before {sql}");
        a.execute_for_test(sql);
        let found: Vec<_> = a.examine().unwrap().into_iter().map(|finding| finding.damage).collect();
        match damage {
            Some(damage) => assert!(found.contains(damage), "{sql}: {found:?}"),
            None => assert_eq!(found, [], "{sql}"),
        }
        let image = a.image().unwrap();
        cloud.sync_with(&mut a, LIMITS, Options { dry_run: true, ..forced() }).unwrap();
        assert_eq!(a.image().unwrap(), image, "a dry run of {sql} changed something");
        let summary = cloud.sync_with(&mut a, LIMITS, forced()).unwrap();
        assert_eq!(summary.mended > 0, damage.is_some(), "{sql}");
        assert_eq!(a.examine().unwrap(), [], "after {sql}");
        for _ in 0..3 {
            cloud.sync(&mut b);
            cloud.sync(&mut a);
        }
        assert_eq!(a.live_payloads().unwrap(), b.live_payloads().unwrap(), "{sql}");
        let names: Vec<_> = (0..4).map(|n| name(&a, n)).collect();
        assert_eq!(names, ["Project 0", "edited on A", "edited on B", "Project 3"], "{sql}");
        assert!(a.conflicts(None).unwrap().is_empty() && b.conflicts(None).unwrap().is_empty(), "{sql}");
        let quiet = cloud.sync(&mut a);
        assert_eq!((quiet.pushed, quiet.pulled, cloud.requests.len()), (0, 0, 1), "{sql}");
    }
}

#[test]
fn what_was_stored_and_cannot_be_read_is_kept_beside_the_version_that_takes_its_place() {
    let (mut cloud, mut a, _) = pair(2);
    a.execute_for_test("UPDATE records SET payload = 'my words' WHERE rowid = 1");
    cloud.sync_with(&mut a, LIMITS, forced()).unwrap();
    assert_eq!(name(&a, 0), "Project 0");
    let parked = a.parked().unwrap();
    assert_eq!(parked[0].id, format!("{} (stored here)", id(0)));
}

#[test]
fn a_project_whose_columns_are_mended_stays_the_write_of_whoever_wrote_it() {
    let (mut cloud, mut a, mut b) = pair(1);
    rename(&mut a, 0, "from A");
    cloud.sync(&mut a);
    cloud.sync(&mut b);
    b.execute_for_test("UPDATE records SET device = 'far away', at = '2024-01-31T12:00:00Z', name = 'Wrong'");
    cloud.sync_with(&mut b, LIMITS, forced()).unwrap();
    let stored = b.get(id(0)).unwrap();
    assert_eq!((stored.device.as_str(), stored.at.as_str()), ("far away", "2024-01-31T12:00:00Z"));
}

#[test]
fn damage_stops_a_usual_sync_with_the_way_to_mend_it() {
    use crate::diagnostic::Diagnostic;
    let (mut cloud, mut a, mut b) = pair(2);
    rename(&mut b, 1, "from B");
    cloud.sync(&mut b);
    rename(&mut a, 1, "from A");
    a.execute_for_test("UPDATE tracking SET base_at = 77");
    let error = cloud.sync_with(&mut a, LIMITS, Options::default()).unwrap_err();
    assert_eq!(error.code(), "E-STORE-009");
    assert!(error.hint().unwrap().contains("orkee cloud sync --force"));
}

#[test]
fn a_forced_comparison_of_two_sides_that_agree_moves_nothing() {
    let (mut cloud, mut a, _) = pair(30);
    a.delete(id(3)).unwrap();
    cloud.sync(&mut a);
    let summary = cloud.sync_with(&mut a, LIMITS, forced()).unwrap();
    assert_eq!((summary.pushed, summary.pulled, summary.merged, summary.mended), (0, 0, 0, 0));
    // Tombstones that the backend has forgotten rest.
    cloud.backend.prune();
    let summary = cloud.sync_with(&mut a, LIMITS, forced()).unwrap();
    assert_eq!((summary.pushed, summary.pulled), (0, 0));
    assert!(!a.has_waiting().unwrap());
}

#[test]
fn a_forced_dry_run_tells_what_would_be_offered() {
    let (mut cloud, mut a, _) = pair(5);
    cloud.backend.lose(id(3).as_str());
    let options = Options { dry_run: true, ..forced() };
    assert_eq!(cloud.sync_with(&mut a, LIMITS, options).unwrap().pushed, 1);
    assert_eq!(cloud.sync_with(&mut a, LIMITS, forced()).unwrap().pushed, 1);
}

#[test]
fn in_the_place_of_what_cannot_be_read_comes_the_newest_version_that_can() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    add(&mut a, 0);
    rename(&mut a, 0, "second");
    rename(&mut a, 0, "third");
    a.execute_for_test("UPDATE records SET payload = 'my words'");
    cloud.sync_with(&mut a, LIMITS, forced()).unwrap();
    assert_eq!(name(&a, 0), "second");
    assert!(cloud.backend.live()[id(0).as_str()].contains("second"));
}
