//! A device at the wire: exchanges with a cursor.

use orkee_wire::sealed::MAGIC;
use orkee_wire::{
    Cursor, Envelope, EnvelopeHead, Mutation, Outcome, SYNC_MEDIA_TYPE, SyncReply, SyncRequest, join, split,
};

use super::{Client, Request, Response};

pub(crate) struct Device {
    client: Client,
    token: String,
    pub(crate) cursor: Cursor,
}

/// A reply, and the envelopes that came with it.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) reply: SyncReply,
    pub(crate) conflicts: Vec<Vec<u8>>,
    pub(crate) changes: Vec<Vec<u8>>,
}

/// A version of a project, or a tombstone where there is no payload.
pub(crate) fn envelope(writer: &str, clock: u64, payload: Option<&str>) -> Vec<u8> {
    of_bytes(writer, clock, payload.map(str::as_bytes))
}

/// A version of a record that says of itself that it is sealed.
pub(crate) fn sealed(writer: &str, clock: u64) -> Vec<u8> {
    of_bytes(writer, clock, Some(&[&MAGIC[..], &[1, 0, 0, 0, 1], b"what only its owner reads"].concat()))
}

fn of_bytes(writer: &str, clock: u64, payload: Option<&[u8]>) -> Vec<u8> {
    let head = EnvelopeHead {
        v: 1,
        ancestry: [(writer.to_owned(), clock)].into(),
        device: writer.to_owned(),
        at: "2026-01-02T03:04:05Z".to_owned(),
        author: None,
        deleted: payload.is_none(),
        seal: None,
    };
    Envelope { head, payload }.to_bytes()
}

/// A version of a project with this name.
pub(crate) fn project(id: &str, name: &str) -> Vec<u8> {
    envelope("laptop", 1, Some(&format!(r#"{{"id":"{id}","name":"{name}"}}"#)))
}

/// A request's body.
pub(crate) fn body(cursor: &Cursor, writes: &[(&str, Option<&str>, &[u8])], limit: u32) -> Vec<u8> {
    let mutations = writes.iter().map(|(id, guard, envelope)| Mutation {
        id: (*id).to_owned(),
        guard: guard.map(str::to_owned),
        len: envelope.len() as u64,
    });
    let head = SyncRequest { cursor: cursor.clone(), mutations: mutations.collect(), limit };
    join(&head, writes.iter().map(|(_, _, envelope)| *envelope)).unwrap()
}

/// Reads a reply's body.
#[track_caller]
pub(crate) fn read(body: &[u8]) -> Exchanged {
    let (reply, blobs) = split::<SyncReply>(body, SyncReply::blob_lengths).unwrap();
    let mut blobs: Vec<Vec<u8>> = blobs.into_iter().map(<[u8]>::to_vec).collect();
    let changes = blobs.split_off(blobs.len() - reply.changes.len());
    Exchanged { reply, conflicts: blobs, changes }
}

impl Device {
    pub(crate) fn new(client: &Client, token: &str) -> Self {
        Self { client: client.clone(), token: token.to_owned(), cursor: Cursor::default() }
    }

    /// The same device, standing elsewhere.
    pub(crate) fn at(self, cursor: &Cursor) -> Self {
        Self { cursor: cursor.clone(), ..self }
    }

    /// Asks, and stays where it is.
    #[track_caller]
    pub(crate) fn ask(&self, writes: &[(&str, Option<&str>, &[u8])], limit: u32) -> Response {
        let request = Request::post("/v1/sync", body(&self.cursor, writes, limit));
        self.client.send(&request.header("content-type", SYNC_MEDIA_TYPE).bearer(&self.token))
    }

    /// Asks, and goes on to the cursor that comes back.
    #[track_caller]
    pub(crate) fn exchange(&mut self, writes: &[(&str, Option<&str>, &[u8])], limit: u32) -> Exchanged {
        let response = self.ask(writes, limit);
        assert_eq!(response.status, 200, "{}", response.text());
        let exchanged = read(&response.body);
        self.cursor = exchanged.reply.cursor.clone();
        exchanged
    }

    /// Writes one record that must be accepted; its revision.
    #[track_caller]
    pub(crate) fn write(&mut self, id: &str, guard: Option<&str>, envelope: &[u8]) -> String {
        let exchanged = self.exchange(&[(id, guard, envelope)], 100);
        match &exchanged.reply.outcomes[..] {
            [Outcome::Accepted { revision }] => revision.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Lists what is new; ids in order.
    #[track_caller]
    pub(crate) fn pull(&mut self) -> Vec<String> {
        self.exchange(&[], 100).reply.changes.into_iter().map(|change| change.id).collect()
    }
}
