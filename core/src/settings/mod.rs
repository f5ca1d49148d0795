//! What the user has set, and where: a flag, the environment, `.env` and `config.toml` of the home folder, a default.
//!
//! One table names every setting ([`Key`]); a value always comes with its [`Origin`], so that `orkee config list --origin` and an
//! error can name it. A `.env` in the current folder may have come with a cloned repository: it is asked for the few settings
//! that can do no harm, only by who calls [`Settings::read_folder`], and only where the user's own files say nothing.

mod config_file;
mod config_key;
mod dotenv;
mod error;
mod key;
#[cfg(feature = "plugin")]
mod tenant;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{DocumentMut, Item, TableLike};

use crate::home::Home;
use crate::store::{Keep, LOCKABLE};

pub use config_file::ConfigFile;
pub use config_key::ConfigKey;
pub use error::SettingsError;
pub use key::{DEFAULT_API_URL, Key};
#[cfg(feature = "plugin")]
pub use tenant::TenantSettings;

/// A value and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Why it holds.
    pub origin: Origin,
}

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// A variable of the environment.
    Environment(&'static str),
    /// A variable in `.env` of the home folder.
    HomeEnv(&'static str),
    /// A variable in `.env` of the current folder.
    FolderEnv(&'static str),
    /// A key of `config.toml`.
    Config(String),
    /// Nowhere.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("the command line"),
            Self::Environment(name) => write!(f, "{name} in the environment"),
            Self::HomeEnv(name) => write!(f, "{name} in the home folder's .env"),
            Self::FolderEnv(name) => write!(f, "{name} in this folder's .env"),
            Self::Config(key) => write!(f, "{key} in config.toml"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// Every layer that was read. Values are looked up and checked when they are asked for.
#[derive(Debug)]
pub struct Settings {
    environment: BTreeMap<&'static str, OsString>,
    home_env: BTreeMap<String, String>,
    folder_env: BTreeMap<String, String>,
    config: DocumentMut,
    config_path: PathBuf,
}

/// What stands in `[environments.NAME]`: another Orkee Cloud to sign in to.
const ENVIRONMENTS: &str = "environments";
/// The one environment that needs no entry in config.toml.
const DEVELOPMENT: (&str, &str) = ("development", "https://dev-api.orkee.ai");
/// Nothing of use is larger; what is may be no settings file at all.
const MAX_FILE: u64 = 1024 * 1024;
/// Seconds between two automatic syncs that a folder may ask for; fewer are taken for these.
const LEAST_OF_FOLDERS: u64 = 60;

impl Settings {
    /// Reads the process environment and the home folder's two files, where they are.
    pub fn load(home: &Home) -> Result<Self, SettingsError> {
        Self::load_with(home, |name| std::env::var_os(name))
    }

    /// As [`load`](Self::load), with `environment` in the place of the process's.
    pub fn load_with(
        home: &Home,
        environment: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let set = |name: &'static str| {
            environment(name).filter(|value| !value.is_empty()).map(|value| (name, value))
        };
        let home_env = match read(&home.root().join(".env"))? {
            Some((path, text)) => {
                dotenv::parse(&text).map_err(|line| SettingsError::EnvSyntax { path, line })?
            }
            None => BTreeMap::new(),
        };
        let config_path = home.config();
        let config = match read(&config_path)? {
            Some((path, text)) => text
                .parse::<DocumentMut>()
                .map_err(|source| SettingsError::Toml { path, source: Box::new(source) })?,
            None => DocumentMut::new(),
        };
        Ok(Self {
            environment: Key::ALL.iter().filter_map(|key| set(key.variable())).collect(),
            home_env,
            folder_env: BTreeMap::new(),
            config,
            config_path,
        })
    }

    /// Reads `.env` in `folder` for the settings that it may decide where the user set none, and returns the names of all others in
    /// it, which were left aside and which the user is to be told. A file that cannot be read decides nothing: a repository must
    /// not stop Orkee.
    pub fn read_folder(&mut self, folder: &Path) -> Vec<String> {
        let Ok(Some((_, text))) = read(&folder.join(".env")) else {
            return Vec::new();
        };
        let allowed =
            |name: &String| Key::ALL.iter().any(|key| key.is_for_folders() && key.variable() == name);
        let harmless = |name: &str, value: &String| {
            let key = Key::ALL.iter().find(|key| key.variable() == name);
            key.is_some_and(|key| key.check(value).is_ok())
        };
        let (mut read, ignored): (BTreeMap<_, _>, BTreeMap<_, _>) = dotenv::parse_lossy(&text)
            .into_iter()
            .partition(|(name, value)| allowed(name) && harmless(name, value));
        if let Some(interval) = read.get_mut(Key::SyncInterval.variable())
            && interval.trim().parse().is_ok_and(|seconds: u64| seconds < LEAST_OF_FOLDERS)
        {
            *interval = LEAST_OF_FOLDERS.to_string();
        }
        self.folder_env = read;
        ignored.into_keys().collect()
    }

    /// The text that `key` has and where it was set; none where it was not.
    pub fn text(&self, key: Key) -> Result<Option<Setting<String>>, SettingsError> {
        let found = self.find(key)?;
        if let Some(setting) = &found {
            key.check(&setting.value).map_err(|expected| SettingsError::Value {
                name: key.variable().to_owned(),
                origin: setting.origin.clone(),
                value: if key.is_secret() { "•••".to_owned() } else { setting.value.clone() },
                expected,
            })?;
        }
        Ok(found)
    }

    /// A setting that is on or off.
    pub fn flag(&self, key: Key) -> Result<Setting<bool>, SettingsError> {
        let found = self.text(key)?;
        Ok(found.map_or(Setting { value: false, origin: Origin::Default }, |s| Setting {
            value: key::truth(&s.value).unwrap_or(false),
            origin: s.origin,
        }))
    }

    /// How long to wait between two automatic syncs.
    pub fn sync_interval(&self) -> Result<Setting<Duration>, SettingsError> {
        let found = self.text(Key::SyncInterval)?;
        let seconds =
            found.as_ref().and_then(|s| s.value.trim().parse().ok()).unwrap_or(key::DEFAULT_INTERVAL);
        let origin = found.map_or(Origin::Default, |s| s.origin);
        Ok(Setting { value: Duration::from_secs(seconds), origin })
    }

    /// How much history is kept.
    pub fn history(&self) -> Result<Keep, SettingsError> {
        let usual = Keep::default();
        let count = |key| {
            let found = self.text(key)?;
            Ok::<_, SettingsError>(found.and_then(|setting| setting.value.trim().parse().ok()))
        };
        Ok(Keep {
            versions: count(Key::HistoryVersions)?.unwrap_or(usual.versions),
            days: count(Key::HistoryDays)?.unwrap_or(usual.days),
        })
    }

    /// Whether a command that leaves webhook deliveries starts sending them in the background.
    pub fn webhook_drain(&self) -> Result<bool, SettingsError> {
        let found = self.text(Key::WebhookDrain)?;
        Ok(found.and_then(|setting| key::truth(&setting.value)).unwrap_or(true))
    }

    /// Which fields of projects are sealed on this device while it is locked.
    pub fn lock_fields(&self) -> Result<Vec<&'static str>, SettingsError> {
        let found = self.text(Key::LockFields)?;
        let Some(setting) = found else { return Ok(LOCKABLE.to_vec()) };
        let named: Vec<&str> = key::fields(&setting.value).collect();
        Ok(LOCKABLE.into_iter().filter(|field| named.contains(field)).collect())
    }

    /// Whose projects these are: '' (nobody's but the user's), or the name of a tenant.
    pub fn tenant(&self) -> Result<Setting<String>, SettingsError> {
        let found = self.text(Key::Tenant)?;
        Ok(found.unwrap_or(Setting { value: String::new(), origin: Origin::Default }))
    }

    /// The API's base URL where the environment sets it, or `.env` of the home folder: such a one goes before every other.
    pub fn api_url_of_environment(&self) -> Result<Option<Setting<String>>, SettingsError> {
        Ok(self.text(Key::ApiUrl)?.filter(|setting| !matches!(setting.origin, Origin::Config(_))))
    }

    /// The API's base URL; `environment` is what `--env` names.
    pub fn api_url(&self, environment: Option<&str>) -> Result<Setting<String>, SettingsError> {
        let Some(name) = environment else {
            let default = || Setting { value: key::DEFAULT_API_URL.to_owned(), origin: Origin::Default };
            return Ok(self.text(Key::ApiUrl)?.unwrap_or_else(default));
        };
        // What the environment says outranks config.toml, for a named environment too.
        if let Some(setting) = self.api_url_of_environment()? {
            return Ok(setting);
        }
        let key = format!("{ENVIRONMENTS}.{name}.api_url");
        if let Some(value) = self.config_text(&[ENVIRONMENTS, name, "api_url"])? {
            return Ok(Setting { value, origin: Origin::Config(key) });
        }
        if name == DEVELOPMENT.0 {
            return Ok(Setting { value: DEVELOPMENT.1.to_owned(), origin: Origin::Default });
        }
        Err(SettingsError::NoEnvironment { name: name.to_owned(), known: self.environments() })
    }

    /// What `--env` can name.
    pub fn environments(&self) -> Vec<String> {
        let mut known = self.names(ENVIRONMENTS);
        if !known.iter().any(|name| name == DEVELOPMENT.0) {
            known.push(DEVELOPMENT.0.to_owned());
        }
        known
    }

    /// Where `config.toml` is, or would be.
    pub fn config_path(&self) -> &Path {
        &self.config_path
    }

    /// Every value that `key` has somewhere, unchecked, the one that holds first.
    pub fn layers(&self, key: &ConfigKey) -> Result<Vec<Setting<String>>, SettingsError> {
        let mut found = Vec::new();
        if let ConfigKey::Setting(key) = key {
            let name = key.variable();
            if let Some(value) = self.environment.get(name) {
                let value = value.to_str().ok_or(SettingsError::NotText { name })?.to_owned();
                found.push(Setting { value, origin: Origin::Environment(name) });
            }
            if let Some(value) = self.home_env.get(name) {
                found.push(Setting { value: value.clone(), origin: Origin::HomeEnv(name) });
            }
        }
        if let Some(path) = key.path()
            && let Some(value) = self.config_text(&path)?
        {
            found.push(Setting { value, origin: Origin::Config(path.join(".")) });
        }
        if let ConfigKey::Setting(key) = key
            && let Some(value) = self.folder_env.get(key.variable())
            && !self.is_decided_by_user(*key)
        {
            found.push(Setting { value: value.clone(), origin: Origin::FolderEnv(key.variable()) });
        }
        Ok(found)
    }

    /// Whether the user said themselves what a folder would say with `key`. Who chose when to sync, in whatever words, chose for all
    /// folders: `auto_sync = false` is not to be answered with `ORKEE_CLOUD_SYNC_ON_UPDATE=true` of a cloned repository.
    fn is_decided_by_user(&self, key: Key) -> bool {
        let is_set = |key: Key| {
            let in_config = key.config().map(|path| self.config_text(path));
            self.environment.contains_key(key.variable())
                || self.home_env.contains_key(key.variable())
                // What cannot be read was still written by the user.
                || in_config.is_some_and(|value| !matches!(value, Ok(None)))
        };
        if Key::WHEN_TO_SYNC.contains(&key) { Key::WHEN_TO_SYNC.into_iter().any(is_set) } else { is_set(key) }
    }

    /// The environments and tenants that `config.toml` describes, key by key.
    pub fn entries(&self) -> Vec<ConfigKey> {
        let mut found = Vec::new();
        for name in self.names(ENVIRONMENTS) {
            found.push(ConfigKey::Entry([ENVIRONMENTS, &name, "api_url"].map(str::to_owned).to_vec()));
        }
        let tenants = self.config.get("tenants").and_then(Item::as_table_like);
        for (name, item) in tenants.into_iter().flat_map(|tenants| tenants.iter()) {
            for (key, item) in item.as_table_like().into_iter().flat_map(|table| table.iter()) {
                let path = ["tenants", name, key].map(str::to_owned).to_vec();
                match item.as_table_like() {
                    None => found.push(ConfigKey::Entry(path)),
                    Some(table) => found.extend(table.iter().map(|(inner, _)| {
                        ConfigKey::Entry(path.iter().cloned().chain([inner.to_owned()]).collect())
                    })),
                }
            }
        }
        found
    }

    fn find(&self, key: Key) -> Result<Option<Setting<String>>, SettingsError> {
        Ok(self.layers(&ConfigKey::Setting(key))?.into_iter().next())
    }

    /// The value at `path` of config.toml as text; a number and a truth value are as they are written, a list, where one may stand,
    /// with commas.
    fn config_text(&self, path: &[&str]) -> Result<Option<String>, SettingsError> {
        let mut item = self.config.as_item();
        for part in path {
            match item.as_table_like().and_then(|table| table.get(part)) {
                Some(inner) => item = inner,
                None => return Ok(None),
            }
        }
        match item {
            Item::Value(toml_edit::Value::String(text)) => {
                Ok(Some(text.value().clone()).filter(|text| !text.is_empty()))
            }
            Item::Value(toml_edit::Value::Integer(number)) => Ok(Some(number.value().to_string())),
            Item::Value(toml_edit::Value::Boolean(truth)) => Ok(Some(truth.value().to_string())),
            Item::Value(toml_edit::Value::Array(list))
                if Key::LockFields.config() == Some(path) && list.iter().all(toml_edit::Value::is_str) =>
            {
                let texts: Vec<&str> = list.iter().filter_map(toml_edit::Value::as_str).collect();
                Ok(Some(texts.join(",")))
            }
            Item::None => Ok(None),
            _ => Err(SettingsError::Value {
                name: path.join("."),
                origin: Origin::Config(path.join(".")),
                value: item.to_string().trim().to_owned(),
                expected: "a text, a number or true and false",
            }),
        }
    }

    /// The names below a table of config.toml.
    fn names(&self, table: &str) -> Vec<String> {
        let table: Option<&dyn TableLike> = self.config.get(table).and_then(Item::as_table_like);
        table.map(|t| t.iter().map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
    }
}

/// A settings file as text; none where there is none. What is no plain file, or far too large, is refused unread.
fn read(path: &Path) -> Result<Option<(PathBuf, String)>, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(unreadable(e)),
    };
    if !meta.is_file() || meta.len() > MAX_FILE {
        return Err(unreadable(io::Error::other("it is no plain file of at most 1 MiB")));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(Some((path.to_owned(), text)))
}

#[cfg(test)]
mod tests;
