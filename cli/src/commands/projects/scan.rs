//! `orkee projects scan`

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use orkee_core::project::{GitRepository, ProjectId};
use orkee_core::scan::{self, Decision, Done, Entry, Plan, Walk};
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit};
use crate::output::table::Table;
use crate::output::{Output, text};
use crate::prompt;

/// Find the git repositories below a folder, and make projects of them
///
/// A repository whose remote a project has that is not on this device becomes that project's folder; another one can be added.
/// Asks before it changes anything. Hidden folders, links, and node_modules, bower_components, vendor, target, venv and __pycache__
/// are not entered, nor is a repository that was found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee projects scan ~/code
  orkee projects scan ~/code --dry-run
  orkee projects scan . --depth 2 --yes")]
pub(crate) struct Scan {
    /// Where to look
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// How many levels of folders to enter
    #[arg(long, value_name = "N", default_value_t = scan::DEPTH)]
    depth: usize,
    /// Show what would be added and located; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask: add and locate all
    #[arg(short, long)]
    yes: bool,
}

impl Scan {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let walk = scan::walk(&self.folder, self.depth)?;
        let mut store = cx.store()?;
        store.must_be_open()?;
        let plan = scan::plan(&store, &walk)?;
        let offers: Vec<&Entry> = plan.entries.iter().filter(|entry| is_offer(&entry.decision)).collect();
        let asks = !self.yes && !self.dry_run && !offers.is_empty();
        if asks && (cx.out.is_json() || !prompt::possible(cx)) {
            return Err(CliError::NobodyToAsk {
                question: format!("{}: which?", offered(&offers)),
                hint: "add --yes to go ahead, or --dry-run to see what would be done".to_owned(),
            }
            .into());
        }
        tell(&cx.out, &walk, &plan)?;
        let chosen = match asks {
            true => choose(cx, &offers)?,
            false if self.dry_run => HashSet::new(),
            false => offers.iter().map(|entry| entry.path.clone()).collect(),
        };
        let done = if chosen.is_empty() { Vec::new() } else { scan::carry_out(&mut store, &walk, &chosen)? };
        if cx.out.is_json() {
            cx.out.document(&Document::new(&walk, &plan, &done, self.dry_run))?;
        } else if !offers.is_empty() {
            ended(&cx.out, &offers, &done, self.dry_run)?;
        }
        Ok(Exit::DONE)
    }
}

fn is_offer(decision: &Decision) -> bool {
    matches!(decision, Decision::Add { .. } | Decision::Locate { .. })
}

/// `3 added, 1 located`
fn counts(adds: usize, locates: usize, [add, locate]: [&str; 2]) -> String {
    match (adds, locates) {
        (adds, 0) => format!("{adds} {add}"),
        (0, locates) => format!("{locates} {locate}"),
        (adds, locates) => format!("{adds} {add}, {locates} {locate}"),
    }
}

fn offered(offers: &[&Entry]) -> String {
    let adds = offers.iter().filter(|entry| matches!(entry.decision, Decision::Add { .. })).count();
    counts(adds, offers.len() - adds, ["to add", "to locate"])
}

/// The folders that the person wants.
fn choose(cx: &Context, offers: &[&Entry]) -> Result<HashSet<PathBuf>, CliError> {
    let answers = [("a", "all"), ("e", "each"), ("n", "none")];
    let wanted: Vec<&&Entry> = match prompt::choose(cx, &format!("{}: which?", offered(offers)), &answers)? {
        "all" => offers.iter().collect(),
        "each" => {
            let mut wanted = Vec::new();
            for entry in offers {
                let path = shown(&entry.path);
                let question = match &entry.decision {
                    Decision::Locate { id, name } => format!("Locate {} {id} in {path}?", text::line(name)),
                    _ => format!("Add {path}?"),
                };
                if prompt::confirm(cx, &question)? {
                    wanted.push(entry);
                }
            }
            wanted
        }
        _ => Vec::new(),
    };
    Ok(wanted.into_iter().map(|entry| entry.path.clone()).collect())
}

/// What was found, for a person.
fn tell(out: &Output, walk: &Walk, plan: &Plan) -> Result<(), CliError> {
    if out.is_json() {
        return Ok(());
    }
    let mut table = Table::new(&["", "PROJECT", "FOLDER", "REPOSITORY"]);
    for entry in &plan.entries {
        if let Some((what, project)) = row(&entry.decision) {
            let place = place(entry.repository.as_ref()).unwrap_or_default();
            table.row(vec![what.to_owned(), project, shown(&entry.path), text::line(&place)]);
        }
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    let known = plan.entries.iter().filter(|entry| matches!(entry.decision, Decision::Known(_))).count();
    out.note(format_args!(
        "{} below {}: {}, {known} of them known",
        number(walk.folders, "folder"),
        shown(&walk.folder),
        number(plan.entries.len() as u64, "checkout")
    ));
    remarks(out, walk, plan);
    Ok(())
}

/// What there is to say of an entry, and the project's name; nothing of one that is known.
fn row(decision: &Decision) -> Option<(&'static str, String)> {
    Some(match decision {
        Decision::Known(_) => return None,
        Decision::Add { name } => ("add", text::line(name)),
        Decision::Locate { id, name } => ("locate", format!("{} {id}", text::line(name))),
        Decision::Another(ids) => ("one more checkout of", joined(ids)),
        Decision::AnotherOf(path) => ("one more checkout of", shown(path)),
        Decision::Refused(error) => ("cannot be added:", error.to_string()),
    })
}

fn remarks(out: &Output, walk: &Walk, plan: &Plan) {
    for twins in &plan.twins {
        let named: Vec<String> =
            twins.projects.iter().map(|(id, name)| format!("{} {id}", text::line(name))).collect();
        out.note(format_args!(
            "note: {} projects are of {}: {}; delete one if they are the same: orkee projects delete ID",
            named.len(),
            text::line(&twins.place),
            named.join(", ")
        ));
    }
    for path in &walk.broken {
        out.note(format_args!("note: {} points to a repository that is gone", shown(path)));
    }
    if !walk.bare.is_empty() {
        let bare = number(walk.bare.len() as u64, "bare clone");
        out.note(format_args!("note: {bare}, without files to work on, passed over"));
    }
    if walk.deeper > 0 {
        let deeper = number(walk.deeper, "folder");
        out.note(format_args!("note: {deeper} deeper than --depth {} not looked at", walk.depth));
    }
    for unreadable in &walk.unreadable {
        out.warn(format_args!("cannot read {}: {}", shown(&unreadable.path), unreadable.source));
    }
}

fn ended(out: &Output, offers: &[&Entry], done: &[Done], dry_run: bool) -> Result<(), CliError> {
    if dry_run {
        return out.done(format_args!("Nothing was changed: {}", offered(offers)));
    }
    if done.is_empty() {
        return out.done("Nothing was changed");
    }
    let adds = done.iter().filter(|one| one.is_new).count();
    out.done(counts(adds, done.len() - adds, ["added", "located"]))
}

fn number(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn shown(path: &Path) -> String {
    text::line(&path.display().to_string())
}

fn joined(ids: &[ProjectId]) -> String {
    ids.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}

fn place(repository: Option<&GitRepository>) -> Option<String> {
    repository?.place()
}

/// `orkee projects scan --json`
#[derive(Serialize)]
struct Document<'a> {
    folder: String,
    depth: usize,
    dry_run: bool,
    folders: u64,
    added: Vec<Taken>,
    located: Vec<Taken>,
    known: Vec<Left<'a>>,
    others: Vec<Left<'a>>,
    refused: Vec<Told>,
    unreadable: Vec<Told>,
    bare: Vec<String>,
    broken: Vec<String>,
    deeper: u64,
    same_repository: Vec<Same<'a>>,
}

/// A repository that is, or would be, a project's. `id` is null for one that would be added.
#[derive(Serialize)]
struct Taken {
    id: Option<ProjectId>,
    name: String,
    path: String,
    repository: Option<String>,
}

/// A repository that is left: the folder of these projects, or a further checkout beside theirs or that other one.
#[derive(Serialize)]
struct Left<'a> {
    path: String,
    projects: &'a [ProjectId],
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<String>,
}

#[derive(Serialize)]
struct Told {
    path: String,
    reason: String,
}

#[derive(Serialize)]
struct Same<'a> {
    repository: &'a str,
    projects: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    id: ProjectId,
    name: &'a str,
}

impl<'a> Document<'a> {
    fn new(walk: &Walk, plan: &'a Plan, done: &[Done], dry_run: bool) -> Self {
        let plain = |path: &Path| path.display().to_string();
        let paths = |list: &[PathBuf]| list.iter().map(|path| plain(path)).collect();
        let mut document = Self {
            folder: plain(&walk.folder),
            depth: walk.depth,
            dry_run,
            folders: walk.folders,
            added: Vec::new(),
            located: Vec::new(),
            known: Vec::new(),
            others: Vec::new(),
            refused: Vec::new(),
            unreadable: Vec::new(),
            bare: paths(&walk.bare),
            broken: paths(&walk.broken),
            deeper: walk.deeper,
            same_repository: Vec::new(),
        };
        let told = walk.unreadable.iter();
        document.unreadable =
            told.map(|one| Told { path: plain(&one.path), reason: one.source.to_string() }).collect();
        for twins in &plan.twins {
            let projects = twins.projects.iter().map(|(id, name)| Named { id: *id, name }).collect();
            document.same_repository.push(Same { repository: &twins.place, projects });
        }
        for Done { path, id, name, repository, is_new } in done {
            let repository = place(repository.as_ref());
            let taken = Taken { id: Some(*id), name: name.clone(), path: plain(path), repository };
            if *is_new { document.added.push(taken) } else { document.located.push(taken) }
        }
        plan.entries.iter().for_each(|entry| document.take(entry));
        document
    }

    fn take(&mut self, entry: &'a Entry) {
        let path = entry.path.display().to_string();
        let none: &[ProjectId] = &[];
        let offered = |id, name: &str| Taken {
            id,
            name: name.to_owned(),
            path: path.clone(),
            repository: place(entry.repository.as_ref()),
        };
        match &entry.decision {
            // What was done with these is known better than what was planned.
            Decision::Add { name } if self.dry_run => self.added.push(offered(None, name)),
            Decision::Locate { id, name } if self.dry_run => self.located.push(offered(Some(*id), name)),
            Decision::Add { .. } | Decision::Locate { .. } => {}
            Decision::Known(ids) => self.known.push(Left { path, projects: ids, same_as: None }),
            Decision::Another(ids) => self.others.push(Left { path, projects: ids, same_as: None }),
            Decision::AnotherOf(other) => {
                let same_as = Some(other.display().to_string());
                self.others.push(Left { path, projects: none, same_as });
            }
            Decision::Refused(error) => self.refused.push(Told { path, reason: error.to_string() }),
        }
    }
}
