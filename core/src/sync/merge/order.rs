//! The order of a merged list. Who moved members meant it: their order stays, and the other side's new members find their place
//! in it.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;

/// Three versions of a list, as the keys of its members. No key occurs twice in one of them.
#[derive(Clone, Copy)]
pub(super) struct Orders<'a, K> {
    pub(super) base: &'a [K],
    pub(super) ours: &'a [K],
    pub(super) theirs: &'a [K],
    pub(super) winner: Side,
}

impl<K: Ord + Copy> Orders<'_, K> {
    /// All keys of both sides. The side that alone moved members leads, else the winner. A member that the other side added at its
    /// end comes at the end, any other behind the one that it stands behind there.
    pub(super) fn merged(&self) -> Vec<K> {
        let Self { base, ours, theirs, winner } = *self;
        let ours_leads = match (is_moved(base, ours), is_moved(base, theirs)) {
            (true, false) => true,
            (false, true) => false,
            _ => winner == Side::Ours,
        };
        if ours_leads { weave(ours, theirs) } else { weave(theirs, ours) }
    }
}

/// Whether members that were there before stand in another order.
fn is_moved<K: Ord + Copy>(before: &[K], after: &[K]) -> bool {
    let (then, now): (BTreeSet<K>, BTreeSet<K>) =
        (before.iter().copied().collect(), after.iter().copied().collect());
    let stayed = before.iter().filter(|key| now.contains(key));
    !stayed.eq(after.iter().filter(|key| then.contains(key)))
}

fn weave<K: Ord + Copy>(lead: &[K], other: &[K]) -> Vec<K> {
    let leading: BTreeSet<K> = lead.iter().copied().collect();
    let shared: BTreeSet<K> = other.iter().copied().filter(|key| leading.contains(key)).collect();
    let mut behind: BTreeMap<Option<K>, Vec<K>> = BTreeMap::new();
    let mut last = None;
    for key in other {
        if shared.contains(key) {
            last = Some(*key);
        } else {
            behind.entry(last).or_default().push(*key);
        }
    }
    let end = behind.remove(&last).unwrap_or_default();
    let mut merged = Vec::with_capacity(lead.len() + other.len());
    let mut next = behind.remove(&None).unwrap_or_default();
    for key in lead {
        if shared.contains(key) {
            merged.append(&mut next);
            next = behind.remove(&Some(*key)).unwrap_or_default();
        }
        merged.push(*key);
    }
    merged.append(&mut next);
    merged.extend(end);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, ours: &str, theirs: &str) -> String {
        let keys = |text: &str| text.chars().collect::<Vec<char>>();
        let (base, ours, theirs) = (keys(base), keys(ours), keys(theirs));
        Orders { base: &base, ours: &ours, theirs: &theirs, winner: Side::Ours }.merged().iter().collect()
    }

    #[test]
    fn what_one_side_moved_stays_moved() {
        assert_eq!(merged("abc", "cab", "abcx"), "cabx");
        assert_eq!(merged("abc", "abcx", "cab"), "cabx");
        assert_eq!(merged("abc", "abxc", "cba"), "cbxa");
        assert_eq!(merged("abc", "bac", "cab"), "bac");
    }

    #[test]
    fn new_members_stand_where_they_were_put_and_the_winners_come_first() {
        assert_eq!(merged("abc", "abcx", "abcy"), "abcxy");
        assert_eq!(merged("abc", "axbc", "aybc"), "axybc");
        assert_eq!(merged("abc", "xabc", "yabc"), "xyabc");
        assert_eq!(merged("", "ab", "xy"), "abxy");
        assert_eq!(merged("abc", "ac", "abcd"), "abcd");
    }
}
