//! A run of pages: those that follow one another because each said that there is more. A backend that is wrong or hostile could
//! go on for ever; a run ends where it visits a position twice, or where nothing comes of it any more.

use crate::sync::provider::Position;

/// Pages with no change on them, one after another. Some come where a backend's own commits are left out.
const EMPTY_PAGES: u32 = 1000;
/// Beside what is known of each record, changes that a run may have. Records that change meanwhile come again.
const CHANGES: u64 = 10_000;
const CHANGES_OF_A_RECORD: u64 = 4;

/// How far a run has come. It holds one position, however long the run is.
#[derive(Debug, Default)]
pub(super) struct Run {
    pages: u64,
    /// A position of this run, newer each time that the number of pages doubles: who goes in a circle comes back to it.
    mark: Option<Position>,
    empty: u32,
    changes: u64,
}

impl Run {
    /// Takes one page more, which says that another follows it and has `changes` changes. `known`: how many records the
    /// store knew of before it. Some: what is wrong, in words that follow "it lists ".
    pub(super) fn go_on<E>(
        &mut self,
        position: Option<&Position>,
        changes: usize,
        known: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Option<&'static str>, E> {
        if self.mark.is_some() && self.mark.as_ref() == position {
            return Ok(Some("in a circle"));
        }
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.mark = position.cloned();
        }
        self.empty = if changes == 0 { self.empty + 1 } else { 0 };
        if self.empty > EMPTY_PAGES {
            return Ok(Some("without end, and nothing is on its pages"));
        }
        self.changes += changes as u64;
        if self.changes > CHANGES
            && self.changes > CHANGES.saturating_add(CHANGES_OF_A_RECORD.saturating_mul(known()?))
        {
            return Ok(Some("the same records again and again"));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: usize) -> Option<Position> {
        Some(Position(n.to_string()))
    }

    /// The page at which a run is stopped.
    fn stopped(
        position: impl Fn(usize) -> usize,
        changes: usize,
        known: u64,
    ) -> Option<(usize, &'static str)> {
        let mut run = Run::default();
        (0..100_000).find_map(|n| {
            let wrong = run.go_on(at(position(n)).as_ref(), changes, || Ok::<_, ()>(known)).unwrap();
            wrong.map(|why| (n, why))
        })
    }

    #[test]
    fn a_circle_of_any_length_is_noticed_within_a_few_rounds() {
        for length in [1, 2, 3, 10, 100, 1000] {
            for lead in [0, 7, 500] {
                let (page, why) =
                    stopped(|n| if n < lead { 1_000_000 + n } else { (n - lead) % length }, 1, u64::MAX)
                        .unwrap();
                assert_eq!(why, "in a circle");
                assert!(page <= 4 * (lead + length), "{lead} {length}: {page}");
            }
        }
    }

    #[test]
    fn a_run_that_gets_on_goes_on_as_long_as_there_are_records() {
        assert_eq!(stopped(|n| n, 500, u64::MAX), None);
        assert_eq!(stopped(|n| n, 0, 9).unwrap(), (1000, "without end, and nothing is on its pages"));
        assert_eq!(stopped(|n| n, 10, 100).unwrap(), (1040, "the same records again and again"));
    }
}
