//! Every command that there is, as `orkee help --json` tells it.

use orkee_tests::home::Home;
use serde_json::Value;

/// A command.
pub(crate) struct Command {
    /// The words behind `orkee`.
    pub(crate) words: Vec<String>,
    /// What `help --json` says of it.
    pub(crate) about: Value,
}

impl Command {
    /// `orkee projects add`.
    pub(crate) fn name(&self) -> &str {
        self.about["command"].as_str().unwrap()
    }

    /// Whether further words have to follow.
    pub(crate) fn is_group(&self) -> bool {
        !self.about["subcommands"].as_array().unwrap().is_empty()
            && self.about["values"].as_array().unwrap().is_empty()
    }

    /// Its examples.
    pub(crate) fn examples(&self) -> Vec<String> {
        let examples = self.about["examples"].as_array().unwrap();
        examples.iter().map(|example| example["command"].as_str().unwrap().to_owned()).collect()
    }

    /// Words that it can be typed with: the command, and something for each value and flag that it wants.
    pub(crate) fn typed(&self) -> Vec<String> {
        let wanted = |part: &str| -> Vec<Value> {
            let parts = self.about[part].as_array().unwrap();
            parts.iter().filter(|one| one["required"] == true).cloned().collect()
        };
        let mut typed = self.words.clone();
        for value in wanted("values") {
            typed.push(something(&value, value["name"].as_str().unwrap()));
        }
        for flag in wanted("flags") {
            typed.push(format!("--{}", flag["long"].as_str().unwrap()));
            if let Some(name) = flag["value"].as_str() {
                typed.push(something(&flag, name));
            }
        }
        typed
    }
}

fn something(value: &Value, name: &str) -> String {
    if let Some(word) = value["possible"].get(0) {
        return word.as_str().unwrap().to_owned();
    }
    match name {
        "ID|NAME" => "shop",
        "KEY" => "history.days",
        "N" | "POINT" | "VALUE" | "SECONDS" => "1",
        "URL" | "URL|ID" | "HOST" => "https://hooks.example.com",
        "ROLE" => "member",
        name if name.contains('=') => "a=b",
        _ => "nothing",
    }
    .to_owned()
}

/// All of them, `orkee` itself first.
pub(crate) fn commands() -> Vec<Command> {
    let told = Home::new().json(["help"]);
    let commands = told["commands"].as_array().unwrap();
    assert!(commands.len() > 60, "{}", commands.len());
    let words =
        |about: &Value| about["command"].as_str().unwrap().split(' ').skip(1).map(str::to_owned).collect();
    commands.iter().map(|about| Command { words: words(about), about: about.clone() }).collect()
}

/// Those that do something.
pub(crate) fn that_act() -> Vec<Command> {
    commands().into_iter().filter(|command| !command.words.is_empty() && !command.is_group()).collect()
}
