//! Questions to a person at a terminal. They stand on standard error, so that standard output stays data.

use std::io::{self, IsTerminal, Write};

use crate::context::Context;
use crate::failure::CliError;
use crate::output::Paint;

/// Whether somebody is there to answer.
pub(crate) fn possible(cx: &Context) -> bool {
    !cx.global.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A line of text; an empty answer takes the default.
pub(crate) fn line(cx: &Context, question: &str, default: Option<&str>) -> Result<String, CliError> {
    let shown = match default {
        None => String::new(),
        Some("") => cx.out.err_paint(Paint::Dim, " (may be empty)"),
        Some(default) => format!(" [{}]", cx.out.err_paint(Paint::Dim, default)),
    };
    loop {
        let answer = ask(cx, &format!("{}{shown}: ", cx.out.err_paint(Paint::Strong, question)))?;
        match (answer.trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Yes or no; an empty answer is no.
pub(crate) fn confirm(cx: &Context, question: &str) -> Result<bool, CliError> {
    loop {
        let answer = ask(cx, &format!("{} [y/N] ", cx.out.err_paint(Paint::Strong, question)))?;
        match answer.trim().to_lowercase().as_str() {
            "" | "n" | "no" => return Ok(false),
            "y" | "yes" => return Ok(true),
            _ => cx.out.error_line("please answer y or n"),
        }
    }
}

/// One of several: the answers are given by their letter or word, such as `("l", "local")`.
pub(crate) fn choose<'a>(
    cx: &Context,
    question: &str,
    answers: &[(&str, &'a str)],
) -> Result<&'a str, CliError> {
    let shown: Vec<String> = answers.iter().map(|(letter, word)| format!("{letter} = {word}")).collect();
    loop {
        let answer =
            ask(cx, &format!("{} ({}) ", cx.out.err_paint(Paint::Strong, question), shown.join(", ")))?;
        let answer = answer.trim().to_lowercase();
        if let Some((_, word)) = answers.iter().find(|(letter, word)| answer == *letter || answer == *word) {
            return Ok(word);
        }
    }
}

/// Asks before something that cannot be seen coming: `--yes` answers it, and where nobody is there the command ends, unchanged.
pub(crate) fn must_confirm(cx: &Context, yes: bool, question: &str) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !possible(cx) {
        return Err(CliError::NobodyToAsk {
            question: question.to_owned(),
            hint: "add --yes to go ahead".to_owned(),
        });
    }
    if confirm(cx, question)? { Ok(()) } else { Err(CliError::Declined) }
}

fn ask(cx: &Context, prompt: &str) -> Result<String, CliError> {
    show(cx, prompt)?;
    match read().map_err(CliError::Stdin)? {
        Some(answer) => Ok(answer),
        None => {
            // The person left.
            cx.out.error_line("");
            Err(CliError::Declined)
        }
    }
}

/// Puts a question on the terminal.
pub(crate) fn show(cx: &Context, question: &str) -> Result<(), CliError> {
    cx.out.finish()?;
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(CliError::Stdin)
}

/// Waits for an answer; none at the end of input.
pub(crate) fn read() -> io::Result<Option<String>> {
    let mut answer = String::new();
    Ok((io::stdin().read_line(&mut answer)? > 0).then_some(answer))
}
