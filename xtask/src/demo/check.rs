//! Whether everybody holds the same projects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::device::Device;
use crate::http;
use crate::run::Error;
use crate::sandbox::Sandbox;

/// Compares the devices' exports and the server's own listing, and returns how many projects there are.
pub fn same(sandbox: &Sandbox<'_>, devices: &[&Device<'_>]) -> Result<usize, Error> {
    let token = devices.first().ok_or("no device")?.stdout(&["cloud", "token"])?;
    let server = on_the_server(sandbox, token.trim())?;
    for device in devices {
        let export: Value = serde_json::from_str(&device.stdout(&["projects", "export"])?)?;
        let local = by_id(export["projects"].as_array().ok_or("the export has no projects")?)?;
        for (id, project) in local.iter().chain(&server) {
            if local.get(id) != server.get(id) {
                return Err(format!(
                    "{id} differs\n  {}: {:?}\n  server: {:?}\n  {project}",
                    device.name,
                    local.get(id).map(Value::to_string),
                    server.get(id).map(Value::to_string),
                )
                .into());
            }
        }
    }
    Ok(server.len())
}

/// Compares the devices' exports.
pub fn equal(one: &Device<'_>, other: &Device<'_>) -> Result<(), Error> {
    let export = |device: &Device<'_>| device.stdout(&["projects", "export"]);
    match export(one)? == export(other)? {
        true => Ok(()),
        false => Err(format!("the {} and the {} differ", one.name, other.name).into()),
    }
}

/// No file of the server has one of these texts.
pub fn unreadable(sandbox: &Sandbox<'_>, texts: &[&str]) -> Result<(), Error> {
    for entry in std::fs::read_dir(sandbox.server_data())? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path)?;
        let has = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        if let Some(text) = texts.iter().find(has) {
            return Err(format!("{} has {text:?}", path.display()).into());
        }
    }
    Ok(())
}

fn on_the_server(sandbox: &Sandbox<'_>, token: &str) -> Result<BTreeMap<String, Value>, Error> {
    let mut projects = Vec::new();
    let mut after = String::new();
    loop {
        let page = http::get_json(&format!("{}/v1/projects?limit=500{after}", sandbox.proxy.url()), token)?;
        projects.extend_from_slice(page["projects"].as_array().ok_or("the server lists no projects")?);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return by_id(&projects),
        }
    }
}

fn by_id(projects: &[Value]) -> Result<BTreeMap<String, Value>, Error> {
    let id = |p: &Value| {
        p["id"].as_str().map(str::to_owned).ok_or_else(|| format!("a project without an id: {p}"))
    };
    projects.iter().map(|p| Ok((id(p)?, p.clone()))).collect()
}
