//! How a setting looks: its value, masked where it is secret, and where that was set.

use orkee_core::settings::{ConfigKey, Origin, Setting, Settings};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::text;

/// What stands in the place of a secret.
const MASKED: &str = "•••";

/// A setting, as it is.
#[derive(Debug, Serialize)]
pub(super) struct View {
    pub(super) key: String,
    variable: Option<&'static str>,
    pub(super) value: Option<String>,
    pub(super) origin: OriginView,
    secret: bool,
    /// What is wrong with the value; none: it holds.
    pub(super) problem: Option<String>,
    /// Where else it is set, and not heeded.
    pub(super) overridden: Vec<OriginView>,
}

/// Where a value was set.
#[derive(Debug, Serialize)]
pub(super) struct OriginView {
    kind: &'static str,
    name: Option<String>,
    #[serde(skip)]
    pub(super) told: String,
}

impl OriginView {
    fn nowhere() -> Self {
        Self { kind: "none", name: None, told: "not set".to_owned() }
    }

    pub(super) fn of(origin: &Origin) -> Self {
        let (kind, name) = match origin {
            Origin::Flag => ("flag", None),
            Origin::Environment(name) => ("environment", Some((*name).to_owned())),
            Origin::HomeEnv(name) => ("home-env", Some((*name).to_owned())),
            Origin::FolderEnv(name) => ("folder-env", Some((*name).to_owned())),
            Origin::Config(key) => ("config", Some(key.clone())),
            Origin::Default => ("default", None),
        };
        Self { kind, name, told: text::line(&origin.to_string()) }
    }
}

impl View {
    pub(super) fn of(settings: &Settings, key: &ConfigKey) -> Result<Self, Failure> {
        let layers = settings.layers(key)?;
        let (value, origin, below) = match layers.split_first() {
            Some((Setting { value, origin }, below)) => (Some(value.clone()), origin.clone(), below),
            None => (default(key), Origin::Default, [].as_slice()),
        };
        let problem = value.as_deref().and_then(|value| key.check(value).err());
        let secret = key.is_secret();
        let is_set = value.is_some();
        Ok(Self {
            key: key.to_string(),
            variable: match key {
                ConfigKey::Setting(key) => Some(key.variable()),
                ConfigKey::Entry(_) => None,
            },
            value: value.map(|value| if secret { MASKED.to_owned() } else { value }),
            origin: if is_set { OriginView::of(&origin) } else { OriginView::nowhere() },
            secret,
            problem,
            overridden: below.iter().map(|setting| OriginView::of(&setting.origin)).collect(),
        })
    }

    /// The value in a line; nothing where there is none.
    pub(super) fn in_line(&self) -> String {
        self.value.as_deref().map(text::line).unwrap_or_default()
    }
}

fn default(key: &ConfigKey) -> Option<String> {
    match key {
        ConfigKey::Setting(key) => key.default_value(),
        ConfigKey::Entry(_) => None,
    }
}
