//! The examples of a command, as they stand at the end of its help.

use serde::Serialize;

/// One line that can be typed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Example {
    pub(crate) command: String,
    /// What it does, where that is said.
    pub(crate) note: Option<String>,
}

/// Takes apart `Examples:` and the lines below it. What a line does stands behind it, after two spaces or more.
pub(crate) fn of(command: &clap::Command) -> Vec<Example> {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = text.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  "));
    lines.map(|line| example(line.trim())).collect()
}

/// What stands below the examples.
pub(crate) fn rest(command: &clap::Command) -> String {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = text.lines().filter(|line| *line != "Examples:" && !line.starts_with("  "));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn example(line: &str) -> Example {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') if line.get(at..).is_some_and(|rest| rest.starts_with("  ")) => {
                let (command, note) = line.split_at(at);
                return Example { command: command.to_owned(), note: Some(note.trim().to_owned()) };
            }
            _ => {}
        }
    }
    Example { command: line.to_owned(), note: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_example_does_stands_behind_two_spaces_that_are_in_no_quotes() {
        let told = example("orkee audit --since '2  days ago'   the newest, it's said");
        assert_eq!(told.command, "orkee audit --since '2  days ago'");
        assert_eq!(told.note.as_deref(), Some("the newest, it's said"));
        assert_eq!(example("orkee audit"), Example { command: "orkee audit".to_owned(), note: None });
    }
}
