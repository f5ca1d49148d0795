//! A reply to a sync that somebody changes on its way, as whoever has the server can: the records that it brings, and what it says
//! is stored.

use std::fmt;
use std::sync::Arc;

use orkee_wire::{Envelope, Outcome, SYNC_MEDIA_TYPE, SyncReply, join, split};

use super::bytes::reply;
use crate::http::{parse_head, read_reply};

/// A reply to a sync, taken apart.
#[derive(Debug)]
pub struct Brought {
    /// Its head. The lengths are written anew afterwards, and the changes' entries, too.
    pub head: SyncReply,
    /// What is stored where a guard did not match, in the order of the outcomes that say so.
    pub stored: Vec<Vec<u8>>,
    /// The records that changed.
    pub changes: Vec<Record>,
}

/// A record as a reply brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// Its revision.
    pub revision: String,
    /// Its envelope.
    pub envelope: Vec<u8>,
}

impl Record {
    /// The envelope with another head, or another payload.
    #[track_caller]
    pub fn change(&mut self, change: impl FnOnce(&mut serde_json::Value, &mut Vec<u8>)) {
        let line = self.envelope.iter().position(|b| *b == b'\n').expect("a head line");
        let mut head = serde_json::from_slice(&self.envelope[..line]).expect("a head");
        let mut payload = self.envelope[line + 1..].to_vec();
        change(&mut head, &mut payload);
        self.envelope = [head.to_string().as_bytes(), b"\n", &payload].concat();
    }

    /// Its payload; none of a tombstone.
    #[track_caller]
    pub fn payload(&self) -> Option<Vec<u8>> {
        Envelope::parse(&self.envelope).expect("an envelope").payload.map(<[u8]>::to_vec)
    }
}

/// What becomes of each such reply.
#[derive(Clone)]
pub struct Alteration(Arc<dyn Fn(&mut Brought) + Send + Sync>);

impl fmt::Debug for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alteration")
    }
}

impl Alteration {
    /// One that does this.
    pub fn by(change: impl Fn(&mut Brought) + Send + Sync + 'static) -> Self {
        Self(Arc::new(change))
    }

    /// The reply, changed; what is no reply to a sync is as it was.
    pub(super) fn of(&self, raw: &[u8]) -> Vec<u8> {
        let Ok(answer) = read_reply(&mut &raw[..], false) else { return raw.to_vec() };
        if answer.status != 200 || answer.header("content-type") != Some(SYNC_MEDIA_TYPE) {
            return raw.to_vec();
        }
        let mut brought = Brought::of(&answer.body);
        (self.0)(&mut brought);
        reply(200, &[("Content-Type", SYNC_MEDIA_TYPE)], &brought.to_bytes())
    }
}

impl Brought {
    fn of(body: &[u8]) -> Self {
        let (head, blobs) = split(body, SyncReply::blob_lengths).unwrap();
        let (stored, changed) = blobs.split_at(blobs.len() - head.changes.len());
        let changes = head.changes.iter().zip(changed).map(|(change, envelope)| Record {
            id: change.id.clone(),
            revision: change.revision.clone(),
            envelope: envelope.to_vec(),
        });
        Self { stored: stored.iter().map(|blob| blob.to_vec()).collect(), changes: changes.collect(), head }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut head = self.head.clone();
        let mut stored = self.stored.iter();
        for outcome in &mut head.outcomes {
            if let Outcome::Conflict { revision: Some(_), len } = outcome {
                *len = stored.next().map_or(0, Vec::len) as u64;
            }
        }
        let change = |record: &Record| orkee_wire::Change {
            id: record.id.clone(),
            revision: record.revision.clone(),
            len: record.envelope.len() as u64,
        };
        head.changes = self.changes.iter().map(change).collect();
        let blobs = self.stored.iter().chain(self.changes.iter().map(|record| &record.envelope));
        join(&head, blobs.map(Vec::as_slice)).unwrap()
    }

    /// Has the reply say that there is no such record, wherever what it says is stored is like this.
    pub fn deny(&mut self, is_denied: impl Fn(&[u8]) -> bool) {
        let mut stored = std::mem::take(&mut self.stored).into_iter();
        for outcome in &mut self.head.outcomes {
            let Outcome::Conflict { revision: revision @ Some(_), .. } = outcome else { continue };
            match stored.next() {
                Some(blob) if is_denied(&blob) => *revision = None,
                blob => self.stored.extend(blob),
            }
        }
        self.stored.extend(stored);
    }
}

/// A request whose reply is to come as it is, and not packed.
pub(super) fn unpacked(request: &[u8]) -> Vec<u8> {
    let Some((first, headers, body_at)) = parse_head(request) else { return request.to_vec() };
    let others = headers.iter().filter(|(name, _)| name != "accept-encoding");
    let lines: String = others.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    [format!("{first}\r\n{lines}\r\n").as_bytes(), &request[body_at..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"outcomes":[{"status":"conflict","revision":"7","len":3},{"status":"conflict","revision":"8","len":2}],"changes":[{"id":"aaaaaaaa","revision":"9","len":4}],"cursor":{"position":"1","head":null},"more":false}"#;

    fn raw() -> Vec<u8> {
        reply(200, &[("Content-Type", SYNC_MEDIA_TYPE)], format!("{HEAD}\nonetwfour").as_bytes())
    }

    #[test]
    fn a_reply_that_nobody_changes_says_the_same() {
        let body = |raw: &[u8]| read_reply(&mut &raw[..], false).unwrap().body;
        assert_eq!(
            Brought::of(&body(&Alteration::by(|_| {}).of(&raw()))).to_bytes(),
            Brought::of(&body(&raw())).to_bytes()
        );
    }

    #[test]
    fn what_is_denied_is_said_not_to_be_there_and_the_rest_stays() {
        let altered = Alteration::by(|brought| brought.deny(|stored| stored == b"one")).of(&raw());
        let brought = Brought::of(&read_reply(&mut &altered[..], false).unwrap().body);
        assert_eq!(brought.stored, [b"tw"]);
        assert!(matches!(&brought.head.outcomes[0], Outcome::Conflict { revision: None, len: 0 | 3 }));
        assert!(matches!(&brought.head.outcomes[1], Outcome::Conflict { revision: Some(_), len: 2 }));
        assert_eq!(brought.changes[0].envelope, b"four");
    }
}
