//! Who brought which version to a team.

use super::*;

fn by(author: &str) -> Options {
    Options { author: Some(author.to_owned()), ..Options::default() }
}

fn authors(store: &Store, n: usize) -> Vec<Option<String>> {
    store.history(id(n)).unwrap().into_iter().map(|entry| entry.author).collect()
}

fn some(author: &str) -> Option<String> {
    Some(author.to_owned())
}

#[test]
fn both_sides_know_who_brought_a_version_and_what_was_never_sent_has_no_author() {
    let (mut cloud, mut a, mut b) = (Cloud::new(), store("laptop"), store("desktop"));
    add(&mut a, 0);
    rename(&mut a, 0, "before it was shared");
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    cloud.sync_with(&mut b, LIMITS, by("bob@a")).unwrap();
    rename(&mut b, 0, "bob's");
    cloud.sync_with(&mut b, LIMITS, by("bob@a")).unwrap();
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    assert_eq!(authors(&a, 0), [None, some("ann@a"), some("bob@a")]);
    assert_eq!(authors(&b, 0), [some("ann@a"), some("bob@a")]);
}

#[test]
fn what_one_member_made_of_two_versions_is_theirs_and_what_they_offer_again_is_not_theirs_here() {
    let (mut cloud, mut a, mut b) = (Cloud::new(), store("laptop"), store("desktop"));
    add(&mut a, 0);
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    cloud.sync_with(&mut b, LIMITS, by("bob@a")).unwrap();
    rename(&mut a, 0, "ann's");
    change_description(&mut b, 0);
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    cloud.sync_with(&mut b, LIMITS, by("bob@a")).unwrap();
    let told = [some("ann@a"), None, some("ann@a"), some("bob@a")];
    assert_eq!(authors(&b, 0), told, "what was merged before it was sent never reached the team by itself");

    let mut empty = Cloud::new();
    let joining = Options { compare: Compare::Joining, ..by("ann@a") };
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    empty.sync_with(&mut a, LIMITS, joining).unwrap();
    assert_eq!(authors(&a, 0).last(), Some(&some("bob@a")));
    let sent = empty.requests.iter().flat_map(|request| &request.mutations).next().unwrap();
    assert!(String::from_utf8_lossy(&sent.envelope).contains(r#""author":"ann@a""#), "she brings it there");
}

fn change_description(store: &mut Store, n: usize) {
    store
        .update(id(n), |project| {
            project.description = Some("bob's".to_owned());
            Ok::<_, StoreError>(())
        })
        .unwrap();
}

#[test]
fn an_answer_that_was_lost_takes_no_author_along_and_alone_there_is_none() {
    let (mut cloud, mut a) = (Cloud::new(), store("laptop"));
    add(&mut a, 0);
    let mut session = Session::begin(&mut a, "me@here", LIMITS, by("ann@a")).unwrap();
    let Next::Ask(_, request) = session.next(&mut a).unwrap() else { panic!("nothing to ask") };
    cloud.answer(request);
    drop(session);
    cloud.sync_with(&mut a, LIMITS, by("ann@a")).unwrap();
    assert_eq!(authors(&a, 0), [some("ann@a")]);
    rename(&mut a, 0, "alone");
    cloud.sync(&mut a);
    let sent = cloud.requests.iter().flat_map(|request| &request.mutations).next().unwrap();
    assert!(!String::from_utf8_lossy(&sent.envelope).contains("author"));
    assert_eq!(authors(&a, 0), [some("ann@a"), None]);
}
