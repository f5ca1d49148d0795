//! WebDAV's requests, and what their answers mean.

use orkee_provider_sdk::{Failure, Request, Response, Stored, send_all};

use crate::multistatus::{self, Entry};
use crate::record;
use crate::waiting::TURNS;

/// Requests that the host has under way at once, and so the size of a portion.
pub(crate) const AT_ONCE: usize = 8;

const PROPERTIES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getlastmodified/></prop></propfind>"#;

/// What a folder holds, and the server's time of the answer.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) members: Vec<Entry>,
    pub(crate) now: u64,
}

/// What is stored under an address.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
}

/// Lists folders. None for one that is not there.
pub(crate) fn list(paths: &[String]) -> Result<Vec<Option<Folder>>, Failure> {
    send_all(paths.iter().map(|path| propfind(path, "1"))).into_iter().map(|reply| folder(&reply?)).collect()
}

/// As [`list`], for one folder.
pub(crate) fn list_one(path: String) -> Result<Option<Folder>, Failure> {
    Ok(list(&[path])?.pop().flatten())
}

pub(crate) fn propfind(path: &str, depth: &str) -> Request {
    Request::new("PROPFIND", path)
        .login()
        .header("depth", depth)
        .header("content-type", "application/xml; charset=utf-8")
        .body(PROPERTIES)
}

fn folder(reply: &Response) -> Result<Option<Folder>, Failure> {
    match reply.status {
        207 => Ok(Some(Folder { members: multistatus::members(&reply.body)?, now: date(reply)? })),
        404 => Ok(None),
        _ => Err(failure(reply, "list a folder")),
    }
}

pub(crate) fn get(path: &str) -> Request {
    Request::get(path).login().header("cache-control", "no-cache")
}

/// A file that was asked for. None: it is not there.
pub(crate) fn file(reply: Response) -> Result<Option<File>, Failure> {
    match reply.status {
        200 => Ok(Some(File { etag: reply.header("etag").map(str::to_owned), body: reply.body })),
        404 => Ok(None),
        _ => Err(failure(&reply, "read a file")),
    }
}

/// Reads files, a portion at a time. None for one that is not there.
pub(crate) fn read(paths: &[String]) -> Result<Vec<Option<File>>, Failure> {
    let mut files = Vec::with_capacity(paths.len());
    for portion in paths.chunks(AT_ONCE) {
        for reply in send_all(portion.iter().map(|path| get(path))) {
            files.push(file(reply?)?);
        }
    }
    Ok(files)
}

/// A record's file as what it holds.
pub(crate) fn stored(path: &str, file: File) -> Result<Stored, Failure> {
    record::unpacked(file.body)
        .ok_or_else(|| Failure::Protocol(format!("the file {path} on the server is none of Orkee's records")))
}

pub(crate) fn put(path: &str, body: Vec<u8>) -> Request {
    Request::put(path)
        .login()
        .header("content-type", "application/octet-stream")
        .body(body)
        .timeout_ms(TURNS.request_ms)
}

/// Only where there is no such file.
pub(crate) fn if_new(request: Request) -> Request {
    request.header("if-none-match", "*")
}

/// Only where the file is still the one with this ETag.
///
/// A weak ETag never fulfils `If-Match`, and Apache gives weak ones in the first second after a write; WebDAV's own `If` compares
/// them as they are.
pub(crate) fn if_still(request: Request, etag: &str) -> Request {
    match etag.starts_with("W/") {
        true => request.header("if", format!("([{etag}])")),
        false => request.header("if-match", etag),
    }
}

pub(crate) fn make(path: &str) -> Request {
    Request::new("MKCOL", path).login().timeout_ms(TURNS.request_ms)
}

/// Makes folders that may be there already.
pub(crate) fn ensure(paths: &[String]) -> Result<(), Failure> {
    for (path, reply) in paths.iter().zip(send_all(paths.iter().map(|path| make(path)))) {
        let reply = reply?;
        // 405 is the standard's word for a folder that is there. Under a race some say otherwise; then a look decides.
        match reply.status {
            201 | 200 | 405 => {}
            _ if list_one(path.clone())?.is_some() => {}
            _ => return Err(failure(&reply, "make a folder")),
        }
    }
    Ok(())
}

/// Whether a write was done. A page of HTML under 200 is somebody else's, such as a hotel's; under 201 it is Apache's.
pub(crate) fn is_done(reply: &Response) -> bool {
    let is_page = || reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    matches!(reply.status, 201 | 204) || (reply.status == 200 && !is_page())
}

/// The server's time. That it tells one was tried out: a reply without it is not the server's.
pub(crate) fn date(reply: &Response) -> Result<u64, Failure> {
    reply.date().ok_or_else(|| Failure::Protocol("an answer does not say what time it is".to_owned()))
}

/// What the host is told of an answer that is none of those that were hoped for.
pub(crate) fn failure(reply: &Response, doing: &str) -> Failure {
    let words = match reply.status {
        401 => "the server refused the user name or the password".to_owned(),
        403 => format!("the server does not allow to {doing}"),
        423 => return Failure::Busy(Some(2000)),
        507 => {
            return Failure::Unsuitable(format!(
                "the server has no room left for you (it answered 507 when asked to {doing})"
            ));
        }
        status => format!("the server answered with status {status} when asked to {doing}"),
    };
    reply.failure_saying(words)
}
