//! Whether a file that a page shows means to `orkee` what it says: each of its keys is one, and has this value from this file.

use orkee_core::settings::ConfigKey;
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Key, Table, Value as TomlValue};

/// Files that a page may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    Config,
    Env,
    SignIns,
}

impl File {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "~/.orkee/config.toml" => Some(Self::Config),
            "~/.orkee/.env" => Some(Self::Env),
            "~/.orkee/auth.toml" => Some(Self::SignIns),
            _ => None,
        }
    }

    /// What says how it was read.
    pub(super) fn read_by(self) -> &'static str {
        match self {
            Self::Config | Self::Env => "orkee config list --json",
            Self::SignIns => "orkee cloud status --offline --json",
        }
    }

    /// Compares what it says with what that command printed.
    pub(super) fn means(self, text: &str, printed: &str) -> Result<(), String> {
        let printed: Value =
            serde_json::from_str(printed.trim()).map_err(|error| format!("{error}: {printed}"))?;
        match self {
            Self::Config => settings(&keys(text)?, "config", &printed),
            Self::Env => settings(&variables(text)?, "home-env", &printed),
            Self::SignIns => sign_in(&keys(text)?, &printed),
        }
    }
}

/// Each key with its value as text.
type Said = Vec<(String, String)>;

fn keys(text: &str) -> Result<Said, String> {
    let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let mut said = Said::new();
    below(document.as_table(), "", &mut said)?;
    match said.is_empty() {
        true => Err("it sets nothing".to_owned()),
        false => Ok(said),
    }
}

fn below(table: &Table, path: &str, said: &mut Said) -> Result<(), String> {
    for (name, item) in table {
        let key = Key::new(name).to_string();
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match item {
            Item::Table(table) => below(table, &path, said)?,
            Item::Value(value) => {
                let value =
                    shown(value).ok_or_else(|| format!("{path} is {value}, which is no setting's"))?;
                said.push((path, value));
            }
            other => return Err(format!("{path} is {other}, which is no setting's")),
        }
    }
    Ok(())
}

/// The value as `config list` shows it.
fn shown(value: &TomlValue) -> Option<String> {
    match value {
        TomlValue::String(text) => Some(text.value().clone()),
        TomlValue::Integer(number) => Some(number.value().to_string()),
        TomlValue::Boolean(flag) => Some(flag.value().to_string()),
        TomlValue::Array(items) => Some(items.iter().map(shown).collect::<Option<Vec<_>>>()?.join(",")),
        _ => None,
    }
}

fn variables(text: &str) -> Result<Said, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.split_once('=').ok_or_else(|| format!("`{line}` sets nothing"))?;
            let value = value.split_once(" #").map_or(value, |(value, _)| value);
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// Each is a setting, without a problem, and this file is where its value is from.
fn settings(said: &Said, origin: &str, printed: &Value) -> Result<(), String> {
    for (name, value) in said {
        let key = ConfigKey::parse(name).map_err(|error| format!("{name}: {error}"))?.to_string();
        let all = printed["settings"].as_array();
        let Some(setting) = all.and_then(|all| all.iter().find(|setting| setting["key"] == *key)) else {
            return Err(format!("{key} is not among the settings: {printed}"));
        };
        let holds = setting["value"] == **value
            && setting["origin"]["kind"] == origin
            && setting.get("problem") == Some(&Value::Null);
        if !holds {
            return Err(format!("{name} = {value} is read as {setting}"));
        }
    }
    Ok(())
}

/// What `cloud status` calls what a section of `auth.toml` has; none: it is not shown.
const OF_A_SIGN_IN: [(&str, Option<&str>); 8] = [
    ("token", None),
    ("refresh_token", None),
    ("issuer", None),
    ("issued_at", None),
    ("expires_at", Some("token_expires_at")),
    ("api_url", Some("api_url")),
    ("account", Some("account")),
    ("subscription", Some("subscription")),
];

/// Somebody is signed in, as it says.
fn sign_in(said: &Said, printed: &Value) -> Result<(), String> {
    if printed["authenticated"] != true || printed["token_source"] != "auth.toml" {
        return Err(format!("nobody is signed in with it: {printed}"));
    }
    for (name, value) in said {
        let key = name.strip_prefix("orkee_cloud.").unwrap_or(name);
        let Some((_, shown)) = OF_A_SIGN_IN.iter().find(|(known, _)| *known == key) else {
            return Err(format!("{name} is no key of auth.toml"));
        };
        let Some(shown) = shown else { continue };
        // A time is shown with its milliseconds.
        let printed = printed[*shown].as_str().unwrap_or_default().replace(".000Z", "Z");
        if printed != *value {
            return Err(format!("{name} = {value} is read as {printed}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{binaries, folder};

    /// Has the real `orkee` read this file, as a page's is read.
    fn read(name: &str, text: &str) -> Result<(), String> {
        let home = tempfile::tempdir().unwrap();
        folder::private_folder(&home.path().join(".orkee"));
        std::fs::write(home.path().join(name.trim_start_matches("~/")), text).unwrap();
        let file = File::named(name).unwrap();
        let mut orkee = Command::new(binaries::orkee());
        orkee.args(file.read_by().split(' ').skip(1)).env_clear().env("HOME", home.path());
        let output = orkee.current_dir(home.path()).output().unwrap();
        file.means(text, &String::from_utf8_lossy(&output.stdout))
    }

    const CONFIG: &str = "[cloud]\nauto_sync = true\nsync_interval = 300\n\n[lock]\nfields = [\"description\", \"manualTasks\"]\n\n\
        [tenants.acme]\nprovider = \"notes\"\n\n[tenants.acme.limits]\nmemory = \"32 MiB\"\n\n[environments.stage]\napi_url = \"https://stage.example.com\"\n";
    const ENV: &str = "ORKEE_CLOUD_AUTO_SYNC=true\nORKEE_CLOUD_SYNC_INTERVAL=300  # 5 minutes\n";
    const SIGN_INS: &str = "[orkee_cloud]\ntoken = \"orkee_abc123...\"\nexpires_at = \"2024-12-31T23:59:59Z\"\naccount = \"john@example.com\"\n";

    #[test]
    fn a_file_that_orkee_reads_as_the_page_has_it_is_taken() {
        for (name, text) in
            [("~/.orkee/config.toml", CONFIG), ("~/.orkee/.env", ENV), ("~/.orkee/auth.toml", SIGN_INS)]
        {
            assert_eq!(read(name, text), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_key_that_is_none_and_a_value_that_is_not_taken_are_found() {
        for (name, text, right, wrong) in [
            ("~/.orkee/config.toml", CONFIG, "auto_sync", "auto_sinc"),
            ("~/.orkee/config.toml", CONFIG, "= 300", "= -5"),
            ("~/.orkee/config.toml", CONFIG, "provider", "providr"),
            ("~/.orkee/config.toml", CONFIG, "32 MiB", "x"),
            ("~/.orkee/config.toml", CONFIG, "memory", "memry"),
            ("~/.orkee/config.toml", CONFIG, "api_url", "api_ur"),
            ("~/.orkee/config.toml", CONFIG, "manualTasks", "manualTask"),
            ("~/.orkee/config.toml", CONFIG, "[cloud]", "[clout]"),
            ("~/.orkee/config.toml", CONFIG, "= true", "= "),
            ("~/.orkee/.env", ENV, "=true", "=bogus"),
            ("~/.orkee/.env", ENV, "AUTO_SYNC", "AUTO_SINC"),
            ("~/.orkee/.env", ENV, "=300", "=-5"),
            ("~/.orkee/.env", ENV, "SYNC=", "SYNC "),
            ("~/.orkee/auth.toml", SIGN_INS, "account", "accont"),
            ("~/.orkee/auth.toml", SIGN_INS, "23:59:59Z", "now"),
            ("~/.orkee/auth.toml", SIGN_INS, "orkee_cloud", "orkee_clout"),
            ("~/.orkee/auth.toml", SIGN_INS, "token =", "tokn ="),
        ] {
            let text = text.replacen(right, wrong, 1);
            assert!(read(name, &text).is_err(), "{wrong} is taken");
        }
    }
}
