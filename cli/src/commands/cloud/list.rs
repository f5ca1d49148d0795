//! `orkee cloud list`

use orkee_core::plugin::{Device, Entry};
use serde::Serialize;

use super::connection::Connection;
use super::devices::{self, DeviceView};
use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::text;

/// List the projects that the cloud has
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee cloud list --limit 50
  orkee cloud list --show-devices")]
pub(crate) struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Show the devices that are signed in, too
    #[arg(long)]
    show_devices: bool,
}

/// Entries that are asked for at once.
const PAGE: u32 = 500;

#[derive(Serialize)]
struct Document<'a> {
    projects: Vec<EntryView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<DeviceView<'a>>>,
    next: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryView<'a> {
    id: &'a str,
    name: Option<&'a str>,
    status: Option<&'a str>,
    updated_at: Option<&'a str>,
    bytes: u64,
}

impl<'a> EntryView<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            id: &entry.id,
            name: entry.name.as_deref(),
            status: entry.status.as_deref(),
            updated_at: entry.updated_at.as_deref(),
            bytes: entry.bytes,
        }
    }
}

/// What the cloud said.
struct Listed {
    entries: Vec<Entry>,
    devices: Option<Vec<Device>>,
    next: Option<String>,
}

impl List {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let cloud = Cloud::open(cx, None)?;
        let mut listed = surroundings::run(async {
            let mut connection = Connection::open(cx, &cloud).await?;
            connection.enter_team().await?;
            self.ask(&connection).await
        })?;
        name_sealed(cx, &mut listed.entries)?;
        if cx.out.is_json() {
            cx.out.document(&document(&listed))?;
        } else {
            self.show(cx, &listed)?;
        }
        Ok(Exit::DONE)
    }

    async fn ask(&self, connection: &Connection<'_>) -> Result<Listed, Failure> {
        let mut listed = Listed { entries: Vec::new(), devices: None, next: None };
        // One page may hold nothing but what is no project.
        let mut empty = 0;
        loop {
            let left = self.limit - listed.entries.len() as u32;
            let page = connection.provider.browse(listed.next.as_deref(), left.min(PAGE)).await?;
            empty = if page.entries.is_empty() { empty + 1 } else { 0 };
            listed.entries.extend(page.entries.into_iter().take(left as usize));
            listed.next = page.next;
            if listed.next.is_none() || empty > 1 || listed.entries.len() as u32 >= self.limit {
                break;
            }
        }
        if self.show_devices {
            listed.devices = Some(connection.provider.devices().await?);
        }
        Ok(listed)
    }

    fn show(&self, cx: &Context, listed: &Listed) -> Result<(), Failure> {
        let or_dash = |value: &Option<String>| text::line(value.as_deref().unwrap_or("–"));
        let mut projects = Table::new(&["ID", "NAME", "STATUS", "UPDATED"]);
        for e in &listed.entries {
            projects.row(vec![
                text::line(&e.id),
                or_dash(&e.name),
                or_dash(&e.status),
                day(e.updated_at.as_deref()),
            ]);
        }
        if projects.is_empty() {
            cx.out.note("The cloud has no projects yet. Send yours: orkee cloud sync");
        } else {
            cx.out.table(&projects)?;
        }
        if listed.next.is_some() {
            cx.out.note(format_args!(
                "There are more: orkee cloud list --limit {}",
                self.limit.saturating_mul(10)
            ));
        }
        if let Some(devices) = &listed.devices {
            cx.out.line("")?;
            devices::table(cx, devices)?;
        }
        Ok(())
    }
}

/// What the cloud cannot read has the name and status that it has here, as far as it is here.
fn name_sealed(cx: &Context, entries: &mut [Entry]) -> Result<(), Failure> {
    if entries.iter().all(|entry| entry.name.is_some()) {
        return Ok(());
    }
    let store = cx.store()?;
    for entry in entries.iter_mut().filter(|entry| entry.name.is_none()) {
        let Ok(id) = entry.id.parse() else { continue };
        if let Ok(project) = store.get(id) {
            entry.name = Some(project.payload.name());
            entry.status = entry.status.take().or_else(|| project.payload.read("status"));
        }
    }
    Ok(())
}

/// The date of a time, without the rest.
fn day(at: Option<&str>) -> String {
    at.map_or_else(|| "–".to_owned(), |at| text::line(at.get(..10).unwrap_or(at)))
}

fn document(listed: &Listed) -> Document<'_> {
    Document {
        projects: listed.entries.iter().map(EntryView::of).collect(),
        devices: listed.devices.as_ref().map(|devices| devices.iter().map(DeviceView::of).collect()),
        next: listed.next.as_deref(),
    }
}
