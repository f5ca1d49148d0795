//! Which of two versions came after the other.
//!
//! A version's ancestry names, for each writer, the clock of that writer's last write that the version contains. It travels
//! with the version, so the answer needs no backend and no common clock.

use orkee_wire::Ancestry;

pub use crate::store::contains;

/// How one version stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Both contain the same writes.
    Same,
    /// The first contains all that the second does, and more.
    After,
    /// The second contains all that the first does, and more.
    Before,
    /// Each contains a write that the other does not.
    Concurrent,
}

/// How `a` stands to `b`.
pub fn relation(a: &Ancestry, b: &Ancestry) -> Relation {
    match (contains(a, b), contains(b, a)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::After,
        (false, true) => Relation::Before,
        (false, false) => Relation::Concurrent,
    }
}

/// What a version made of both contains.
pub fn join(a: &Ancestry, b: &Ancestry) -> Ancestry {
    let mut joined = a.clone();
    for (writer, clock) in b {
        let seen = joined.entry(writer.clone()).or_default();
        *seen = (*seen).max(*clock);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ancestry(of: &[(&str, u64)]) -> Ancestry {
        of.iter().map(|(writer, clock)| ((*writer).to_owned(), *clock)).collect()
    }

    #[test]
    fn a_version_comes_after_those_whose_writes_it_contains() {
        let first = ancestry(&[("a", 1)]);
        let second = ancestry(&[("a", 2)]);
        let other = ancestry(&[("a", 1), ("b", 5)]);
        assert_eq!(relation(&first, &first), Relation::Same);
        assert_eq!(relation(&second, &first), Relation::After);
        assert_eq!(relation(&first, &other), Relation::Before);
        assert_eq!(relation(&second, &other), Relation::Concurrent);
        assert_eq!(relation(&first, &Ancestry::new()), Relation::After);
    }

    #[test]
    fn a_joined_ancestry_contains_both() {
        let (a, b) = (ancestry(&[("a", 2), ("b", 1)]), ancestry(&[("a", 1), ("c", 9)]));
        let joined = join(&a, &b);
        assert!(contains(&joined, &a) && contains(&joined, &b));
        assert_eq!(joined, join(&b, &a));
        assert_eq!(joined, ancestry(&[("a", 2), ("b", 1), ("c", 9)]));
    }
}
