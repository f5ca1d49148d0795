//! Which of the documents that holders of the key made is taken for the account's.

use super::*;
use crate::seal::keys::{Fresh, Joiner, Keys};

const AT: &str = "2026-01-01T00:00:00.000Z";

fn joiner() -> Joiner {
    Joiner { remote: "me@here".to_owned(), name: "laptop".to_owned(), device: None, at: AT.to_owned() }
}

fn envelope(document: &Document) -> Vec<u8> {
    document_envelope(document, "laptop", AT, None)
}

/// A device that has adopted a document of floor 1, and the one before that, of floor 0.
fn raised() -> (Keys, Document, Epochs) {
    let keys = Fresh::found("", &joiner(), None).unwrap();
    let before = taken(keys.document());
    let keys = keys.keep_in_memory().unwrap();
    keys.meet(&envelope(&before)).unwrap();
    let epochs = keys.epochs().unwrap();
    keys.meet(&envelope(&before.with_floor(&epochs, 1).unwrap())).unwrap();
    (keys, before, epochs)
}

/// As it is after it was taken.
fn taken(document: &Document) -> Document {
    Document::parse(document.bytes()).unwrap()
}

#[test]
fn k80_a_document_that_lost_against_ours_does_not_lower_the_floor() {
    let (keys, before, epochs) = raised();
    let ours = keys.document().unwrap();
    let lost = before.without(&epochs, "nobody").unwrap();
    assert_eq!(lost.number(), ours.number());
    let refused = keys.meet(&envelope(&lost));
    assert!(matches!(refused, Err(KeyError::Forked { number: 2 })), "{refused:?}");
    // Nor where the backend says that it was put back, nor when the member was led on from there.
    let refused = keys.meet_put_back(&envelope(&lost));
    assert!(matches!(refused, Err(KeyError::Tampered)), "{refused:?}");
    let mut branch = lost;
    for _ in 0..3 {
        branch = taken(&branch).without(&epochs, "nobody").unwrap();
        for refused in [keys.meet(&envelope(&branch)), keys.meet_put_back(&envelope(&branch))] {
            assert!(matches!(refused, Err(KeyError::Tampered)), "{refused:?}");
        }
    }
    assert_eq!(keys.document(), Some(ours));
}

#[test]
fn k80_an_account_that_was_sealed_again_may_accept_plain_records_for_a_while() {
    let (keys, before, epochs) = raised();
    let plain = taken(&keys.document().unwrap()).unsealed(&epochs).unwrap();
    let again = taken(&plain).sealed_again(&epochs).unwrap();
    // A device that was away in between.
    assert!(matches!(keys.meet(&envelope(&again)).unwrap(), Met::Newer(standing) if standing.floor == 0));
    // What was never plain in between is of the time before, though it accepts no less.
    let branch = Document::parse(before.bytes()).unwrap().with_floor(&epochs, 1).unwrap();
    let branch = (0..5).fold(branch, |last, _| taken(&last).without(&epochs, "nobody").unwrap());
    assert!(branch.number() > again.number() && branch.floor() > again.floor());
    let refused = keys.meet(&envelope(&branch));
    assert!(matches!(refused, Err(KeyError::Tampered)), "{refused:?}");
}

#[test]
fn k80_another_document_of_our_number_counts_only_where_the_backend_was_put_back() {
    let (keys, before, epochs) = raised();
    let other = before.with_floor(&epochs, 1).unwrap().without(&epochs, "recovery").unwrap();
    assert_eq!(other.number(), keys.standing().number);
    let refused = keys.meet(&envelope(&other));
    assert!(matches!(refused, Err(KeyError::Forked { number: 2 })), "{refused:?}");
    assert!(matches!(keys.meet_put_back(&envelope(&other)).unwrap(), Met::Newer(_)));
    assert_eq!(keys.document(), Some(other));
}

#[test]
fn k80_however_many_changes_make_a_document_it_has_the_next_number() {
    let (_, before, epochs) = raised();
    let (next, epochs) = before.without(&epochs, "nobody").unwrap().next_epoch(&epochs).unwrap();
    let next = next.with_floor(&epochs, 2).unwrap();
    assert_eq!((before.number(), next.number()), (1, 2));
    // What a released program wrote says nothing of how often it was sealed, and is read.
    assert!(!String::from_utf8_lossy(next.bytes()).contains("sealings"));
    let again = next.unsealed(&epochs).unwrap().sealed_again(&epochs).unwrap();
    assert!(String::from_utf8_lossy(again.bytes()).contains(r#""floor":0,"sealings":1}"#));
    assert_eq!(Document::parse(again.bytes()).unwrap(), again);
}
