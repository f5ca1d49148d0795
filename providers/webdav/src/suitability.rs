//! Trying a server out, once for each folder: whether what this provider builds on holds there.

use orkee_provider_sdk::{Failure, Request, recall, remember};

use crate::dav::{self, if_new, if_still, is_done};
use crate::place::Place;
use crate::record;

const KEY: &str = "suits";
const WRONG: &str = "\"orkee-no-such-version\"";

/// Makes the folders and tries the server out, unless that was done before.
pub(crate) fn check(place: &Place) -> Result<(), Failure> {
    let shown = place.shown();
    if recall::<String>(KEY).as_ref() == Some(&shown) {
        return Ok(());
    }
    look_at_the_root()?;
    for folder in place.folders() {
        dav::ensure(&[folder])?;
    }
    let trial = place.trial(&record::fresh()?);
    let tried = conditions(&trial).and_then(|()| folders(place, &trial));
    for path in [trial.clone(), format!("{trial}-turn/")] {
        // What stays behind is found by nobody.
        let _ = Request::delete(path).login().send();
    }
    tried?;
    remember(KEY, &shown);
    Ok(())
}

fn look_at_the_root() -> Result<(), Failure> {
    let reply = dav::propfind("/", "0").send()?;
    let unsuitable = |words: &str| Err(Failure::Unsuitable(words.to_owned()));
    match reply.status {
        207 => crate::multistatus::entries(&reply.body).map(drop),
        404 => unsuitable(
            "there is nothing at the API URL; for Nextcloud it ends with /remote.php/dav/files/USER",
        ),
        300..400 => unsuitable("the server wants to be asked at another place than the API URL"),
        200 | 405 | 501 => unsuitable("the server at the API URL speaks no WebDAV"),
        _ => Err(dav::failure(&reply, "list the folder at the API URL")),
    }
}

/// Files are written only as their conditions allow, and come back as they were.
fn conditions(trial: &str) -> Result<(), Failure> {
    let put = |body: &str| dav::put(trial, body.as_bytes().to_vec());
    let first = if_new(put("one")).send()?;
    if !is_done(&first) {
        return Err(dav::failure(&first, "write a file"));
    }
    expect_refusal(if_new(put("two")), "If-None-Match")?;
    expect_refusal(if_still(put("two"), WRONG), "If-Match")?;
    let file = dav::file(dav::get(trial).send()?)?.filter(|file| file.body == b"one");
    let file = file.ok_or_else(|| {
        Failure::Unsuitable("this server does not give back files as they were written".to_owned())
    })?;
    let etag =
        file.etag.ok_or_else(|| Failure::Unsuitable("this server gives its files no ETag".to_owned()))?;
    let right = if_still(put("three"), &etag).send()?;
    match right.status {
        412 => Err(Failure::Unsuitable("this server refuses a file's own ETag as a condition".to_owned())),
        _ if is_done(&right) => Ok(()),
        _ => Err(dav::failure(&right, "replace a file")),
    }
}

fn expect_refusal(request: Request, header: &str) -> Result<(), Failure> {
    let reply = request.send()?;
    match reply.status {
        412 => Ok(()),
        _ if is_done(&reply) => Err(Failure::Unsuitable(format!(
            "this server ignores conditions ({header}), so that two devices would overwrite each other's changes"
        ))),
        _ => Err(dav::failure(&reply, "replace a file")),
    }
}

/// A folder is made once, and is listed with the time when that was.
fn folders(place: &Place, trial: &str) -> Result<(), Failure> {
    let path = format!("{trial}-turn/");
    let first = dav::make(&path).send()?;
    if first.status != 201 {
        return Err(dav::failure(&first, "make a folder"));
    }
    if first.date().is_none() {
        return Err(Failure::Unsuitable(
            "this server tells no time in its answers (the header `Date`)".to_owned(),
        ));
    }
    if matches!(dav::make(&path).send()?.status, 200..300) {
        return Err(Failure::Unsuitable(
            "this server makes a folder that is already there, so that two devices could write at once"
                .to_owned(),
        ));
    }
    let listed = dav::list_one(place.root())?.unwrap_or_default().members;
    let name = |suffix: &str| trial.rsplit('/').next().map(|name| format!("{name}{suffix}"));
    let found = |suffix, is_folder| {
        let entry = listed.iter().find(|entry| Some(&entry.name) == name(suffix).as_ref());
        entry.filter(|entry| entry.is_folder == is_folder)
    };
    match (found("", false), found("-turn", true)) {
        (Some(_), Some(folder)) if folder.modified.is_some() => Ok(()),
        (Some(_), Some(_)) => {
            Err(Failure::Unsuitable("this server does not tell when a folder was made".to_owned()))
        }
        _ => Err(Failure::Unsuitable("this server does not list what was just written".to_owned())),
    }
}
