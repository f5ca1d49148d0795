//! `orkee config set`

#[cfg(feature = "cloud")]
use orkee_core::net::ApiUrl;
use orkee_core::settings::{ConfigFile, ConfigKey};
use serde::Serialize;

use super::view::{OriginView, View};
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::text;

/// Set a setting in config.toml
///
/// The value is checked first, as its users check it. Comments in the file stay. A flag, the environment and .env in the home folder still go before it.
/// Tokens are not kept there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee config set cloud.tenant acme
  orkee config set cloud.sync_interval 60
  orkee config set environments.stage.api_url https://stage.example.com")]
pub(crate) struct Set {
    /// Such as cloud.tenant, or its variable
    #[arg(value_name = "KEY")]
    key: String,
    /// What it is to be
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,
}

#[derive(Serialize)]
struct Document<'a> {
    key: &'a str,
    config: &'a str,
    /// What goes before it; none: it holds.
    overridden_by: Option<&'a OriginView>,
}

impl Set {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let key = ConfigKey::parse(&self.key)?;
        fits(&key, &self.value)?;
        let before = super::settings(cx)?;
        let mut file = ConfigFile::open(cx.home()?)?;
        file.set(&key, &self.value)?;
        file.save()?;
        drop(file);
        let settings = super::settings(cx)?;
        super::note(cx, [&before, &settings], &key)?;
        let view = View::of(&settings, &key)?;
        let overridden_by = Some(&view.origin).filter(|_| !view.overridden.is_empty());
        let path = settings.config_path().to_string_lossy();
        if cx.out.is_json() {
            cx.out.document(&Document { key: &view.key, config: &path, overridden_by })?;
            return Ok(Exit::DONE);
        }
        cx.out.done(format_args!("Set {} in {}", text::line(&view.key), text::line(&path)))?;
        if key.is_secret() {
            cx.out.warn(format_args!(
                "{} may be a secret, and config.toml holds it as it is, readable by you alone",
                text::line(&view.key)
            ));
        }
        if let Some(origin) = overridden_by {
            cx.out.warn(format_args!("it does not hold: {} goes before it", origin.told));
        }
        Ok(Exit::DONE)
    }
}

/// What only a build with a network can tell: whether an address is one.
fn fits(key: &ConfigKey, value: &str) -> Result<(), Failure> {
    #[cfg(feature = "cloud")]
    if key.path().is_some_and(|path| path.last() == Some(&"api_url")) {
        ApiUrl::parse(value)?;
    }
    #[cfg(not(feature = "cloud"))]
    let _ = (key, value);
    Ok(())
}
