//! How one project looks: as a page for a person, as JSON for a script.

use orkee_core::project::{FIELDS, Payload, Project, ProjectId, Task};
use orkee_core::store::{Stored, Updated};
use serde::Serialize;

use crate::failure::CliError;
use crate::output::table::fit;
use crate::output::{Output, Paint, text};
use crate::terminal;
use crate::waiting::{DAMAGED, LOCKED, Waiting};

/// `{"project": …}`
#[derive(Serialize)]
pub(super) struct Document<'a> {
    pub(super) project: &'a Payload,
}

/// The project, and what only this device knows about it.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    project: &'a Payload,
    version: u64,
    device: &'a str,
    /// This device's own folder for it.
    root: Option<&'a std::path::Path>,
    /// Whether its folder on this device, its own or the author's, is there; null where neither is named.
    folder_exists: Option<bool>,
    conflicts: &'a [Waiting<'a>],
    /// Fields of the project that are sealed on this device and left out, since their key is not at hand.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    locked_fields: &'a [&'static str],
    /// Fields of the project that are sealed on this device, do not open any more, and are left out.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    damaged_fields: &'a [&'static str],
}

impl<'a> Shown<'a> {
    pub(super) fn new(stored: &'a Stored, conflicts: &'a [Waiting<'a>]) -> Self {
        let Stored { payload, number, device, root, locked, damaged, .. } = stored;
        let folder_exists = stored.folder().map(|folder| folder.is_dir());
        Self {
            project: payload,
            version: *number,
            device,
            root: root.as_deref(),
            folder_exists,
            conflicts,
            locked_fields: locked,
            damaged_fields: damaged,
        }
    }
}

/// Says which fields of a project a command changed; `how` is what it did with the project, by its name.
pub(super) fn changed(
    out: &Output,
    updated: &Updated,
    how: impl FnOnce(&str) -> String,
) -> Result<(), CliError> {
    if out.is_json() {
        return out.document(&Document { project: &updated.payload });
    }
    let named = named(out, &updated.payload);
    if updated.fields.is_empty() {
        return out.done(format_args!("{named} is like that already"));
    }
    let fields: Vec<String> = updated.fields.iter().map(|f| text::line(f)).collect();
    out.done(format_args!("{}: {}", how(&named), fields.join(", ")))
}

/// A project in a sentence: its name and its id.
pub(super) fn named(out: &Output, payload: &Payload) -> String {
    let name = out.paint(Paint::Strong, &text::line(&payload.name()));
    format!("{name} {}", out.paint(Paint::Dim, payload.id().as_str()))
}

/// Everything about a project, a field a line.
pub(super) fn page(out: &Output, stored: &Stored) -> Result<(), CliError> {
    let project = stored.project();
    out.line(out.paint(Paint::Strong, &text::line(&project.name)))?;
    let page = Page { out };
    for (label, value) in fields(stored, &project) {
        page.field(&label, Some(&value))?;
    }
    page.tasks(&tasks(&project.manual_tasks))
}

/// The fields that a project has, each by what people call it; values as they are kept.
pub(in crate::commands) fn fields(stored: &Stored, project: &Project) -> Vec<(String, String)> {
    let shown = |field: &str, value: &Option<String>| {
        if stored.locked.contains(&field) {
            return Some(LOCKED.to_owned());
        }
        if stored.damaged.contains(&field) { Some(DAMAGED.to_owned()) } else { value.clone() }
    };
    let words = |words: Vec<String>| Some(words.join(", ")).filter(|words| !words.is_empty());
    let here = stored.root.as_ref().map(|path| path.display().to_string());
    let (folder, elsewhere) = match &here {
        Some(_) => (here, project.project_root.clone()),
        None => (project.project_root.clone(), None),
    };
    let gone = if stored.is_missing() { "  (not on this device)" } else { "" };
    let servers = project.mcp_servers.iter();
    let servers = servers.map(|(name, on)| format!("{name} {}", if *on { "on" } else { "off" }));
    let time = |field| stored.payload.read::<String>(field).map(|at| moment(&at));
    let known = [
        ("id", Some(project.id.to_string())),
        ("status", Some(project.status.as_str().to_owned())),
        ("priority", Some(project.priority.as_str().to_owned())),
        ("rank", project.rank.map(|rank| rank.to_string())),
        ("tags", words(project.tags.clone())),
        ("description", shown("description", &project.description)),
        ("folder", folder.map(|folder| format!("{folder}{gone}"))),
        ("elsewhere", elsewhere),
        ("repository", repository(project)),
        ("setup", shown("setupScript", &project.setup_script)),
        ("dev", shown("devScript", &project.dev_script)),
        ("cleanup", shown("cleanupScript", &project.cleanup_script)),
        ("tasks", shown("manualTasks", &None)),
        ("tasks from", project.task_source.as_ref().map(|source| source.as_str().to_owned())),
        ("mcp servers", words(servers.collect())),
    ];
    let unknown = stored.payload.iter().filter(|(field, _)| !FIELDS.contains(field));
    let unknown = unknown.map(|(field, value)| (field.to_owned(), value.get().to_owned()));
    let last = [
        ("created", time("createdAt")),
        ("updated", time("updatedAt")),
        ("version", Some(format!("{} by {}", stored.number, stored.device))),
    ];
    let there = |(label, value): (&str, Option<String>)| value.map(|value| (label.to_owned(), value));
    known.into_iter().filter_map(there).chain(unknown).chain(last.into_iter().filter_map(there)).collect()
}

/// A task in a list of tasks and their subtasks.
pub(in crate::commands) struct TaskLine<'a> {
    /// How far below the topmost, from 1.
    pub(in crate::commands) depth: usize,
    /// With those of the tasks above: `3.1`.
    pub(in crate::commands) number: String,
    pub(in crate::commands) task: &'a Task,
}

/// All tasks, each before its subtasks.
pub(in crate::commands) fn tasks(tasks: &[Task]) -> Vec<TaskLine<'_>> {
    fn below<'a>(tasks: &'a [Task], parent: &str, depth: usize, lines: &mut Vec<TaskLine<'a>>) {
        for task in tasks {
            let number = format!("{parent}{}", task.id);
            let prefix = format!("{number}.");
            lines.push(TaskLine { depth, number, task });
            below(&task.subtasks, &prefix, depth + 1, lines);
        }
    }
    let mut lines = Vec::new();
    below(tasks, "", 1, &mut lines);
    lines
}

/// What waits to be settled, a field at a time.
pub(super) fn conflicts(out: &Output, id: ProjectId, waiting: &[Waiting<'_>]) -> Result<(), CliError> {
    if waiting.is_empty() {
        return Ok(());
    }
    out.line(format_args!("\n{}", out.paint(Paint::Strong, "Conflicts")))?;
    let page = Page { out };
    for conflict in waiting {
        let [field, here, cloud] = conflict.in_line();
        let whose = format!("the cloud's is by {}, {}", text::line(conflict.device), moment(conflict.at));
        out.line(format_args!("  {field}  {}", out.paint(Paint::Dim, &whose)))?;
        // On a terminal a line each: `cloud conflicts ID` shows them in full.
        let short = |value: String| match out.is_terminal() {
            true => fit(&value, terminal::width().saturating_sub(LABEL + 2).max(1)),
            false => value,
        };
        page.field("  here", Some(&short(here)))?;
        page.field("  cloud", Some(&short(cloud)))?;
    }
    if cfg!(feature = "cloud") {
        out.note(format_args!("Settle: orkee cloud conflicts resolve {id}"));
    }
    Ok(())
}

struct Page<'a> {
    out: &'a Output,
}

/// Columns of a field's label.
const LABEL: usize = 13;

impl Page<'_> {
    fn field(&self, label: &str, value: Option<&str>) -> Result<(), CliError> {
        let Some(value) = value else { return Ok(()) };
        let value = text::block(value);
        for (i, line) in value.lines().enumerate() {
            let label = if i == 0 { text::line(label) } else { String::new() };
            self.out
                .line(format_args!("  {}{line}", self.out.paint(Paint::Dim, &format!("{label:LABEL$}"))))?;
        }
        Ok(())
    }

    fn tasks(&self, tasks: &[TaskLine<'_>]) -> Result<(), CliError> {
        if !tasks.is_empty() {
            self.out.line(format_args!("\n{}", self.out.paint(Paint::Strong, "Tasks")))?;
        }
        for TaskLine { depth, number, task } in tasks {
            let status = self.out.paint(Paint::Dim, task.status.as_str());
            let title = text::line(&task.title);
            self.out.line(format_args!("{}{number}  {title}  {status}", "  ".repeat(*depth)))?;
        }
        Ok(())
    }
}

fn repository(project: &Project) -> Option<String> {
    let git = project.git_repository.as_ref()?;
    let branch = git.branch.as_ref().map(|branch| format!(" ({branch})")).unwrap_or_default();
    Some(format!("{}{branch}", git.url))
}

/// A time for people: to the minute. What is no time of ours is shown as it is.
pub(in crate::commands) fn moment(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(day), Some(time)) if at.ends_with('Z') && at.is_ascii() => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    }
}
