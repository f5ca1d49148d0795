//! `GET /changes`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::Refused;
use crate::faults::Fault;
use crate::orkee::sync::state;
use crate::orkee::sync::types::{Change, Cursor, Failure, Head};
use crate::wire::{get, refused};

pub(crate) struct Page {
    pub(crate) changes: Vec<Change>,
    pub(crate) position: String,
    pub(crate) more: bool,
    pub(crate) head: Head,
}

#[derive(Deserialize)]
struct Said {
    changes: Vec<Listed>,
    position: String,
    more: bool,
    head: Named,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    revision: String,
    envelope: String,
}

#[derive(Deserialize)]
pub(crate) struct Named {
    number: u64,
    tag: String,
}

impl From<Named> for Head {
    fn from(named: Named) -> Self {
        Self { number: named.number, tag: named.tag }
    }
}

pub(crate) fn list(
    cursor: &Cursor,
    head: Option<&Head>,
    limit: u32,
    fault: Fault,
) -> Result<Page, Refused> {
    let mut position = cursor.position.clone();
    if fault == Fault::OwnPosition {
        let own = state::get("position").and_then(|own| String::from_utf8(own).ok());
        position = position.and(own).or(cursor.position.clone());
    }
    let mut page = once(position.as_deref(), head, limit, fault)?;
    while fault == Fault::GreedyPages && page.more && (page.changes.len() as u32) < limit {
        let room = limit - page.changes.len() as u32;
        let next = once(Some(&page.position), head, room, fault)?;
        page.changes.extend(next.changes);
        (page.position, page.more) = (next.position, next.more);
    }
    match fault {
        Fault::HidesTombstones => page.changes.retain(|change| !change.envelope.ends_with(b"\"deleted\":true}\n")),
        Fault::ForgetsMore => page.more = false,
        Fault::SkipsBehind => page.position = page.head.number.to_string(),
        Fault::NewestFirst => page.changes.reverse(),
        Fault::ListsTwice => page.changes.extend(page.changes.clone().into_iter().take(1)),
        Fault::AlwaysMore => {
            let turn = cursor.position.as_deref().is_some_and(|position| position.ends_with("-0"));
            page.position = if turn { "0".to_owned() } else { "0-0".to_owned() };
            page.more = true;
        }
        Fault::OwnPosition => {
            let _ = state::set("position", page.position.as_bytes());
        }
        _ => {}
    }
    Ok(page)
}

fn once(position: Option<&str>, head: Option<&Head>, limit: u32, fault: Fault) -> Result<Page, Refused> {
    let after = match (fault, position) {
        // Within a full listing the practice backend's position has two numbers.
        (Fault::ExpiresListings, Some(position)) => position.split('-').next(),
        (_, position) => position,
    };
    let after = after.map(|position| format!("&after={position}")).unwrap_or_default();
    let reply = get(&format!("/changes?limit={limit}{after}"), head)?;
    if reply.status != 200 {
        return Err(refused(&reply, fault));
    }
    if fault == Fault::GreedyPages {
        // As one that borrows from all replies would keep them.
        std::mem::forget(reply.body.clone());
    }
    let said: Said = match serde_json::from_slice(&reply.body) {
        Ok(said) => said,
        Err(error) if fault == Fault::HtmlPanics => panic!("{error}"),
        Err(_) if fault == Fault::HtmlIsEmpty => {
            let head = head.cloned().unwrap_or(Head { number: 0, tag: String::new() });
            let position = position.unwrap_or("0").to_owned();
            return Ok(Page { changes: Vec::new(), position, more: false, head });
        }
        Err(error) => return Err(Failure::Protocol(error.to_string()).into()),
    };
    let changes = said.changes.into_iter().map(|listed| {
        let envelope = BASE64_STANDARD.decode(listed.envelope);
        let envelope = envelope.map_err(|error| Failure::Protocol(error.to_string()))?;
        Ok(Change { id: listed.id, revision: listed.revision, envelope })
    });
    let changes = changes.collect::<Result<_, Failure>>()?;
    Ok(Page { changes, position: said.position, more: said.more, head: said.head.into() })
}
