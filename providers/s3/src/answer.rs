//! The store's XML. Whatever it is, it is read or refused; a document with a DTD is refused.

use orkee_provider_objects::{Entry, Listing};
use orkee_provider_sdk::{Failure, rfc3339};
use roxmltree::{Document, Node};

use crate::address::Address;

/// A page of `ListObjectsV2`, with our keys.
pub(crate) fn listing(body: &[u8], address: &Address, date: u64) -> Result<Listing, Failure> {
    let wrong = |what: &str| Failure::Protocol(format!("the store's listing cannot be read: {what}"));
    let text = std::str::from_utf8(body).map_err(|_| wrong("it is no text"))?;
    let document = Document::parse(text).map_err(|error| wrong(&error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "ListBucketResult" {
        return Err(wrong("it is something else; is the API URL right?"));
    }
    let mut entries = Vec::new();
    for contents in root.children().filter(|node| node.has_tag_name_of("Contents")) {
        let field = |name| child(contents, name).ok_or_else(|| wrong(&format!("an object has no {name}")));
        let Some(key) = address.strip(field("Key")?) else {
            return Err(wrong("it lists what was not asked for"));
        };
        entries.push(Entry {
            key: key.to_owned(),
            etag: field("ETag")?.to_owned(),
            size: field("Size")?.parse().map_err(|_| wrong("a size is no number"))?,
            modified: rfc3339(field("LastModified")?).ok_or_else(|| wrong("a date is none"))?,
        });
    }
    let more = child(root, "IsTruncated") == Some("true");
    Ok(Listing { entries, more, date })
}

/// What a store says of a request that it refused.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: String,
    /// Where the bucket is instead.
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
}

/// None where the reply is not of this protocol, such as a proxy's page.
pub(crate) fn error(body: &[u8]) -> Option<Said> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    if root.tag_name().name() != "Error" {
        return None;
    }
    let owned = |name| child(root, name).map(str::to_owned);
    Some(Said { code: owned("Code")?, endpoint: owned("Endpoint"), region: owned("Region") })
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|child| child.has_tag_name_of(name)).map(|child| child.text().unwrap_or_default())
}

/// Stores differ in the namespace that they name, or name none.
trait Named {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::tests::address;

    const LISTING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>p/r/</Prefix>
        <IsTruncated>true</IsTruncated><Contents><Key>p/r/aaaaaaaa</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
        <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size></Contents></ListBucketResult>"#;

    #[test]
    fn a_listing_has_our_keys_with_etags_sizes_and_times() {
        let page = listing(LISTING.as_bytes(), &address("b", "p"), 7).unwrap();
        let [entry] = page.entries.as_slice() else { panic!("{page:?}") };
        assert_eq!((entry.key.as_str(), entry.size, entry.modified), ("r/aaaaaaaa", 434_234, 1_255_369_830));
        assert_eq!(entry.etag, "\"fba9dede5f27731c9771645a39863328\"");
        assert!(page.more && page.date == 7);
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;\">]><ListBucketResult>&b;</ListBucketResult>";
        let foreign = LISTING.replace("p/r/aaaaaaaa", "other/aaaaaaaa");
        let deep = "<a>".repeat(100_000);
        for body in [
            "",
            "<html></html>",
            "{}",
            bomb,
            &LISTING[..300],
            &foreign,
            &deep,
            &LISTING.replace("434234", "-1"),
        ] {
            let answer = listing(body.as_bytes(), &address("b", "p"), 7);
            assert!(matches!(answer, Err(Failure::Protocol(_))), "{}", &body[..body.len().min(50)]);
        }
        assert!(listing(&[0xff], &address("b", "p"), 7).is_err());
    }

    #[test]
    fn an_error_is_read_with_its_code() {
        let body = "<Error><Code>NoSuchBucket</Code><Message>m</Message><BucketName>b</BucketName></Error>";
        assert_eq!(error(body.as_bytes()).unwrap().code, "NoSuchBucket");
        assert_eq!(error(b"<html>"), None);
        assert_eq!(error(b"<html></html>"), None);
        assert_eq!(error(b""), None);
    }
}
