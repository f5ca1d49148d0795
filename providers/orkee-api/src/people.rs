//! What people ask: whose account it is, what the server lists, which devices are signed in.

use orkee_provider_sdk::{Failure, account, devices, json, listing, percent_encoded};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Api;
use crate::api::success;

#[derive(Deserialize)]
struct Account {
    id: String,
    email: String,
    plan: Option<String>,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Box<RawValue>>,
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    id: String,
    name: Option<String>,
    status: Option<String>,
    updated_at: Option<String>,
}

#[derive(Deserialize)]
struct Devices {
    devices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    id: String,
    name: String,
    platform: Option<String>,
    last_seen: Option<String>,
    #[serde(default)]
    current: bool,
}

pub(crate) fn whoami(api: &Api) -> Result<account::Profile, Failure> {
    let Account { id, email, plan } = ask(api, "/v1/account".to_owned())?;
    Ok(account::Profile { id, email, plan })
}

pub(crate) fn browse(api: &Api, after: Option<&str>, limit: u32) -> Result<listing::Page, Failure> {
    let after = after.map(|mark| format!("&after={}", percent_encoded(mark))).unwrap_or_default();
    let page: Projects = ask(api, format!("/v1/projects?limit={limit}{after}"))?;
    let entries = page.projects.iter().map(|project| entry(project)).collect::<Result<_, _>>()?;
    Ok(listing::Page { entries, next: page.next })
}

pub(crate) fn devices(api: &Api) -> Result<Vec<devices::Device>, Failure> {
    let list: Devices = ask(api, "/v1/devices".to_owned())?;
    let device = |d: Device| devices::Device {
        id: d.id,
        name: d.name,
        platform: d.platform,
        last_seen: d.last_seen,
        current: d.current,
    };
    Ok(list.devices.into_iter().map(device).collect())
}

pub(crate) fn revoke(api: &Api, id: &str) -> Result<(), Failure> {
    api.delete(format!("/v1/devices/{}", percent_encoded(id)))
}

fn ask<T: DeserializeOwned>(api: &Api, path: String) -> Result<T, Failure> {
    let reply = success(api.get(path)?, "application/json").map_err(|refusal| refusal.failure())?;
    reply.json()
}

fn entry(project: &RawValue) -> Result<listing::Entry, Failure> {
    let bytes = project.get().len() as u64;
    let Project { id, name, status, updated_at } = json(project.get().as_bytes())?;
    Ok(listing::Entry { id, name, status, updated_at, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_listed_with_its_size() {
        let raw = r#"{"id":"aaaaaaaa","name":"n","updatedAt":"t","unknown":[1]}"#;
        let entry = entry(&RawValue::from_string(raw.to_owned()).unwrap()).unwrap();
        assert_eq!((entry.name.as_deref(), entry.status, entry.bytes), (Some("n"), None, raw.len() as u64));
    }
}
