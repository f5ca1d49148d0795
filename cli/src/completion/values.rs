//! What each value of the command line can be, by its command and its name in the help.

use clap::{Arg, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use orkee_core::project::{Priority, Status};
use orkee_core::store::Sort;
use orkee_core::transfer::{Format, OnConflict};

use super::data;

/// Where the words come from.
type Source = fn(&str) -> Vec<CompletionCandidate>;

/// The argument with its candidates, where there are any beside those that clap knows itself.
pub(super) fn with_candidates(path: &[&str], arg: Arg) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map(|name| name.to_string());
    let name = name.unwrap_or_default();
    match name.as_str() {
        "FILE" | "FILE|DIR" | "SOURCE" | "PATH" => return arg.value_hint(ValueHint::AnyPath),
        "DIR" | "FOLDER" => return arg.value_hint(ValueHint::DirPath),
        _ => {}
    }
    match source(path, &name) {
        Some(source) => arg.add(ArgValueCompleter::new(move |word: &std::ffi::OsStr| {
            word.to_str().map(source).unwrap_or_default()
        })),
        None => arg,
    }
}

fn source(path: &[&str], name: &str) -> Option<Source> {
    Some(match (path, name) {
        (["projects", "restore"], "ID") => data::deleted,
        (_, "ID|NAME") => data::projects,
        (["cloud", "sync" | "restore" | "conflicts" | "parked", ..], "ID") => data::projects,
        (["undo"], "POINT") => data::points,
        (["help"], _) => data::commands_and_topics,
        (["config", ..], "KEY") => data::settings,
        (_, "STATUS") => |word| words(Status::WORDS, word),
        (_, "PRIORITY") => |word| words(Priority::WORDS, word),
        (_, "FORMAT") => |word| words(Format::WORDS, word),
        (["projects", "list"], "FIELD") => |word| words(Sort::WORDS, word),
        (["projects", "import"], "WHAT") => |word| words(OnConflict::WORDS, word),
        #[cfg(feature = "cloud")]
        (["cloud", ..], _) => return cloud(path, name),
        _ => return None,
    })
}

#[cfg(feature = "cloud")]
fn cloud(path: &[&str], name: &str) -> Option<Source> {
    Some(match (path, name) {
        (["cloud", "webhook", ..], "ID" | "URL|ID") => data::webhooks,
        (["cloud", "webhook", ..], "EVENT") => data::events,
        (["cloud", "provider", "new"], "NAME") => return None,
        (["cloud", "provider", "info" | "logs"], "NAME") => data::all_providers,
        (["cloud", "provider", ..], "NAME") => data::providers,
        (["cloud", "webhook", "add" | "test"], "NAME") => data::dispatchers,
        (["cloud", "login"], "NAME") => data::environments,
        (["cloud", "logout"], "T") | (_, "TENANT") => data::tenants,
        (["cloud", "team", ..], "ROLE") => |word| words(&["owner", "member", "read-only"], word),
        (["cloud", "conflicts", ..], "local|cloud") => |word| words(&["local", "cloud"], word),
        _ => return None,
    })
}

/// Those of the words that begin so.
pub(super) fn words(all: &[&'static str], word: &str) -> Vec<CompletionCandidate> {
    all.iter().filter(|known| known.starts_with(word)).map(CompletionCandidate::new).collect()
}
