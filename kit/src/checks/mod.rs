//! What is checked. Each check is one obligation of `wit/README.md`, and says which part of that page it is from.

mod describe;
mod garbage;
mod listing;
mod lost;
mod own_writes;
mod parts;
mod racing;
mod refusals;
mod sizes;
mod states;
mod trouble;
mod watching;
mod writing;

use futures_util::future::BoxFuture;

use crate::bench::Bench;
use crate::finding::Finding;

/// Does a check.
type Run = for<'a> fn(&'a Bench<'a>) -> BoxFuture<'a, Finding>;

/// One obligation, and how it is tried.
#[derive(Debug)]
pub struct Check {
    /// Its name in reports.
    pub id: &'static str,
    /// What a provider and its backend owe, in a sentence.
    pub obligation: &'static str,
    /// The anchor in `wit/README.md`.
    pub anchor: &'static str,
    run: Run,
}

impl Check {
    pub(crate) async fn run(&self, bench: &Bench<'_>) -> Finding {
        (self.run)(bench).await
    }
}

macro_rules! checks {
    ($($id:literal, $anchor:literal, $run:path: $obligation:literal;)*) => {
        &[$(Check { id: $id, obligation: $obligation, anchor: $anchor, run: |bench| Box::pin($run(bench)) }),*]
    };
}

/// All checks, in the order in which they are done: a running backend keeps what they leave, so the large ones come late.
pub const ALL: &[Check] = checks! {
    "describe", "describe", describe::describe:
        "`describe` makes no request, and says who the provider is and what one exchange may carry.";
    "create", "durable", writing::create:
        "A new record is accepted, and seen by every listing that begins later.";
    "update", "compare-and-set", writing::update:
        "A mutation whose guard is the revision that is held is accepted under a new revision.";
    "tombstone", "compare-and-set", writing::delete:
        "Deleting is a mutation like any other: the tombstone is kept and listed.";
    "guard-none", "compare-and-set", writing::guard_none:
        "Without a guard a record that exists is left as it is, and the answer is `conflict` with what is held.";
    "guard-stale", "compare-and-set", writing::guard_stale:
        "A guard that is no longer held leaves the record as it is, and the answer is `conflict` with what is held.";
    "guard-absent", "compare-and-set", writing::guard_absent:
        "A guard for a record that does not exist stores nothing, and the answer is `conflict` with nothing.";
    "guard-zero", "guard-zero", writing::guard_zero:
        "The guard `0` names no version: the answer is `conflict` with what is held, or with nothing, and nothing is stored.";
    "outcomes-in-order", "outcomes", writing::outcomes_in_order:
        "There is one outcome for each mutation, in their order, and one that fails does not hold up the others.";
    "bytes", "envelopes", sizes::bytes:
        "Envelopes are stored and returned byte for byte, whatever is in them.";
    "listing-complete", "lag", listing::complete:
        "A full listing shows every record that was there when it began, in pages of any size.";
    "listing-beside-writes", "lag", listing::beside_writes:
        "A full listing misses no record while others write, and what they wrote comes afterwards.";
    "order", "order", listing::order:
        "Changes come oldest first.";
    "newest-once", "order", listing::newest_once:
        "A record that changed twice is on a page once, in its newest version.";
    "resume", "order", listing::resume:
        "Every position is good for another instance, which goes on where that page ended.";
    "nothing-new", "order", listing::nothing_new:
        "A page without changes ends the listing and keeps its place.";
    "push-alone", "push-alone", own_writes::push_alone:
        "With `limit` 0 nothing is listed and the position stays as it was, so that nothing is missed.";
    "own-writes", "order", own_writes::left_out:
        "What a request itself wrote is left out of its page.";
    "written", "written", own_writes::written:
        "`written` covers no commit of another device.";
    "side-by-side", "push-alone", own_writes::side_by_side:
        "Several pushes and one page are under way at once.";
    "two-writers", "compare-and-set", racing::update:
        "Check and write are one step: of two devices that change a record at once, one is accepted.";
    "two-creators", "compare-and-set", racing::create:
        "Check and write are one step: of two devices that create the same record at once, one is accepted.";
    "lost-reply", "repeating", lost::reply:
        "After a lost reply the same mutation is answered with `conflict` and what it wrote itself, and nothing is there twice.";
    "lost-request", "repeating", lost::request:
        "A request that broke off is a failure, and can be made again.";
    "repeated-request", "repeating", lost::repeated:
        "A request that reaches the backend twice is told truthfully.";
    "sign-in-refused", "failures", refusals::sign_in:
        "A backend that refuses the sign-in is `auth-required`.";
    "forbidden", "failures", refusals::forbidden:
        "A backend that does not allow it is `forbidden`.";
    "busy", "failures", refusals::busy:
        "A backend that is asked too often is `busy`, with the wait that it told.";
    "backend-fails", "failures", refusals::backend:
        "A backend that fails is a failure of the call, never of a record.";
    "foreign-words", "own-words", refusals::foreign_words:
        "`expired` and `new-epoch` are taken from the backend's own words, never from a status alone.";
    "html-page", "failures", garbage::html:
        "A page of HTML in the place of a reply is a failure, and nothing in it is taken for the backend's.";
    "cut-short", "failures", garbage::cut:
        "Half a reply is a failure, and nothing is told as accepted that was not.";
    "garbled", "failures", garbage::garbled:
        "A reply of other bytes does not crash the provider, and nothing is told as accepted that was not.";
    "slow-drip", "limits", garbage::drip:
        "A reply that never ends costs one call its time, and the next one works.";
    "oversized", "limits", garbage::oversized:
        "A reply larger than the limit is a failure, and the next call works.";
    "expired", "expired", states::expired:
        "A position from before a pruning is `expired`, and nothing of that request is carried out.";
    "expired-listing", "expired", states::expired_listing:
        "A full listing that began after a pruning is never `expired`.";
    "new-epoch", "new-epoch", states::new_epoch:
        "A backend that was put back does not know the device's head: `new-epoch`, and nothing of that request is carried out.";
    "head", "new-epoch", states::head:
        "The head's number grows with every commit.";
    "account", "parts", parts::account:
        "`whoami` says whose account it is.";
    "browse", "parts", parts::listing:
        "`browse` lists every record once, in pages, and ends.";
    "devices", "parts", parts::devices:
        "`enumerate` lists devices with different ids, of which one asks.";
    "watch-wakes", "watching", watching::wakes:
        "`wait` answers `true` soon after another device wrote, and the next page has what it wrote.";
    "watch-rests", "watching", watching::rests:
        "`wait` answers `false` where nothing is new.";
    "record-largest", "describe", sizes::record_largest:
        "An envelope of `max-record-bytes` is stored and returned.";
    "record-too-large", "outcomes", sizes::record_too_large:
        "A record that the backend does not take is `rejected` alone, and the rest of the batch goes on.";
    "batch-many", "describe", sizes::batch_many:
        "A batch of `max-mutations` is carried out within the limits of one call.";
    "batch-heavy", "describe", sizes::batch_heavy:
        "A batch of `max-bytes` is carried out within the limits of one call.";
    "page-heavy", "describe", sizes::page_heavy:
        "A page of many large records stays within the limits of one call, by having fewer of them.";
    "secret", "credentials", parts::secret:
        "The login stands in no answer, no log line and no request but where the host puts it.";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_a_name_of_its_own_and_a_place_to_read() {
        for (n, check) in ALL.iter().enumerate() {
            assert!(ALL[..n].iter().all(|other| other.id != check.id), "{}", check.id);
            assert!(crate::obligations::text(check.anchor).is_some(), "{}: no {}", check.id, check.anchor);
        }
    }
}
