use super::*;
use crate::sync::provider::{Change, Head, Span, Stored};

fn asked(mutations: usize, limit: u32) -> Asked {
    Asked { cursor: Cursor { position: Some(Position("1".to_owned())), head: None }, mutations, limit }
}

fn change(id: &str) -> Change {
    Change { id: id.to_owned(), stored: Stored { revision: Revision("r".to_owned()), envelope: Vec::new() } }
}

/// A page that is right for `asked(1, 2)`.
fn right() -> Reply {
    Reply {
        outcomes: vec![Outcome::Accepted(Revision("r".to_owned()))],
        changes: vec![change("abcdEFG1")],
        cursor: Cursor {
            position: Some(Position("2".to_owned())),
            head: Some(Head { number: 2, tag: "t".to_owned() }),
        },
        more: true,
        written: None,
        request_id: None,
    }
}

#[track_caller]
fn refused(asked: &Asked, reply: Reply, words: &str) {
    let error = answer(asked, &Answer::Page(reply)).unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_right_answer_passes() {
    assert_eq!(answer(&asked(1, 2), &Answer::Page(right())), Ok(()));
    assert_eq!(answer(&asked(1, 2), &Answer::Expired), Ok(()));
    assert_eq!(answer(&asked(1, 2), &Answer::NewEpoch), Ok(()));
}

#[test]
fn a_wrong_number_of_outcomes_is_refused() {
    refused(&asked(2, 2), right(), "1 outcomes for 2 mutations");
    refused(&asked(0, 2), right(), "1 outcomes for 0 mutations");
}

#[test]
fn more_changes_than_asked_for_are_refused() {
    refused(&asked(1, 2), Reply { changes: vec![change("aaaaaaaa"); 3], ..right() }, "3 changes, 2");
}

#[test]
fn a_record_that_is_listed_twice_on_a_page_is_refused() {
    let changes = vec![change("aaaaaaaa"), change("aaaaaaaa")];
    refused(&asked(1, 2), Reply { changes, ..right() }, "the record `aaaaaaaa` twice");
}

#[test]
fn an_id_that_is_no_id_is_refused() {
    for id in ["", "short", "ninechars", "../../et", "abcdefg\u{1b}", "ääää"] {
        refused(&asked(1, 2), Reply { changes: vec![change(id)], ..right() }, "with the id");
    }
}

#[test]
fn an_oversized_or_empty_mark_is_refused() {
    let position = |text: String| Cursor { position: Some(Position(text)), head: None };
    for cursor in [position(String::new()), position("x".repeat(5000))] {
        refused(&asked(1, 2), Reply { cursor, ..right() }, "a position is empty or has more");
    }
    let head = Some(Head { number: 1, tag: "x".repeat(300) });
    refused(&asked(1, 2), Reply { cursor: Cursor { head, ..right().cursor }, ..right() }, "tag");
    for number in [1 << 63, u64::MAX] {
        let head = Some(Head { number, tag: "t".to_owned() });
        let cursor = Cursor { head, ..right().cursor };
        refused(&asked(1, 2), Reply { cursor, ..right() }, "head's number is");
    }
    for text in [String::new(), "x".repeat(300)] {
        refused(
            &asked(1, 2),
            Reply { outcomes: vec![Outcome::Accepted(Revision(text))], ..right() },
            "a revision is empty",
        );
    }
    let written = Some(Span { after: Position("1".to_owned()), until: Position(String::new()) });
    refused(&asked(1, 2), Reply { written, ..right() }, "a position is empty");
}

#[test]
fn a_listing_that_would_never_end_is_refused() {
    let stuck = asked(1, 2).cursor;
    refused(&asked(1, 2), Reply { cursor: stuck, ..right() }, "does not move on");
    refused(&asked(1, 2), Reply { cursor: Cursor::default(), ..right() }, "without a position");
    let fresh = Asked { cursor: Cursor::default(), mutations: 0, limit: 5 };
    assert!(answer(&fresh, &Answer::Expired).is_err());
}

#[test]
fn a_push_alone_does_not_move_the_cursor() {
    refused(&asked(1, 0), Reply { changes: Vec::new(), ..right() }, "moved the cursor");
    let still = Reply { changes: Vec::new(), more: true, cursor: asked(1, 0).cursor, ..right() };
    assert_eq!(answer(&asked(1, 0), &Answer::Page(still)), Ok(()));
}
