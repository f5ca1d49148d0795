//! How one project looks: as a page for a person, as JSON for a script.

use orkee_core::project::{FIELDS, Payload, Project, ProjectId, Task};
use orkee_core::store::{Stored, Updated};
use serde::Serialize;

use crate::failure::CliError;
use crate::output::table::fit;
use crate::output::{Output, Paint, text};
use crate::terminal;
use crate::waiting::{LOCKED, Waiting};

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
}

impl<'a> Shown<'a> {
    pub(super) fn new(stored: &'a Stored, conflicts: &'a [Waiting<'a>]) -> Self {
        let Stored { payload, number, device, root, locked, .. } = stored;
        let folder_exists = stored.folder().map(|folder| folder.is_dir());
        Self {
            project: payload,
            version: *number,
            device,
            root: root.as_deref(),
            folder_exists,
            conflicts,
            locked_fields: locked,
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
    let shown = |field: &str, value: Option<String>| match stored.locked.contains(&field) {
        true => Some(LOCKED.to_owned()),
        false => value,
    };
    page.field("id", Some(project.id.as_str()))?;
    page.field("status", Some(project.status.as_str()))?;
    page.field("priority", Some(project.priority.as_str()))?;
    page.field("rank", project.rank.map(|r| r.to_string()).as_deref())?;
    page.field("tags", Some(project.tags.join(", ")).filter(|t| !t.is_empty()).as_deref())?;
    page.field("description", shown("description", project.description.clone()).as_deref())?;
    let here = stored.root.as_ref().map(|path| path.display().to_string());
    let folder = here.as_deref().or(project.project_root.as_deref());
    let gone = if stored.is_missing() { "  (not on this device)" } else { "" };
    page.field("folder", folder.map(|folder| format!("{folder}{gone}")).as_deref())?;
    if here.is_some() {
        page.field("elsewhere", project.project_root.as_deref())?;
    }
    page.field("repository", repository(&project).as_deref())?;
    page.field("setup", shown("setupScript", project.setup_script.clone()).as_deref())?;
    page.field("dev", shown("devScript", project.dev_script.clone()).as_deref())?;
    page.field("cleanup", shown("cleanupScript", project.cleanup_script.clone()).as_deref())?;
    page.field("tasks", shown("manualTasks", None).as_deref())?;
    page.field("tasks from", project.task_source.as_ref().map(|s| s.as_str()))?;
    let servers: Vec<String> = project
        .mcp_servers
        .iter()
        .map(|(name, on)| format!("{name} {}", if *on { "on" } else { "off" }))
        .collect();
    page.field("mcp servers", Some(servers.join(", ")).filter(|t| !t.is_empty()).as_deref())?;
    page.unknown(&stored.payload)?;
    let time = |field| stored.payload.read::<String>(field);
    page.field("created", time("createdAt").as_deref().map(moment).as_deref())?;
    page.field("updated", time("updatedAt").as_deref().map(moment).as_deref())?;
    page.field("version", Some(&format!("{} by {}", stored.number, stored.device)))?;
    page.tasks(&project.manual_tasks)
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
            let label = if i == 0 { label } else { "" };
            self.out
                .line(format_args!("  {}{line}", self.out.paint(Paint::Dim, &format!("{label:LABEL$}"))))?;
        }
        Ok(())
    }

    /// Fields that a newer version brought: as they are.
    fn unknown(&self, payload: &Payload) -> Result<(), CliError> {
        for (field, value) in payload.iter().filter(|(field, _)| !FIELDS.contains(field)) {
            self.field(&text::line(field), Some(value.get()))?;
        }
        Ok(())
    }

    fn tasks(&self, tasks: &[Task]) -> Result<(), CliError> {
        if !tasks.is_empty() {
            self.out.line(format_args!("\n{}", self.out.paint(Paint::Strong, "Tasks")))?;
        }
        self.task_list(tasks, "", 1)
    }

    fn task_list(&self, tasks: &[Task], parent: &str, depth: usize) -> Result<(), CliError> {
        for task in tasks {
            let number = format!("{parent}{}", task.id);
            let status = self.out.paint(Paint::Dim, task.status.as_str());
            self.out.line(format_args!(
                "{}{number}  {}  {status}",
                "  ".repeat(depth),
                text::line(&task.title)
            ))?;
            self.task_list(&task.subtasks, &format!("{number}."), depth + 1)?;
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
pub(super) fn moment(at: &str) -> String {
    match (at.get(..10), at.get(11..16)) {
        (Some(day), Some(time)) if at.ends_with('Z') && at.is_ascii() => format!("{day} {time} UTC"),
        _ => at.to_owned(),
    }
}
