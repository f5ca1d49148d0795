//! Reading a page as somebody who tries everything.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::block;
use super::compare::is_like;
use super::document::{Document, Part, Section, What};
use super::places::{Machine, Places};
use super::said::Said;
use super::settings;
use super::shell::Shell;
use super::world::World;
use crate::{folder, guests, npm, python};

/// Whether a section goes on from where the one before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It does: one machine, and the servers of the first one.
    Story,
    /// Each begins anew.
    Sections,
}

/// A block that cannot be run: its first line, and why.
pub type NotRun = (&'static str, &'static str);

/// How the commands of a section begin: with one project.
const A_PROJECT: &str = "with_shop";

/// Installs and builds what pages need. In the network of their own nothing can be fetched any more.
pub fn prepare() {
    npm::installed("op");
    python::with("moto");
    guests::plain();
}

/// Reads the whole page, and fails with everything that was not as it says.
pub fn read(page: &Document, reading: Reading, not_run: &[NotRun]) {
    let only = std::env::var("ORKEE_TEST_SECTION").ok();
    let mut reader = Reader {
        world: World::start(),
        cache: tempfile::tempdir().unwrap(),
        reading,
        not_run,
        passed_over: BTreeSet::new(),
        blocks: 0,
        wrong: Vec::new(),
    };
    let all = page.sections.iter().flat_map(text_of).collect::<String>();
    let mut story = (reading == Reading::Story).then(|| Visit::new(&reader, &all));
    for section in page.sections.iter().filter(|section| !section.parts.is_empty()) {
        if only.as_ref().is_some_and(|only| !section.heading.contains(only)) {
            continue;
        }
        match &mut story {
            Some(visit) => reader.section(section, visit),
            None => {
                let mut visit = Visit::new(&reader, &text_of(section).collect::<String>());
                reader.section(section, &mut visit);
            }
        }
    }
    reader.tell();
    assert!(reader.wrong.is_empty(), "{} wrong:\n\n{}", reader.wrong.len(), reader.wrong.join("\n\n"));
    let stale: Vec<_> =
        not_run.iter().filter(|(line, _)| only.is_none() && !reader.passed_over.contains(line)).collect();
    assert!(stale.is_empty(), "these blocks are not there: {stale:?}");
}

fn text_of(section: &Section) -> impl Iterator<Item = String> {
    section.parts.iter().map(|part| match &part.what {
        What::Block(_, text) | What::Directive(_, text) => format!("{text}\n"),
    })
}

/// Where a section is read.
struct Visit {
    places: Places,
    machine: Machine,
}

impl Visit {
    fn new(reader: &Reader<'_>, text: &str) -> Self {
        Self { places: Places::open(&reader.world, text), machine: Machine::new(&reader.compiled(), text) }
    }
}

struct Reader<'a> {
    world: World,
    cache: tempfile::TempDir,
    reading: Reading,
    not_run: &'a [NotRun],
    passed_over: BTreeSet<&'static str>,
    blocks: usize,
    wrong: Vec<String>,
}

/// What went wrong, and with that the section is over.
type Wrong = String;

impl Reader<'_> {
    fn section(&mut self, section: &Section, visit: &mut Visit) {
        let mut shell = visit.machine.shell(&self.world, &visit.places);
        let begun = match self.reading {
            Reading::Story => Ok(String::new()),
            Reading::Sections => run(&mut shell, A_PROJECT),
        };
        if let Err(wrong) = begun.and_then(|_| self.parts(section, visit, &mut shell)) {
            self.wrong.push(format!("{}: {wrong}", section.heading));
        }
        let cache = visit.machine.cache();
        if cache.is_dir() {
            folder::replace(&self.compiled(), &cache);
        }
    }

    fn parts(&mut self, section: &Section, visit: &Visit, shell: &mut Shell) -> Result<(), Wrong> {
        let (mut said, mut printed) = (Said::default(), String::new());
        for Part { line, what } in &section.parts {
            let done = match what {
                What::Directive(name, told) if name == "run" => run(shell, told).map(|_| None),
                What::Directive(name, told) => said.hear(name, told).map(|()| None),
                What::Block(language, text) => {
                    self.block(language, text, std::mem::take(&mut said), visit, shell, &printed).map(Some)
                }
            };
            printed = done.map_err(|wrong| format!("line {line}: {wrong}"))?.unwrap_or(printed);
        }
        said.is_for("text", false)
    }

    /// Does with a block what is done with its language; what it printed.
    fn block(
        &mut self,
        language: &str,
        text: &str,
        said: Said,
        visit: &Visit,
        shell: &mut Shell,
        before: &str,
    ) -> Result<String, Wrong> {
        let first = text.lines().next().unwrap_or_default();
        if let Some((line, _)) = self.not_run.iter().find(|(line, _)| first == *line) {
            self.passed_over.insert(line);
            return Ok(String::new());
        }
        said.is_for(language, text.starts_with("$ "))?;
        let text = said.replaced(text)?;
        self.blocks += 1;
        match language {
            "bash" | "console" => commands(language, &text, &said, visit, shell),
            "zsh" | "fish" => in_another_shell(language, &text, shell),
            "" => compared(&text, before).map(|()| String::new()),
            "toml" | "dotenv" => {
                let named = first.strip_prefix("# ").filter(|name| name.starts_with("~/"));
                let name = said.file.as_deref().or(named).ok_or("it does not say which file it is")?;
                let file = settings::File::named(name).ok_or("nothing says how this file is read")?;
                visit.machine.write(name, &format!("{text}\n"));
                file.means(&text, &run(shell, file.read_by())?).map(|()| String::new())
            }
            "json" => {
                let like = said.like.as_deref().ok_or("nothing says what it is like")?;
                let real = run(shell, like)?;
                has_keys_of(&text, &real).map(|()| String::new())
            }
            _ => {
                self.blocks -= 1;
                Ok(String::new())
            }
        }
    }

    /// What machines compiled so far; none at first.
    fn compiled(&self) -> PathBuf {
        self.cache.path().join("cache")
    }

    fn tell(&self) {
        println!("{} blocks were run; not run:", self.blocks);
        for (line, why) in self.not_run {
            println!("  {line}: {why}");
        }
    }
}

/// The commands of a block; all that they printed.
fn commands(
    language: &str,
    text: &str,
    said: &Said,
    visit: &Visit,
    shell: &mut Shell,
) -> Result<String, Wrong> {
    let mut expected = said.exit;
    let mut all = String::new();
    for typed in block::commands(language, text)? {
        if let Some(each) = &said.each {
            run(shell, each)?;
        }
        let done = shell.run(&typed.command, said.typed.as_ref());
        let printed = visit.machine.as_johns(&done.printed);
        match done.code {
            Some(0) => {}
            code if code.is_some() && code == expected => expected = None,
            code => return Err(format!("`{}` ended with {code:?}:\n{printed}", typed.command)),
        }
        if let Some(prints) = &typed.prints {
            compared(prints, &printed).map_err(|wrong| format!("`{}`: {wrong}", typed.command))?;
        }
        all.push_str(&printed);
    }
    match expected {
        Some(code) => Err(format!("no command of it ended with {code}:\n{all}")),
        None => Ok(all),
    }
}

/// Runs a block for another shell in that one, where this machine has it.
fn in_another_shell(name: &str, text: &str, shell: &mut Shell) -> Result<String, Wrong> {
    if run(shell, &format!("command -v {name}")).is_err() {
        println!("{name} is not there; not run: {text}");
        return Ok(String::new());
    }
    run(shell, &format!("in_{name} '{}'", text.replace('\'', "'\\''")))
}

fn compared(said: &str, printed: &str) -> Result<(), Wrong> {
    match is_like(said, printed) {
        true => Ok(()),
        false => Err(format!("the page says\n{said}\nand this was printed\n{printed}")),
    }
}

/// Runs commands that have to succeed; what they printed.
fn run(shell: &mut Shell, commands: &str) -> Result<String, Wrong> {
    let mut all = String::new();
    for typed in block::commands("bash", commands)? {
        let done = shell.run(&typed.command, None);
        if done.code != Some(0) {
            return Err(format!("`{}` ended with {:?}:\n{}", typed.command, done.code, done.printed));
        }
        all.push_str(&done.printed);
    }
    Ok(all)
}

/// Whether something real has every key of an example, with values of the same type.
fn has_keys_of(example: &str, real: &str) -> Result<(), Wrong> {
    let parse = |text: &str| serde_json::from_str::<Value>(text.trim()).map_err(|e| format!("{e}: {text}"));
    let (example, real) = (parse(example)?, parse(real)?);
    let members = example.as_object().ok_or("it is no object")?;
    let wrong = members.iter().find(|(key, value)| {
        real.get(key.as_str())
            .is_none_or(|real| std::mem::discriminant(real) != std::mem::discriminant(*value))
    });
    match wrong {
        Some((key, value)) => Err(format!("{key} is {value} in the page, and here: {real}")),
        None => Ok(()),
    }
}
