//! `orkee config unset`

use orkee_core::settings::{ConfigFile, ConfigKey};
use serde::Serialize;

use super::view::View;
use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::text;

/// Take a setting out of config.toml
///
/// The rest of the file stays as it is. What holds from then on is said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee config unset cloud.tenant
  orkee config unset history.days")]
pub(crate) struct Unset {
    /// Such as cloud.tenant, or its variable
    #[arg(value_name = "KEY")]
    key: String,
}

#[derive(Serialize)]
struct Document {
    removed: bool,
    setting: View,
}

impl Unset {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let key = ConfigKey::parse(&self.key)?;
        let before = super::settings(cx)?;
        let mut file = ConfigFile::open(cx.home()?)?;
        let removed = file.unset(&key)?;
        if removed {
            file.save()?;
        }
        drop(file);
        let settings = super::settings(cx)?;
        if removed {
            super::note(cx, [&before, &settings], &key)?;
        }
        let setting = View::of(&settings, &key)?;
        if cx.out.is_json() {
            cx.out.document(&Document { removed, setting })?;
            return Ok(Exit::DONE);
        }
        let now = match &setting.value {
            None => "nothing holds now".to_owned(),
            Some(_) => format!("what holds is {}, {}", setting.in_line(), setting.origin.told),
        };
        let name = text::line(&setting.key);
        match removed {
            true => cx.out.done(format_args!("Took {name} out of config.toml; {now}"))?,
            false => cx.out.done(format_args!("{name} is not in config.toml; {now}"))?,
        }
        Ok(Exit::DONE)
    }
}
