//! Settling conflicts with a person, one at a time. Each answer is kept at once: who stops in the middle loses nothing of it.

use std::collections::BTreeSet;

use orkee_core::project::ProjectId;
use orkee_core::store::{Choice, Conflict, Store};
use tokio::sync::oneshot;

use super::surroundings::Interrupts;
use super::{comparison, value_editor};
use crate::context::Context;
use crate::failure::{CliError, Failure};
use crate::output::table::fit;
use crate::output::{Paint, text};
use crate::{prompt, terminal};

/// What a person may answer: letters, word, and what is meant.
const ANSWERS: [(&str, &str, Answer); 7] = [
    ("m", "mine", Answer::One(Choice::Local)),
    ("t", "theirs", Answer::One(Choice::Cloud)),
    ("e", "edit", Answer::Edit),
    ("s", "skip", Answer::Skip),
    ("q", "quit", Answer::Quit),
    ("am", "all mine", Answer::All(Choice::Local)),
    ("at", "all theirs", Answer::All(Choice::Cloud)),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    One(Choice),
    Edit,
    Skip,
    /// Of this project.
    All(Choice),
    Quit,
}

/// A conflict as a person saw it.
type Seen = (ProjectId, String, Option<String>);

/// Asks for each conflict, of one project or of all, which value it is to have; how many were settled.
pub(super) fn ask_each(cx: &Context, store: &mut Store, id: Option<ProjectId>) -> Result<usize, Failure> {
    let (mut settled, mut person) = (0, Person::watch()?);
    let ended = ask_on(cx, store, id, &mut person, &mut settled);
    if ended.is_err() {
        let left = store.conflicts(id)?.len();
        cx.out.note(format_args!("\nStopped. Settled {settled}, {left} left as they were."));
    }
    ended.map(|()| settled)
}

fn ask_on(
    cx: &Context,
    store: &mut Store,
    id: Option<ProjectId>,
    person: &mut Person,
    settled: &mut usize,
) -> Result<(), Failure> {
    let mut skipped = BTreeSet::new();
    loop {
        // Looked at anew each time: an answer may change what others wait beside.
        let open = store.conflicts(id)?;
        let waiting: Vec<&Conflict> = open.iter().filter(|c| !skipped.contains(&seen(c))).collect();
        let Some(conflict) = waiting.first().copied() else { return Ok(()) };
        let done = *settled + skipped.len();
        show(cx, store, conflict, (done + 1, done + waiting.len()))?;
        let of_project = waiting.iter().filter(|c| c.id == conflict.id).count();
        let still = match person.question(cx, of_project)? {
            Answer::One(choice) => store.settle(conflict, choice)?,
            Answer::Edit => match value_editor::edit(cx, store, person, conflict)? {
                value_editor::Edited::Settled => true,
                value_editor::Edited::Outdated => false,
                value_editor::Edited::Left => continue,
            },
            Answer::All(choice) => {
                *settled += settle_all(store, conflict.id, &open, choice)?;
                continue;
            }
            Answer::Skip => {
                skipped.insert(seen(conflict));
                continue;
            }
            Answer::Quit => return Ok(()),
        };
        match still {
            true => *settled += 1,
            false => cx.out.warn("it was changed while you looked at it; here it is again"),
        }
    }
}

fn seen(conflict: &Conflict) -> Seen {
    let cloud = conflict.cloud.as_ref().map(|value| value.get().to_owned());
    (conflict.id, conflict.field.clone(), cloud)
}

/// Settles all conflicts of a project; how many that were.
pub(super) fn settle_all(
    store: &mut Store,
    id: ProjectId,
    open: &[Conflict],
    choice: Choice,
) -> Result<usize, Failure> {
    let own = || open.iter().filter(|c| c.id == id).map(|c| c.field.clone());
    let fields: Vec<(String, Choice)> =
        own().collect::<BTreeSet<String>>().into_iter().map(|field| (field, choice)).collect();
    store.resolve(id, &fields)?;
    Ok(own().count())
}

fn show(cx: &Context, store: &Store, conflict: &Conflict, (n, total): (usize, usize)) -> Result<(), Failure> {
    let width = terminal::width();
    let name = fit(&text::line(&conflict.project), width.saturating_sub(30).max(12));
    let id = cx.out.err_paint(Paint::Dim, conflict.id.as_str());
    cx.out.error_line(format_args!("\n{n} of {total}  {} {id}", cx.out.err_paint(Paint::Strong, &name)));
    for piece in text::wrap(&heading(store, conflict)?, width) {
        cx.out.error_line(piece);
    }
    for (paint, line) in comparison::lines(conflict, store.written(conflict)?.as_ref(), width) {
        cx.out.error_line(paint.map_or(line.clone(), |paint| cx.out.err_paint(paint, &line)));
    }
    Ok(())
}

/// The field, and of a task's the title that the task has.
pub(super) fn heading(store: &Store, conflict: &Conflict) -> Result<String, Failure> {
    let field = text::line(&conflict.field);
    let Some(rest) = conflict.field.strip_prefix("manualTasks.") else { return Ok(field) };
    let number = rest.split('.').next().and_then(|number| number.parse::<u64>().ok());
    let project = store.get(conflict.id)?.project();
    let task = project.manual_tasks.iter().find(|task| Some(task.id) == number);
    Ok(match task {
        Some(task) => format!("{field}  ({})", text::line(&task.title)),
        None => field,
    })
}

/// Who answers.
pub(super) struct Person {
    interrupts: Interrupts,
}

impl Person {
    pub(super) fn watch() -> Result<Self, Failure> {
        Ok(Self { interrupts: Interrupts::watch()? })
    }

    /// Asks until the answer is one of those that there are. Who leaves quits.
    fn question(&mut self, cx: &Context, of_project: usize) -> Result<Answer, Failure> {
        let offered =
            || ANSWERS.iter().filter(|(_, _, answer)| of_project > 1 || !matches!(answer, Answer::All(_)));
        let menu = |all: bool| -> Vec<String> {
            let (given, cut) = (offered(), if all { "all " } else { "" });
            given
                .filter(|(_, _, answer)| matches!(answer, Answer::All(_)) == all)
                .map(|(letter, word, _)| format!("{letter}={}", word.trim_start_matches(cut)))
                .collect()
        };
        let mut lines = text::wrap(&menu(false).join(" "), terminal::width());
        if of_project > 1 {
            let all = format!("all {of_project} of this project: {}", menu(true).join(" "));
            lines.extend(text::wrap(&all, terminal::width()));
        }
        for line in lines {
            cx.out.error_line(cx.out.err_paint(Paint::Dim, &line));
        }
        loop {
            let Some(answer) = self.ask(cx, "Keep which?")? else { return Ok(Answer::Quit) };
            let found = offered().find(|(letter, word, _)| answer == *letter || answer == *word);
            if let Some((_, _, answer)) = found {
                return Ok(*answer);
            }
            let letters: Vec<&str> = offered().map(|(letter, _, _)| *letter).collect();
            cx.out.error_line(format_args!("please answer with one of: {}", letters.join(", ")));
        }
    }

    /// An answer in lower case; none at the end of input. Ctrl-C ends it, also after a sync, which catches it from then on.
    pub(super) fn ask(&mut self, cx: &Context, question: &str) -> Result<Option<String>, Failure> {
        prompt::show(cx, &format!("{} ", cx.out.err_paint(Paint::Strong, question)))?;
        let (sender, answer) = oneshot::channel();
        std::thread::spawn(move || sender.send(prompt::read()));
        let answer = self.interrupts.wait_for(async {
            match answer.await {
                Ok(answer) => Ok(answer.map_err(CliError::Stdin)?),
                Err(_) => Ok(None),
            }
        })?;
        if answer.is_none() {
            cx.out.error_line("");
        }
        Ok(answer.map(|answer| answer.trim().to_lowercase()))
    }

    /// What was pressed in another program was for that one.
    pub(super) fn comes_back(&mut self) -> Result<(), Failure> {
        self.interrupts = Interrupts::watch()?;
        Ok(())
    }
}
