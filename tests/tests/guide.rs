//! The pages that tell people what to type, read by somebody who types all of it. `orkee_tests::guide` says what a page may hold.

#![allow(clippy::unwrap_used)]

use orkee_tests::guide::{Document, Reading, read};
use orkee_tests::{namespace, proxy};

const PUBLISHED: &str = "tests/guide/published.md";

/// Whether the calling test has a network of its own, with everything that a page asks for.
fn is_possible(test: &str) -> bool {
    proxy::is_there() && namespace::is_inside(test)
}

#[test]
fn c92_what_the_published_page_says_can_be_typed_and_prints_what_it_says() {
    if is_possible("c92_what_the_published_page_says_can_be_typed_and_prints_what_it_says") {
        read(&Document::read(PUBLISHED), Reading::Story, &[]);
    }
}
