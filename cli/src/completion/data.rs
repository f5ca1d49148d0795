//! Words from the person's own data. What cannot be read has none.

use clap::CommandFactory;
use clap_complete::engine::CompletionCandidate;
use orkee_core::home::Home;
use orkee_core::settings::{Key, Settings};
use orkee_core::store::Peek;

use crate::args::Cli;
use crate::commands::help;
use crate::output::text;

/// More than this nobody looks through.
const MOST: usize = 200;

/// Ids of projects; and the names that begin with what was typed and can be typed as they are.
pub(super) fn projects(word: &str) -> Vec<CompletionCandidate> {
    let found = peek().map(|peek| peek.projects(word, MOST)).unwrap_or_default();
    let is_flag = |name: &str| name.starts_with('-');
    let typed = |name: &str| {
        !is_flag(name) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let begins = |text: &str| text.starts_with(word);
    let mut candidates = Vec::new();
    for (id, name) in &found {
        let same = found.iter().filter(|(_, other)| other == name).count();
        if !word.is_empty() && same == 1 && begins(name) && typed(name) {
            candidates.push(told(name, id));
        }
        if begins(id) && !is_flag(id) {
            candidates.push(told(id, name));
        }
    }
    candidates
}

/// Ids of projects that can be restored.
pub(super) fn deleted(word: &str) -> Vec<CompletionCandidate> {
    let found = peek().map(|peek| peek.deleted(word, MOST)).unwrap_or_default();
    found.iter().map(|(id, at)| told(id, &format!("deleted {}", text::minute(at)))).collect()
}

/// Restore points.
pub(super) fn points(word: &str) -> Vec<CompletionCandidate> {
    let found = peek().map(|peek| peek.points(MOST)).unwrap_or_default();
    let found = found.iter().map(|(number, operation)| (number.to_string(), operation));
    found.filter(|(number, _)| number.starts_with(word)).map(|(number, what)| told(&number, what)).collect()
}

/// Settings, as keys of config.toml; as variables where somebody began to type one.
pub(super) fn settings(word: &str) -> Vec<CompletionCandidate> {
    let entries = settings_here().map(|settings| settings.entries()).unwrap_or_default();
    let entries = entries.iter().map(ToString::to_string);
    let keys = Key::ALL.iter().filter_map(|key| key.config_name()).chain(entries);
    let variables =
        Key::ALL.iter().map(|key| key.variable().to_owned()).filter(|_| word.starts_with("ORKEE_"));
    keys.chain(variables).filter(|name| name.starts_with(word)).map(CompletionCandidate::new).collect()
}

/// The commands that can follow `help`, and its topics.
pub(super) fn commands_and_topics(word: &str) -> Vec<CompletionCandidate> {
    let command = Cli::command();
    let commands = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let commands = commands.map(|sub| {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        told(sub.get_name(), &about)
    });
    let topics = help::topics().map(|topic| told(topic, "what is common to all commands"));
    let begins = |candidate: &CompletionCandidate| {
        candidate.get_value().to_str().is_some_and(|value| value.starts_with(word))
    };
    commands.chain(topics).filter(begins).collect()
}

/// Webhooks of this device.
#[cfg(feature = "cloud")]
pub(super) fn webhooks(word: &str) -> Vec<CompletionCandidate> {
    let found = peek().map(|peek| peek.webhooks()).unwrap_or_default();
    found.iter().filter(|(id, _)| id.starts_with(word)).map(|(id, url)| told(id, url)).collect()
}

/// What webhooks can be told of.
#[cfg(feature = "cloud")]
pub(super) fn events(word: &str) -> Vec<CompletionCandidate> {
    use orkee_core::event::{EventKind, Filter};
    let kinds = EventKind::ALL.into_iter().map(EventKind::as_str);
    let groups = kinds.clone().filter_map(|kind| kind.split_once('.')).map(|(group, _)| format!("{group}.*"));
    let mut names: Vec<String> = kinds.map(str::to_owned).chain(groups).chain(["*".to_owned()]).collect();
    names.retain(|name| name.starts_with(word) && Filter::parse(name).is_ok());
    names.sort();
    names.dedup();
    names.iter().map(CompletionCandidate::new).collect()
}

/// Providers and dispatchers that were installed.
#[cfg(feature = "cloud")]
pub(super) fn providers(word: &str) -> Vec<CompletionCandidate> {
    begin(installed(), word)
}

/// Those, and the ones that are part of this program.
#[cfg(feature = "cloud")]
pub(super) fn all_providers(word: &str) -> Vec<CompletionCandidate> {
    let built_in = orkee_core::plugin::BUILT_IN.map(str::to_owned);
    begin(built_in.into_iter().chain(installed()).collect(), word)
}

/// What can send webhooks.
#[cfg(feature = "cloud")]
pub(super) fn dispatchers(word: &str) -> Vec<CompletionCandidate> {
    let built_in = orkee_components::DISPATCHERS.iter().map(|built_in| built_in.name.to_owned());
    begin(built_in.chain(installed()).collect(), word)
}

#[cfg(feature = "cloud")]
fn installed() -> Vec<String> {
    let registry = Home::existing().and_then(|home| orkee_core::plugin::Registry::open(&home).ok());
    let names = registry
        .map(|registry| registry.installed().map(|one| one.current.granted.name.to_string()).collect());
    names.unwrap_or_default()
}

/// What `--env` takes.
#[cfg(feature = "cloud")]
pub(super) fn environments(word: &str) -> Vec<CompletionCandidate> {
    begin(settings_here().map(|settings| settings.environments()).unwrap_or_default(), word)
}

/// Tenants of config.toml, and those that have projects here.
#[cfg(feature = "cloud")]
pub(super) fn tenants(word: &str) -> Vec<CompletionCandidate> {
    let described = settings_here().map(|settings| settings.tenants()).unwrap_or_default();
    let mut names = peek().map(|peek| peek.tenants()).unwrap_or_default();
    names.extend(described);
    names.sort();
    names.dedup();
    begin(names, word)
}

#[cfg(feature = "cloud")]
fn begin(names: Vec<String>, word: &str) -> Vec<CompletionCandidate> {
    names
        .into_iter()
        .filter(|name| name.starts_with(word))
        .map(|name| CompletionCandidate::new(text::line(&name)))
        .collect()
}

fn settings_here() -> Option<Settings> {
    Settings::load(&Home::existing()?).ok()
}

fn peek() -> Option<Peek> {
    let home = Home::existing()?;
    let tenant = Settings::load(&home).ok()?.tenant().ok()?.value;
    Peek::open(&home.database(), &tenant)
}

/// A word and what it is. Nothing in either of them is more than text, wherever it came from.
fn told(word: &str, what: &str) -> CompletionCandidate {
    CompletionCandidate::new(text::line(word)).help(Some(text::line(what).into()))
}
