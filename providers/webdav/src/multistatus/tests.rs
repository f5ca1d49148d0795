use super::*;

fn names(body: &str) -> Vec<(String, bool)> {
    members(body.as_bytes()).unwrap().into_iter().map(|entry| (entry.name, entry.is_folder)).collect()
}

fn refused(body: &[u8]) -> String {
    match members(body) {
        Err(Failure::Protocol(words)) => words,
        other => panic!("{other:?}"),
    }
}

const APACHE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:ns0="DAV:">
<D:response xmlns:lp1="DAV:" xmlns:lp2="http://apache.org/dav/props/">
<D:href>/dav/log/</D:href>
<D:propstat><D:prop><lp1:resourcetype><D:collection/></lp1:resourcetype>
<lp1:getlastmodified>Wed, 25 Nov 2026 22:42:27 GMT</lp1:getlastmodified></D:prop>
<D:status>HTTP/1.1 200 OK</D:status></D:propstat>
</D:response>
<D:response xmlns:lp1="DAV:"><D:href>/dav/log/3/</D:href>
<D:propstat><D:prop><lp1:resourcetype><D:collection/></lp1:resourcetype>
<lp1:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</lp1:getlastmodified></D:prop>
<D:status>HTTP/1.1 200 OK</D:status></D:propstat>
</D:response>
<D:response xmlns:lp1="DAV:"><D:href>/dav/log/3-tag</D:href>
<D:propstat><D:prop><lp1:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
</D:response>
</D:multistatus>"#;

/// As Nextcloud writes it, with what it does not have in a second group.
const NEXTCLOUD: &str = r#"<?xml version="1.0"?>
<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" xmlns:oc="http://owncloud.org/ns"><d:response><d:href>/remote.php/dav/files/al%20ice/orkee/log/</d:href><d:propstat><d:prop><d:getlastmodified>Wed, 25 Nov 2026 22:42:27 GMT</d:getlastmodified><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response><d:response><d:href>/remote.php/dav/files/al%20ice/orkee/log/a%26b</d:href><d:propstat><d:prop><d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop><d:getlastmodified/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response></d:multistatus>"#;

#[test]
fn the_members_of_a_folder_are_told_without_the_folder() {
    assert_eq!(names(NEXTCLOUD), [("a&b".to_owned(), false)]);
    let mut apache = members(APACHE.as_bytes()).unwrap();
    apache.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(
        (apache[0].name.as_str(), apache[0].is_folder, apache[0].modified),
        ("3", true, Some(784_111_777))
    );
    assert_eq!((apache[1].name.as_str(), apache[1].is_folder, apache[1].modified), ("3-tag", false, None));
}

#[test]
fn whole_addresses_and_other_prefixes_are_read_too() {
    let body = r#"<multistatus xmlns="DAV:"><response><href>http://a.example/x/</href><propstat><prop><resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response>
        <response><href>http://a.example/x/y&amp;&#122;</href></response></multistatus>"#;
    assert_eq!(names(body), [("y&z".to_owned(), false)]);
}

#[test]
fn elements_of_other_namespaces_mean_nothing() {
    let body = APACHE.replace("xmlns:D=\"DAV:\"", "xmlns:D=\"http://other.example/\"");
    assert!(refused(body.as_bytes()).contains("something else"));
}

#[test]
fn a_property_that_is_not_there_is_not_believed() {
    let body = r#"<multistatus xmlns="DAV:"><response><href>/x/</href><propstat><prop><resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response>
        <response><href>/x/y</href><propstat><prop><resourcetype><collection/></resourcetype></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>"#;
    assert_eq!(names(body), [("y".to_owned(), false)]);
}

#[test]
fn hostile_and_broken_texts_are_refused() {
    for cut in 1..APACHE.len() {
        if APACHE.is_char_boundary(cut) {
            refused(&APACHE.as_bytes()[..cut]);
        }
    }
    refused(b"");
    refused(b"<html><body>It works!</body></html>");
    refused(b"\xff\xfe");
    refused("<a>".repeat(10_000).as_bytes());
    let bomb = r#"<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><multistatus xmlns="DAV:"><response><href>/x/&b;</href></response></multistatus>"#;
    assert!(refused(bomb.as_bytes()).contains("entity of its own"));
    refused(APACHE.replace("/dav/log/3-tag", "/dav/%zz").as_bytes());
    refused(br#"<multistatus xmlns="DAV:"><response><href>/only-a-file</href></response></multistatus>"#);
}
