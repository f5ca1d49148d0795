//! `/v1/backup`: whatever a person wants kept, as it came; the last ten of it.
//!
//! What an account kept before it was sealed stays as it is until ten newer ones take its place or it is deleted: only its owner knows
//! what it is worth. From then on, what is not sealed is refused.
//!
//! An upload goes to the storage piece by piece as it arrives, so that neither its size nor a slow sender holds memory or a
//! transaction.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use orkee_wire::sealed::{MAGIC, is_sealed};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::body::{Arriving, MAX_WINDOW_LOG, Packing, or_discard, too_large};
use crate::http::unpack::Unpacker;
use crate::http::{ApiError, App};
use crate::storage::{AccountKey, Backup, Caller, NewBackup};
use orkee_core::id;

const ID_LEN: usize = 16;
const PIECE: usize = 1 << 20;

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let account = caller.account.key;
    let backups = app.storage(move |storage| storage.backups(account)).await?;
    Ok(Json(json!({ "backups": backups.iter().map(show).collect::<Vec<_>>() })))
}

fn show(backup: &Backup) -> Value {
    json!({
        "id": backup.id,
        "bytes": backup.bytes,
        "sha256": backup.sha256,
        "at": backup.at.to_string(),
        "content_type": backup.content_type,
    })
}

pub(super) async fn upload(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (caller, body) = or_discard(caller, body).await?;
    let (packing, body) = or_discard(Packing::of(&headers), body).await?;
    let (plain, body) = or_discard(plain_is(&app, &caller).await, body).await?;
    let id = id::random(ID_LEN);
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (account, backup) = (caller.account.key, id.clone());
    let begun = Timestamp::now();
    app.storage(move |storage| {
        let new = NewBackup { id: &backup, account, content_type: content_type.as_deref() };
        storage.begin_backup(&new, begun)
    })
    .await?;
    let mut arriving = Arriving::new(body);
    match receive(&app, &id, Upload::new(packing, app.settings.backup_limit, plain)?, &mut arriving).await {
        Ok((bytes, sha256)) => Ok((
            StatusCode::CREATED,
            Json(json!({ "id": id, "bytes": bytes, "sha256": sha256, "at": begun.to_string() })),
        )),
        Err(error) => {
            arriving.discard().await;
            app.storage(move |storage| storage.drop_backup(&id)).await?;
            Err(error)
        }
    }
}

/// What is said to whoever uploads something that is not sealed; none: they may.
async fn plain_is(app: &App, caller: &Caller) -> Result<Option<ApiError>, ApiError> {
    let refused = |message| Some(ApiError::new(StatusCode::FORBIDDEN, "sealed", message));
    if let Some(tenant) = caller.rules.tenant.as_ref().filter(|_| caller.rules.seals) {
        return Ok(refused(format!("tenant {tenant} requires encryption, and this is not encrypted")));
    }
    let space = caller.account.space;
    let seals = app.storage(move |storage| storage.seals(space)).await?;
    let message = "the projects of this account are end-to-end encrypted, and this is not";
    Ok(if seals { refused(message.to_owned()) } else { None })
}

/// Stores a body under `id`; its length and hash.
async fn receive(
    app: &App,
    id: &str,
    mut upload: Upload,
    arriving: &mut Arriving,
) -> Result<(u64, String), ApiError> {
    while let Some(chunk) = arriving.next().await? {
        upload.take(&chunk)?;
        while let Some((n, piece)) = upload.full_piece() {
            store(app, id, n, piece).await?;
        }
    }
    upload.end()?;
    while let Some((n, piece)) = upload.any_piece() {
        store(app, id, n, piece).await?;
    }
    let (bytes, sha256) = (upload.total, hex::encode(upload.hash.finalize()));
    let (id, hash) = (id.to_owned(), sha256.clone());
    app.storage(move |storage| storage.finish_backup(&id, bytes, &hash)).await?;
    Ok((bytes, sha256))
}

async fn store(app: &App, id: &str, n: u32, piece: Vec<u8>) -> Result<(), ApiError> {
    let id = id.to_owned();
    app.storage(move |storage| storage.add_backup_piece(&id, n, &piece)).await
}

/// An upload under way: unpacked, counted, hashed, cut into pieces.
struct Upload {
    unpacker: Option<Unpacker>,
    plain: Vec<u8>,
    hash: Sha256,
    total: u64,
    limit: u64,
    pieces: u32,
    /// What is said of one that is not sealed; none: it may be anything.
    plain_is: Option<ApiError>,
}

impl Upload {
    fn new(packing: Packing, limit: u64, plain_is: Option<ApiError>) -> Result<Self, ApiError> {
        let unpacker = match packing {
            Packing::Plain => None,
            Packing::Zstd => Some(Unpacker::new(MAX_WINDOW_LOG).map_err(|e| ApiError::internal(&e))?),
        };
        Ok(Self { unpacker, plain: Vec::new(), hash: Sha256::new(), total: 0, limit, pieces: 0, plain_is })
    }

    /// Takes what arrived. A small part at a time is unpacked, so that a bomb is met before it goes off.
    fn take(&mut self, chunk: &Bytes) -> Result<(), ApiError> {
        if self.unpacker.is_none() {
            return self.keep(chunk);
        }
        let mut plain = Vec::new();
        for part in chunk.chunks(1024) {
            if let Some(unpacker) = &mut self.unpacker {
                unpacker.push(part, &mut plain).map_err(|_| ApiError::invalid("the body is not zstd"))?;
            }
            self.keep(&plain)?;
            plain.clear();
        }
        Ok(())
    }

    /// Nothing more comes. Half a backup is worse than none, since somebody relies on it.
    fn end(&self) -> Result<(), ApiError> {
        match &self.unpacker {
            Some(unpacker) if !unpacker.is_whole() => {
                Err(ApiError::invalid("the zstd in the body ends early"))
            }
            _ => self.look_at_beginning(0),
        }
    }

    /// Refuses what has to be sealed and is not, as soon as `enough` is there to tell.
    fn look_at_beginning(&self, enough: usize) -> Result<(), ApiError> {
        match &self.plain_is {
            Some(refusal) if self.pieces == 0 && self.plain.len() >= enough && !is_sealed(&self.plain) => {
                Err(refusal.clone())
            }
            _ => Ok(()),
        }
    }

    fn keep(&mut self, plain: &[u8]) -> Result<(), ApiError> {
        self.total += plain.len() as u64;
        if self.total > self.limit {
            return Err(too_large(self.limit));
        }
        self.hash.update(plain);
        self.plain.extend_from_slice(plain);
        self.look_at_beginning(MAGIC.len())
    }

    fn full_piece(&mut self) -> Option<(u32, Vec<u8>)> {
        if self.plain.len() < PIECE { None } else { self.any_piece() }
    }

    fn any_piece(&mut self) -> Option<(u32, Vec<u8>)> {
        if self.plain.is_empty() {
            return None;
        }
        let rest = self.plain.split_off(self.plain.len().min(PIECE));
        self.pieces += 1;
        Some((self.pieces - 1, std::mem::replace(&mut self.plain, rest)))
    }
}

pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let account = caller.account.key;
    let backups = app.storage(move |storage| storage.backups(account)).await?;
    let backup = backups
        .into_iter()
        .find(|backup| backup.id == id)
        .ok_or_else(|| ApiError::not_found("this account has no such backup"))?;
    let media_type =
        backup.content_type.as_deref().and_then(|media_type| HeaderValue::from_str(media_type).ok());
    let mut response = pieces(app, account, backup.id).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        media_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(backup.bytes));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let account = caller.account.key;
    match app.storage(move |storage| storage.delete_backup(account, &id)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("this account has no such backup")),
    }
}

/// A body that reads one piece after the other.
fn pieces(app: Arc<App>, account: AccountKey, id: String) -> Body {
    Body::from_stream(stream::unfold(Some(0u32), move |next| {
        let (app, id) = (Arc::clone(&app), id.clone());
        async move {
            let n = next?;
            match app.storage(move |storage| storage.backup_piece(account, &id, n)).await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(n + 1))),
                Err(_) => Some((Err(std::io::Error::other("the backup could not be read")), None)),
            }
        }
    }))
}
