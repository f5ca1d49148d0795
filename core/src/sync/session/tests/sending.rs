//! What is on disk before a version leaves.

use super::*;
use crate::store::Durability;

#[test]
fn the_mark_of_a_version_survives_a_loss_of_power_from_before_it_leaves() {
    let (mut cloud, mut a, _) = pair(2);
    rename(&mut a, 0, "news");
    cloud.sync(&mut a);
    assert_eq!(a.durability(), Durability::Refetchable, "what an answer brings can be fetched again");
    a.execute_for_test("UPDATE tracking SET clean_at = NULL WHERE record = 1");
    let mut session = Session::begin(&mut a, "me@here", LIMITS, Options::default()).unwrap();
    let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!() };
    assert_eq!((request.mutations.len(), a.durability()), (1, Durability::Full));
}
