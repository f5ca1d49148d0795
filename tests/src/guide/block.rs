//! The commands of a block, each with what the page says it prints.

use std::process::{Command, Stdio};

/// One command, maybe of several lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub command: String,
    /// None: what it prints is not looked at.
    pub prints: Option<String>,
}

/// The commands of a block of this language. It has to have some.
pub(super) fn commands(language: &str, text: &str) -> Result<Vec<Typed>, String> {
    let all = match language {
        "console" if !text.starts_with("$ ") => return Err("it does not begin with `$ `".to_owned()),
        "console" => session(text),
        _ => script(text),
    };
    match all.is_empty() {
        true => Err("it has no command".to_owned()),
        false => Ok(all),
    }
}

/// A session: `$ ` before a command, `> ` before more of its lines, and what it prints below.
fn session(text: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            all.push(Typed { command: command.to_owned(), prints: None });
            continue;
        }
        let Some(last) = all.last_mut() else { continue };
        match (line.strip_prefix("> "), &mut last.prints) {
            (Some(more), None) => last.command = format!("{}\n{more}", last.command),
            (_, Some(prints)) => *prints = format!("{prints}\n{line}"),
            (None, prints) => *prints = Some(line.to_owned()),
        }
    }
    all
}

/// A script: a command ends with the line that makes it whole.
fn script(text: &str) -> Vec<Typed> {
    let mut all = Vec::new();
    let mut command = String::new();
    for line in text.lines() {
        let is_remark = line.trim().is_empty() || line.starts_with('#');
        if command.is_empty() && is_remark {
            continue;
        }
        command = if command.is_empty() { line.to_owned() } else { format!("{command}\n{line}") };
        if is_whole(&command) {
            all.push(Typed { command: std::mem::take(&mut command), prints: None });
        }
    }
    if !command.is_empty() {
        all.push(Typed { command, prints: None });
    }
    all
}

/// Whether the shell would not ask for another line.
fn is_whole(command: &str) -> bool {
    let last = command.lines().last().unwrap_or_default();
    if last.ends_with('\\') || last.trim_end().ends_with('|') {
        return false;
    }
    let mut bash = Command::new("bash");
    bash.args(["-nc", command]).stdin(Stdio::null()).stderr(Stdio::null());
    bash.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_commands_with_what_they_print() {
        let found = session("$ a\nx\ny\n$ b \\\n> c\n$ d");
        let wanted = [("a", Some("x\ny")), ("b \\\nc", None), ("d", None)];
        let wanted = wanted.map(|(command, prints)| Typed {
            command: command.to_owned(),
            prints: prints.map(str::to_owned),
        });
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_block_without_a_command_is_refused() {
        for (language, text) in
            [("console", ""), ("console", "orkee x"), ("console", "x\n$ y"), ("bash", "# x\n")]
        {
            assert!(commands(language, text).is_err(), "{language} {text:?}");
        }
    }

    #[test]
    fn a_command_of_a_script_goes_on_until_it_is_whole() {
        let found = script("# why\na\n\nb | \\\n  c\nd 'e\nf'\n");
        let commands: Vec<&str> = found.iter().map(|typed| typed.command.as_str()).collect();
        assert_eq!(commands, ["a", "b | \\\n  c", "d 'e\nf'"]);
    }
}
