//! `orkee projects list`

use std::collections::HashSet;

use orkee_core::project::{ProjectId, Status};
use orkee_core::store::{Filter, Place, Sort, Store, StoreError, Summary};

use super::word;
use crate::context::Context;
use crate::failure::{CommandResult, Exit, Failure};
use crate::output::table::Table;
use crate::output::{Output, text};

/// List projects
///
/// A table on a terminal; elsewhere one project a line, its columns separated by tabs: id, name, status, priority, tags, updated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects list --status building --sort updated
  orkee projects list --search shop --json
  orkee projects list --missing             those whose folder is not on this device")]
pub(crate) struct List {
    /// Those of this status: planning, building, review, launched, on-hold, archived
    #[arg(long, value_name = "STATUS", value_parser = word::<Status>)]
    status: Option<Status>,
    /// Those with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Those with this text in id, name, description or a tag
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Those whose folder is not on this device
    #[arg(long)]
    missing: bool,
    /// The order: name, id, status, priority, rank, created, updated
    #[arg(long, value_name = "FIELD", default_value = "name", value_parser = word::<Sort>)]
    sort: Sort,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let filtered = self.status.is_some() || self.tag.is_some() || self.search.is_some() || self.missing;
        let store = cx.store()?;
        if self.search.is_some() && store.is_shut()? {
            cx.out.warn("what is locked was not searched: orkee cloud key unlock");
        }
        // Looks at every folder, which a plain list does not wait for.
        let among = if self.missing { Some(missing(&store)?) } else { None };
        let filter = Filter {
            status: self.status,
            tag: self.tag,
            search: self.search,
            sort: self.sort,
            limit: self.limit,
            among,
        };
        if cx.out.is_json() {
            return document(&cx.out, &store, &filter, "");
        }
        ended(if cx.out.is_terminal() {
            table(cx, &store, &filter, filtered)
        } else {
            lines(cx, &store, &filter)
        })
    }
}

/// The projects whose folder is not on this device.
fn missing(store: &Store) -> Result<HashSet<ProjectId>, StoreError> {
    Ok(store.places()?.into_iter().filter(Place::is_missing).map(|place| place.id).collect())
}

/// Why a list ends early: nobody reads on, or it failed.
enum Stop {
    Reader,
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

fn ended(result: Result<(), Stop>) -> CommandResult {
    match result {
        Err(Stop::Reader) | Ok(()) => Ok(Exit::DONE),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

/// `{"schema_version": …, "projects": […]}`, one project after another; `head` is what else stands before the projects.
pub(super) fn document(out: &Output, store: &Store, filter: &Filter, head: &str) -> CommandResult {
    ended(projects(out, store, filter, head))
}

fn projects(out: &Output, store: &Store, filter: &Filter, head: &str) -> Result<(), Stop> {
    out.open_document(head)?;
    out.bytes(b"\"projects\":[")?;
    let mut first = true;
    store.list_json::<Stop>(filter, |json| {
        if !std::mem::take(&mut first) {
            out.bytes(b",")?;
        }
        out.bytes(json.as_bytes())?;
        while_read(out)
    })?;
    out.bytes(b"]}\n")?;
    Ok(())
}

fn lines(cx: &Context, store: &Store, filter: &Filter) -> Result<(), Stop> {
    store.list::<Stop>(filter, |project| {
        let [id, name, status, priority, tags, updated] = cells(&project);
        cx.out.line(format_args!("{id}\t{name}\t{status}\t{priority}\t{tags}\t{updated}"))?;
        while_read(&cx.out)
    })
}

fn table(cx: &Context, store: &Store, filter: &Filter, filtered: bool) -> Result<(), Stop> {
    let mut table = Table::new(&["ID", "NAME", "STATUS", "PRIORITY", "TAGS", "UPDATED"]);
    store.list::<Stop>(filter, |project| {
        let [id, name, status, priority, tags, updated] = cells(&project);
        let day = updated.get(..10).unwrap_or(&updated).to_owned();
        table.row(vec![id, name, status, priority, tags, day]);
        Ok(())
    })?;
    if table.is_empty() {
        let hint = if filtered {
            "No project is like that."
        } else {
            "No projects yet. Add the folder you are in: orkee projects add"
        };
        cx.out.note(hint);
        return Ok(());
    }
    Ok(cx.out.table(&table)?)
}

fn while_read(out: &Output) -> Result<(), Stop> {
    if out.is_closed() { Err(Stop::Reader) } else { Ok(()) }
}

fn cells(project: &Summary) -> [String; 6] {
    let word = |word: &Option<String>| text::line(word.as_deref().unwrap_or_default());
    let tags: Vec<String> = project.tags.iter().map(|tag| text::line(tag)).collect();
    [
        project.id.to_string(),
        text::line(&project.name),
        word(&project.status),
        word(&project.priority),
        tags.join(", "),
        word(&project.updated_at),
    ]
}
