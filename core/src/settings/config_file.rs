//! Changing `config.toml`: one key at a time. Comments, order and what nobody asked to change stay as they are; the file is replaced
//! whole, readable by its owner alone. Changes of two processes at once are made one after the other.

use std::fs::{self, File};
use std::path::PathBuf;

use toml_edit::{Document, DocumentMut, Item, Table, TableLike, Value};

use super::{ConfigKey, ENVIRONMENTS, Key, SettingsError, key, read};
use crate::file;
use crate::home::Home;

/// What people call the environment that needs no name.
const PRODUCTION: &str = "production";

/// The file, kept from others who change it until this is dropped.
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
    shape: Shape,
    /// Held where the file system has locks.
    _lock: Option<File>,
}

impl ConfigFile {
    /// Reads it; where there is none it is empty.
    pub fn open(home: &Home) -> Result<Self, SettingsError> {
        let lock = File::open(home.root()).ok().filter(|folder| folder.lock().is_ok());
        let path = home.config();
        // Who keeps it elsewhere, behind a link, keeps it there.
        let path = behind_links(path);
        let (document, shape) = match read(&path)? {
            Some((path, text)) => (parse(path, &text)?, Shape::of(&text)),
            None => (DocumentMut::new(), Shape::default()),
        };
        Ok(Self { path, document, shape, _lock: lock })
    }

    /// Sets a key. The value is checked, and written in the form that it has: a number, a truth value or a text.
    pub fn set(&mut self, key: &ConfigKey, text: &str) -> Result<(), SettingsError> {
        let path = key.path().ok_or_else(|| SettingsError::NotInFile { key: key.to_string() })?;
        let unfit = |what| SettingsError::Unfit { key: key.to_string(), what };
        key.check(text).map_err(unfit)?;
        if path.starts_with(&[ENVIRONMENTS, PRODUCTION]) {
            // It would be heeded by `--env production` alone, and not where it is meant.
            return Err(unfit(
                "production is what is used without --env; its address is cloud.api_url".to_owned(),
            ));
        }
        let Some((last, tables)) = path.split_last() else { return Ok(()) };
        let mut table: &mut dyn TableLike = self.document.as_table_mut();
        for (depth, part) in tables.iter().enumerate() {
            if !table.contains_key(part) {
                let mut fresh = Table::new();
                // `[tenants.acme]` needs no line `[tenants]` above it.
                fresh.set_implicit(depth + 1 < tables.len());
                table.insert(part, Item::Table(fresh));
            }
            let inner = table.get_mut(part).and_then(Item::as_table_like_mut);
            table = inner.ok_or_else(|| SettingsError::NoTable {
                key: tables.get(..=depth).unwrap_or_default().join("."),
            })?;
        }
        let mut fresh = written(key, text);
        if let Some(Item::Value(old)) = table.get(last) {
            // The comment behind it, and the space before.
            *fresh.decor_mut() = old.decor().clone();
        }
        match table.get_mut(last) {
            Some(item) => *item = Item::Value(fresh),
            None => drop(table.insert(last, Item::Value(fresh))),
        }
        Ok(())
    }

    /// Takes a key out, with its line; comments above it stay. Whether it was there.
    pub fn unset(&mut self, key: &ConfigKey) -> Result<bool, SettingsError> {
        let Some(path) = key.path() else { return Ok(false) };
        let text = self.document.to_string();
        let document = Document::parse(text.as_str())
            .map_err(|source| SettingsError::Toml { path: self.path.clone(), source: Box::new(source) })?;
        let Some(place) = place(document.as_table(), &path) else { return Ok(false) };
        match place {
            Place::Lines(start, end) => {
                let from = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
                let to =
                    text.get(end..).and_then(|after| after.find('\n')).map_or(text.len(), |at| end + at + 1);
                let left = [text.get(..from), text.get(to..)].map(Option::unwrap_or_default).concat();
                self.document = parse(self.path.clone(), &left)?;
            }
            Place::WithinALine => {
                let Some((last, tables)) = path.split_last() else { return Ok(false) };
                let mut table: &mut dyn TableLike = self.document.as_table_mut();
                for part in tables {
                    let inner = table.get_mut(part).and_then(Item::as_table_like_mut);
                    let Some(inner) = inner else { return Ok(false) };
                    table = inner;
                }
                table.remove(last);
            }
        }
        Ok(true)
    }

    /// Replaces the file.
    pub fn save(&self) -> Result<(), SettingsError> {
        file::replace(&self.path, self.shape.give(&self.document.to_string()).as_bytes())
            .map_err(|source| SettingsError::Unwritable { path: self.path.clone(), source })
    }
}

/// How an editor of another system writes files.
#[derive(Debug, Default)]
struct Shape {
    byte_order_mark: bool,
    /// All of its lines.
    carriage_returns: bool,
}

impl Shape {
    const MARK: char = '\u{feff}';

    fn of(text: &str) -> Self {
        let (all, with) = (text.matches('\n').count(), text.matches("\r\n").count());
        Self { byte_order_mark: text.starts_with(Self::MARK), carriage_returns: all > 0 && all == with }
    }

    /// The text as the file had it.
    fn give(&self, text: &str) -> String {
        let text = text.trim_start_matches(Self::MARK);
        let mark = if self.byte_order_mark { Self::MARK.to_string() } else { String::new() };
        let plain = text.replace("\r\n", "\n");
        mark + &if self.carriage_returns { plain.replace('\n', "\r\n") } else { text.to_owned() }
    }
}

/// Where a path leads, also if nothing is there yet.
fn behind_links(mut path: PathBuf) -> PathBuf {
    if let Ok(there) = fs::canonicalize(&path) {
        return there;
    }
    // More than any system follows.
    for _ in 0..40 {
        let Ok(to) = fs::read_link(&path) else { break };
        path = path.parent().map_or_else(|| to.clone(), |folder| folder.join(&to));
    }
    path
}

fn parse(path: PathBuf, text: &str) -> Result<DocumentMut, SettingsError> {
    text.parse().map_err(|source| SettingsError::Toml { path, source: Box::new(source) })
}

/// A value as it is written in the file.
fn written(key: &ConfigKey, text: &str) -> Value {
    let of_table = match key {
        ConfigKey::Setting(key) => key::as_toml(*key, text),
        ConfigKey::Entry(_) => None,
    };
    of_table.unwrap_or_else(|| Value::from(text))
}

/// Where a key and its value stand.
enum Place {
    /// Lines of their own, from here to there.
    Lines(usize, usize),
    /// In a line with others.
    WithinALine,
}

fn place(root: &Table, path: &[&str]) -> Option<Place> {
    let (last, tables) = path.split_last()?;
    let mut table: &dyn TableLike = root;
    let mut in_line = false;
    for part in tables {
        let item = table.get(part)?;
        in_line |= item.is_inline_table();
        table = item.as_table_like()?;
    }
    let (key, item) = table.get_key_value(last)?;
    match (in_line, key.span(), item.span()) {
        (false, Some(key), Some(item)) if item.end >= key.start => Some(Place::Lines(key.start, item.end)),
        _ => Some(Place::WithinALine),
    }
}

impl Key {
    /// What holds where it is set nowhere, as a person would write it; none where nothing does.
    pub fn default_value(self) -> Option<String> {
        let usual = crate::store::Keep::default();
        Some(match self {
            Self::ApiUrl => key::DEFAULT_API_URL.to_owned(),
            Self::AuthStore => "file".to_owned(),
            Self::TeamMode
            | Self::AutoSync
            | Self::SyncOnCreate
            | Self::SyncOnUpdate
            | Self::SyncOnDelete => "false".to_owned(),
            Self::SyncInterval => key::DEFAULT_INTERVAL.to_string(),
            Self::HistoryVersions => usual.versions.to_string(),
            Self::HistoryDays => usual.days.to_string(),
            Self::WebhookDrain => "true".to_owned(),
            Self::LockFields => crate::store::LOCKABLE.join(","),
            Self::Token | Self::TokenFile | Self::Tenant | Self::SsoProvider | Self::WebhookProxy => {
                return None;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn home(text: &str) -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), text).unwrap();
        let home = Home::at(folder.path()).unwrap();
        (folder, home)
    }

    fn changed(text: &str, change: impl FnOnce(&mut ConfigFile)) -> String {
        let (_folder, home) = home(text);
        let mut file = ConfigFile::open(&home).unwrap();
        change(&mut file);
        file.save().unwrap();
        fs::read_to_string(home.config()).unwrap()
    }

    fn key(text: &str) -> ConfigKey {
        ConfigKey::parse(text).unwrap()
    }

    const TEXT: &str = "\
# mine
[cloud] # the cloud
# where
api_url = \"https://a\" # old
tenant = \"acme\"

[environments.stage]
api_url = \"https://stage\"
";

    #[test]
    fn a_value_is_changed_in_its_place_and_comments_stay() {
        let after = changed(TEXT, |file| file.set(&key("cloud.api_url"), "https://b").unwrap());
        assert_eq!(after, TEXT.replace("https://a", "https://b"));
    }

    #[test]
    fn a_key_that_is_new_goes_into_its_table_in_its_own_form() {
        let after = changed("", |file| {
            file.set(&key("cloud.auto_sync"), "on").unwrap();
            file.set(&key("cloud.sync_interval"), " 60 ").unwrap();
            file.set(&key("tenants.acme.options.bucket"), "b").unwrap();
        });
        assert_eq!(
            after,
            "[cloud]\nauto_sync = true\nsync_interval = 60\n\n[tenants.acme.options]\nbucket = \"b\"\n"
        );
    }

    #[test]
    fn a_key_that_is_taken_out_takes_its_line_and_nothing_else() {
        let after = changed(TEXT, |file| assert!(file.unset(&key("cloud.api_url")).unwrap()));
        assert_eq!(after, TEXT.replace("api_url = \"https://a\" # old\n", ""));
        let after = changed(TEXT, |file| assert!(file.unset(&key("environments.stage.api_url")).unwrap()));
        assert_eq!(after, TEXT.replace("api_url = \"https://stage\"\n", ""));
        let after = changed(TEXT, |file| assert!(!file.unset(&key("cloud.auto_sync")).unwrap()));
        assert_eq!(after, TEXT);
        let inline = "cloud = { tenant = \"a\", auto_sync = true } # x\n";
        let after = changed(inline, |file| assert!(file.unset(&key("cloud.tenant")).unwrap()));
        assert_eq!(after, "cloud = { auto_sync = true } # x\n");
        let dotted = "cloud.tenant = \"a\"\ncloud.auto_sync = true\n";
        let after = changed(dotted, |file| assert!(file.unset(&key("cloud.tenant")).unwrap()));
        assert_eq!(after, "cloud.auto_sync = true\n");
    }

    #[test]
    fn what_a_setting_does_not_take_is_refused_and_so_are_tokens() {
        let (_folder, home) = home(TEXT);
        let mut file = ConfigFile::open(&home).unwrap();
        let refused = file.set(&key("cloud.auto_sync"), "perhaps").unwrap_err();
        assert!(refused.to_string().contains("true or false"), "{refused}");
        assert!(matches!(
            file.set(&key("ORKEE_CLOUD_TOKEN"), "secret").unwrap_err(),
            SettingsError::NotInFile { .. }
        ));
        file.document.insert("lock", toml_edit::value("text"));
        assert!(matches!(
            file.set(&key("lock.fields"), "description").unwrap_err(),
            SettingsError::NoTable { .. }
        ));
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_one() {
        let (folder, home) = home("");
        fs::remove_file(home.config()).unwrap();
        std::os::unix::fs::symlink("kept.toml", home.config()).unwrap();
        let mut file = ConfigFile::open(&home).unwrap();
        file.set(&key("cloud.tenant"), "acme").unwrap();
        file.save().unwrap();
        assert!(fs::symlink_metadata(home.config()).unwrap().is_symlink());
        let text = fs::read_to_string(folder.path().join("kept.toml")).unwrap();
        assert_eq!(text, "[cloud]\ntenant = \"acme\"\n");
    }

    #[test]
    fn the_line_ends_and_the_mark_of_another_system_stay() {
        let text = format!("\u{feff}{}", TEXT.replace('\n', "\r\n"));
        let after = changed(&text, |file| file.set(&key("cloud.api_url"), "https://b").unwrap());
        assert_eq!(after, text.replace("https://a", "https://b"));
        let after = changed(&text, |file| assert!(file.unset(&key("cloud.tenant")).unwrap()));
        assert_eq!(after, text.replace("tenant = \"acme\"\r\n", ""));
    }

    #[test]
    fn a_link_stays_one_and_the_file_is_its_owners_alone() {
        let (folder, home) = home("");
        let kept = folder.path().join("kept.toml");
        fs::rename(home.config(), &kept).unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&kept, home.config()).unwrap();
        let mut file = ConfigFile::open(&home).unwrap();
        file.set(&key("cloud.tenant"), "acme").unwrap();
        file.save().unwrap();
        assert!(fs::symlink_metadata(home.config()).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "[cloud]\ntenant = \"acme\"\n");
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
