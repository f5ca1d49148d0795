//! Which locks are held, and by whom. None of them is taken: the kernel frees a lock with its process, so that none stays behind.

use std::path::PathBuf;
use std::time::Duration;

use orkee_core::home::Home;
use orkee_core::lock::Holder;

use super::check::Check;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "locks";

/// A lock file, and what its holder is at; for how long that usually takes.
struct Known {
    path: PathBuf,
    doing: &'static str,
    usually: Option<Duration>,
}

/// Looks at each lock of the home folder.
pub(super) fn examine(cx: &Context) -> Result<Vec<Check>, Failure> {
    let held: Vec<Check> =
        known(cx.home()?).iter().filter_map(|known| Some(told(known, &Holder::of(&known.path)?))).collect();
    Ok(if held.is_empty() { vec![Check::ok(NAME, "No lock is held")] } else { held })
}

fn known(home: &Home) -> Vec<Known> {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    const MINUTE: Duration = Duration::from_secs(60);
    let beside = |path: PathBuf, end: &str| {
        let mut name = path.into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    let known = |path, doing, usually| Known { path, doing, usually };
    let mut all = vec![
        known(home.sync_lock(), "syncs", Some(HOUR)),
        known(home.background_lock(), "syncs in the background", Some(HOUR)),
        known(home.auth_lock(), "changes the sign-in", Some(MINUTE)),
        known(home.webhook_lock(), "sends webhook deliveries", Some(24 * HOUR)),
        known(beside(home.database(), "-turn"), "writes the database", Some(MINUTE)),
        known(home.plugins().join("grants.lock"), "changes providers", Some(MINUTE)),
    ];
    // One for each place that a sync waited for.
    let run = std::fs::read_dir(home.root().join("run")).into_iter().flatten().flatten();
    let waiting = run.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("background-next") && name.ends_with(".lock")
    });
    let waits = "waits for another sync to end";
    all.extend(waiting.map(|entry| known(entry.path(), waits, Some(HOUR))));
    all
}

fn told(known: &Known, holder: &Holder) -> Check {
    let Known { path, doing, usually } = known;
    let who = match (holder.pid, &holder.name) {
        (Some(pid), Some(name)) => format!("process {pid} ({name})"),
        (Some(pid), None) => format!("process {pid}"),
        (None, _) => "another process".to_owned(),
    };
    let since = holder.held_for.map(|held| format!(", for {}", span(held))).unwrap_or_default();
    let file = path.file_name().unwrap_or(path.as_os_str()).display();
    let message = format!("{who} {doing} and holds {file}{since}");
    match (usually, holder.held_for) {
        (Some(usually), Some(held)) if held > *usually => {
            let stop = holder.pid.map(|pid| format!("; if it hangs, end it: `kill {pid}`"));
            Check::warning(NAME, message)
                .hint(format!("that is longer than usual: look what it does{}", stop.unwrap_or_default()))
        }
        _ => Check::ok(NAME, message),
    }
}

/// A time as people say it, in its largest unit.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_held_for_long_deserves_a_look() {
        let known =
            Known { path: "/home/sync.lock".into(), doing: "syncs", usually: Some(Duration::from_secs(60)) };
        let holder = |held| Holder { pid: Some(7), name: None, held_for: Some(Duration::from_secs(held)) };
        let fine = told(&known, &holder(30));
        assert_eq!(fine.message, "process 7 syncs and holds sync.lock, for 30 s");
        assert_eq!(fine.state, super::super::State::Ok);
        let long = told(&known, &holder(7 * 3600));
        assert!(long.message.ends_with("for 7 h"), "{}", long.message);
        assert_eq!(long.state, super::super::State::Warning);
    }
}
