//! The optional parts, for people: whose account, which projects, which devices.

use std::fmt::Write;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::exports::orkee::sync::account::Profile;
use crate::bindings::exports::orkee::sync::devices::Device;
use crate::bindings::exports::orkee::sync::listing::{Entry, Page};
use crate::bindings::orkee::sync::types::Failure;
use crate::call;

pub(crate) fn whoami() -> Result<Profile, Failure> {
    #[derive(Deserialize)]
    struct Account {
        id: String,
        email: String,
        plan: Option<String>,
    }
    let Account { id, email, plan } = ask("/v1/account".to_owned())?;
    Ok(Profile { id, email, plan })
}

pub(crate) fn browse(after: Option<&str>, limit: u32) -> Result<Page, Failure> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        projects: Vec<&'a serde_json::value::RawValue>,
        next: Option<String>,
    }
    let mut path = format!("/v1/projects?limit={limit}");
    if let Some(after) = after {
        path.push_str("&after=");
        percent_encode(after, &mut path);
    }
    let reply = call::get(path)?;
    let listed: Listed = serde_json::from_slice(&reply.body).map_err(unreadable)?;
    let entries = listed.projects.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Page { entries, next: listed.next })
}

fn entry(project: &serde_json::value::RawValue) -> Result<Entry, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Project {
        id: String,
        name: Option<String>,
        status: Option<String>,
        updated_at: Option<String>,
    }
    let Project { id, name, status, updated_at } = serde_json::from_str(project.get()).map_err(unreadable)?;
    Ok(Entry { id, name, status, updated_at, bytes: project.get().len() as u64 })
}

pub(crate) fn devices() -> Result<Vec<Device>, Failure> {
    #[derive(Deserialize)]
    struct Listed {
        devices: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        id: String,
        name: String,
        platform: Option<String>,
        last_seen: Option<String>,
        #[serde(default)]
        current: bool,
    }
    let listed: Listed = ask("/v1/devices".to_owned())?;
    let device = |One { id, name, platform, last_seen, current }| Device { id, name, platform, last_seen, current };
    Ok(listed.devices.into_iter().map(device).collect())
}

fn ask<T: DeserializeOwned>(path: String) -> Result<T, Failure> {
    let reply = call::get(path)?;
    serde_json::from_slice(&reply.body).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Protocol(format!("the server's answer cannot be read: {error}"))
}

/// RFC 3986 §2.1, everything but unreserved characters.
fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(into, "%{byte:02X}");
            }
        }
    }
}
