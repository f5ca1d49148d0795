//! `orkee cloud devices`

mod revoke;

use orkee_core::plugin::Device;
use serde::Serialize;

use super::connection::Connection;
use super::surroundings::{self, Cloud};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::text;

/// Show the devices that are signed in to your account, or sign one out
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  orkee cloud devices
  orkee cloud devices revoke grt_2f9c   sign out a laptop that was lost"
)]
pub(crate) struct Devices {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Revoke(revoke::Revoke),
}

#[derive(Serialize)]
struct Document<'a> {
    devices: Vec<DeviceView<'a>>,
}

/// A device, for scripts.
#[derive(Serialize)]
pub(super) struct DeviceView<'a> {
    id: &'a str,
    name: &'a str,
    platform: Option<&'a str>,
    last_seen: Option<&'a str>,
    current: bool,
}

impl<'a> DeviceView<'a> {
    pub(super) fn of(device: &'a Device) -> Self {
        Self {
            id: &device.id,
            name: &device.name,
            platform: device.platform.as_deref(),
            last_seen: device.last_seen.as_deref(),
            current: device.current,
        }
    }
}

impl Devices {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        if let Some(Command::Revoke(command)) = self.command {
            return command.run(cx);
        }
        let cloud = Cloud::open(cx, None)?;
        let devices = surroundings::run(async {
            let connection = Connection::open(cx, &cloud).await?;
            Ok(connection.provider.devices().await?)
        })?;
        if cx.out.is_json() {
            cx.out.document(&Document { devices: devices.iter().map(DeviceView::of).collect() })?;
        } else {
            table(cx, &devices)?;
        }
        Ok(Exit::DONE)
    }
}

/// The devices, for people.
pub(super) fn table(cx: &Context, devices: &[Device]) -> Result<(), Failure> {
    let or_dash = |value: &Option<String>| text::line(value.as_deref().unwrap_or("–"));
    let mut table = Table::new(&["DEVICE", "NAME", "PLATFORM", "LAST SEEN", ""]);
    for d in devices {
        let this = if d.current { "this device" } else { "" };
        table.row(vec![
            text::line(&d.id),
            text::line(&d.name),
            or_dash(&d.platform),
            d.last_seen.as_deref().map_or_else(|| "–".to_owned(), text::minute),
            this.to_owned(),
        ]);
    }
    Ok(cx.out.table(&table)?)
}
