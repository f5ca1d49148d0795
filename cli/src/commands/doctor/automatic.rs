//! Whether syncs that nobody types take place: the settings, the watcher, the service that keeps one running, and why they wait.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use orkee_core::lock::Holder;
use orkee_core::settings::Key;
use serde::Deserialize;

use super::Asked;
use super::check::{Check, FIX};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::text;

const NAME: &str = "automatic-sync";
/// Nothing of use is larger.
const MAX_FILE: u64 = 64 << 10;

/// What all processes of the home folder know of syncs that failed. What else stands there is nobody's business here.
#[derive(Deserialize)]
struct Pauses {
    #[serde(default)]
    places: BTreeMap<String, Pause>,
}

#[derive(Deserialize)]
struct Pause {
    code: String,
    message: String,
    hint: Option<String>,
    at: String,
    not_before: String,
}

/// Looks at the settings, at who watches, and at the note of what failed; with `fix`, removes a note that cannot be read.
pub(super) fn examine(cx: &Context, asked: Asked) -> Result<Vec<Check>, Failure> {
    let mut checks = vec![standing(cx)?];
    let path = cx.home()?.pause();
    match pauses(&path) {
        Ok(pauses) => checks.extend(pauses.places.values().map(|pause| told(pause, Timestamp::now()))),
        Err(why) if asked.fix => checks.push(match fs::remove_file(&path) {
            Ok(()) => Check::mended(NAME, format!("{} is removed: {why}", path.display())),
            Err(error) => Check::failed(NAME, format!("{} cannot be removed: {error}", path.display())),
        }),
        Err(why) => checks.push(
            Check::warning(
                NAME,
                format!("the note of failed syncs cannot be read: {}: {why}", path.display()),
            )
            .fixable(format!("run `{FIX}`, which removes it; the next sync writes it anew")),
        ),
    }
    Ok(checks)
}

fn standing(cx: &Context) -> Result<Check, Failure> {
    let is_on = match cx.settings()?.flag(Key::AutoSync) {
        Ok(setting) => setting.value,
        // Told where the settings are looked at.
        Err(_) => false,
    };
    let watcher = Holder::of(&cx.home()?.watch_lock()).map(|holder| match holder.pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    });
    let service = service(cx.home()?.root());
    Ok(match (is_on, watcher, service) {
        (true, Some(watcher), _) => {
            Check::ok(NAME, format!("Automatic sync is on, and a watcher runs ({watcher})"))
        }
        (false, Some(watcher), _) => Check::ok(NAME, format!("A watcher runs ({watcher})")),
        (true, None, None) => Check::ok(NAME, "Automatic sync is on, with each command"),
        (false, None, None) => Check::ok(NAME, "Automatic sync is off"),
        (true, None, Some(path)) => Check::warning(
            NAME,
            format!("no watcher runs, though a service is installed: {}", path.display()),
        )
        .hint(format!("see why it stopped: `{}`; `orkee cloud enable` starts it again", look())),
        (false, None, Some(path)) => Check::warning(
            NAME,
            format!("automatic sync is off, and a service is installed: {}", path.display()),
        )
        .hint("`orkee cloud enable` switches it on, `orkee cloud disable` removes the service".to_owned()),
    })
}

/// The file of the service that watches this home folder, where there is one.
fn service(root: &Path) -> Option<PathBuf> {
    let user = std::env::home_dir()?;
    let path = if cfg!(target_os = "macos") {
        user.join("Library/LaunchAgents/ai.orkee.sync.plist")
    } else {
        let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.filter(|path| path.is_absolute()).unwrap_or_else(|| user.join(".config"));
        config.join("systemd/user/orkee-sync.service")
    };
    let small = fs::metadata(&path).ok().filter(|file| file.is_file() && file.len() <= MAX_FILE);
    let unit = small.and_then(|_| fs::read_to_string(&path).ok())?;
    let is_of_this_home = !unit.contains("ORKEE_HOME") || unit.contains(&root.display().to_string());
    is_of_this_home.then_some(path)
}

/// The command that shows what became of the service.
fn look() -> &'static str {
    if cfg!(target_os = "macos") {
        "launchctl print gui/$UID/ai.orkee.sync"
    } else {
        "systemctl --user status orkee-sync"
    }
}

fn pauses(path: &Path) -> Result<Pauses, String> {
    let file = match fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Pauses { places: BTreeMap::new() });
        }
        Err(error) => return Err(error.to_string()),
    };
    if !file.is_file() || file.len() > MAX_FILE {
        return Err("it is no small file".to_owned());
    }
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn told(pause: &Pause, now: Timestamp) -> Check {
    let Pause { code, message, hint, at, not_before } = pause;
    let next = not_before.parse::<Timestamp>().ok().filter(|next| *next > now);
    let next = next.map(|_| format!(", and no automatic one begins before {}", text::minute(not_before)));
    let told = format!(
        "the last sync failed at {}: {message} ({code}){}",
        text::minute(at),
        next.unwrap_or_default()
    );
    let hint = hint.clone().unwrap_or_else(|| "run `orkee cloud sync`, which does not wait".to_owned());
    Check::warning(NAME, told).hint(hint)
}
