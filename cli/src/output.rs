//! What a person or a script gets to see, and the one place that writes it.
//!
//! Standard output carries data alone: under `--json` one object, else the text that was asked for. Everything else goes to
//! standard error. A reader that went away (`| head -1`) is no error: what is still said is dropped, and the command does its work.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::args::{Color, Global};
use crate::failure::CliError;
use crate::output::table::Table;
use crate::terminal;

pub(crate) mod diff;
mod pager;
pub(crate) mod table;
pub(crate) mod text;

/// The version of every JSON shape that is printed. Keys may be added, never renamed.
const SCHEMA_VERSION: u32 = 1;

/// Where the process speaks.
pub(crate) struct Output {
    json: bool,
    quiet: u8,
    stdout: RefCell<BufWriter<Stdout>>,
    /// The reader of standard output went away.
    closed: Cell<bool>,
    /// Output that may be long, kept until it is known whether it is; none: it goes out at once.
    paged: RefCell<Option<Vec<u8>>>,
    may_page: bool,
    color_out: bool,
    color_err: bool,
    ascii: bool,
}

/// What a piece of text means; its colour follows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Paint {
    Good,
    Bad,
    Error,
    Cause,
    Hint,
    Strong,
    Dim,
}

impl Paint {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Cause => AnsiColor::Yellow.on_default(),
            Self::Hint => AnsiColor::Cyan.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
        }
    }
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

impl Output {
    /// As the global flags, `NO_COLOR` and its kin, and the terminal say.
    pub(crate) fn new(global: &Global) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self {
            json: global.json,
            quiet: global.quiet,
            color_out: colored(global.color, &stdout),
            color_err: colored(global.color, &stderr),
            ascii: stdout.is_terminal() && !locale_is_utf8(),
            stdout: RefCell::new(BufWriter::with_capacity(32 * 1024, stdout)),
            closed: Cell::new(false),
            paged: RefCell::new(None),
            may_page: !global.json && !global.no_pager && !global.no_input && terminal::has_person(),
        }
    }

    /// For arguments that could not be read: only `--json` and `--color` are known.
    pub(crate) fn plain(json: bool, color: Color) -> Self {
        Self::new(&Global {
            json,
            quiet: 0,
            verbose: 0,
            color,
            no_input: true,
            no_pager: true,
            no_progress: true,
        })
    }

    /// Whether standard output is to hold one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person is to be told of what was done: not under `--json`, nor `-q`.
    pub(crate) fn tells(&self) -> bool {
        !self.json && self.quiet == 0
    }

    /// Whether nobody reads on: a long listing may stop.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether standard output is a person's terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether standard output may be coloured.
    pub(crate) fn colors(&self) -> bool {
        self.color_out
    }

    /// Whether the terminal shows letters of ASCII alone.
    pub(crate) fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Whether standard error may be coloured.
    pub(crate) fn colors_errors(&self) -> bool {
        self.color_err
    }

    /// One JSON object on standard output, `schema_version` first.
    pub(crate) fn document(&self, body: &impl Serialize) -> Result<(), CliError> {
        let json = serde_json::to_string(&Document { schema_version: SCHEMA_VERSION, body })
            .map_err(|e| CliError::Stdout(e.into()))?;
        self.line(text::json(json))
    }

    /// The start of a JSON object whose list is streamed: `schema_version`, then `head`. The caller goes on and closes it.
    pub(crate) fn open_document(&self, head: &str) -> Result<(), CliError> {
        self.bytes(format!("{{\"schema_version\":{SCHEMA_VERSION},{head}").as_bytes())
    }

    /// One line of text on standard output: the data that the command was asked for.
    pub(crate) fn line(&self, line: impl fmt::Display) -> Result<(), CliError> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    /// What follows on standard output may be long: where a person reads it, it is shown by their pager, if it is.
    pub(crate) fn page(&self) {
        if self.may_page && pager::command().is_some() {
            self.paged.borrow_mut().get_or_insert_default();
        }
    }

    /// Bytes on standard output.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        if self.closed.get() {
            return Ok(());
        }
        if let Some(paged) = &mut *self.paged.borrow_mut() {
            paged.extend_from_slice(bytes);
            return Ok(());
        }
        self.unless_closed(self.stdout.borrow_mut().write_all(bytes))
    }

    /// Everything written so far is with the reader, or it failed. Every command ends here.
    pub(crate) fn finish(&self) -> Result<(), CliError> {
        if self.closed.get() {
            return Ok(());
        }
        let paged = self.paged.borrow_mut().take();
        if let Some(text) = paged {
            self.show(&text)?;
        }
        self.unless_closed(self.stdout.borrow_mut().flush())
    }

    /// What was kept: through the pager where it is long, else as it is.
    fn show(&self, text: &[u8]) -> Result<(), CliError> {
        self.unless_closed(self.stdout.borrow_mut().flush())?;
        if let Some(command) =
            pager::command().filter(|_| pager::is_long(text, terminal::width(), terminal::height()))
        {
            match pager::show(&command, text) {
                Ok(()) => return Ok(()),
                Err(why) => {
                    self.warn(format_args!("the pager `{}` did not show this: {why}", text::line(&command)))
                }
            }
        }
        self.bytes(text)
    }

    fn unless_closed(&self, result: io::Result<()>) -> Result<(), CliError> {
        match result {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            other => other.map_err(CliError::Stdout),
        }
    }

    /// Rows under their headings on a terminal; elsewhere a row a line, its cells whole and separated by tabs.
    pub(crate) fn table(&self, table: &Table) -> Result<(), CliError> {
        if !self.is_terminal() {
            return table.rows().iter().try_for_each(|cells| self.line(cells.join("\t")));
        }
        self.page();
        let (heading, rows) = table.render(terminal::width());
        self.line(self.paint(Paint::Strong, &heading))?;
        rows.iter().try_for_each(|row| self.line(row))
    }

    /// What was done, for a person: on standard output, and not said at all under `--json` and `-q`.
    pub(crate) fn done(&self, line: impl fmt::Display) -> Result<(), CliError> {
        if self.json || self.quiet > 0 {
            return Ok(());
        }
        let mark = self.mark(true);
        self.line(format_args!("{mark} {line}"))
    }

    /// A tick or a cross, painted for standard output; letters where the terminal has neither.
    pub(crate) fn mark(&self, good: bool) -> String {
        match (good, self.ascii) {
            (true, false) => self.paint(Paint::Good, "✓"),
            (true, true) => self.paint(Paint::Good, "ok"),
            (false, false) => self.paint(Paint::Bad, "✗"),
            (false, true) => self.paint(Paint::Bad, "no"),
        }
    }

    /// Something worth knowing, on standard error unless `-q`.
    pub(crate) fn note(&self, line: impl fmt::Display) {
        if self.quiet == 0 {
            self.error_line(line);
        }
    }

    /// Something to be careful about, on standard error unless `-q`.
    pub(crate) fn warn(&self, line: impl fmt::Display) {
        if self.quiet == 0 {
            self.error_line(format_args!("{}: {line}", self.err_paint(Paint::Cause, "warning")));
        }
    }

    /// Whether warnings are shown.
    #[cfg(feature = "cloud")]
    pub(crate) fn warns(&self) -> bool {
        self.quiet == 0
    }

    /// A line on standard error unless `-qq`. That nobody can be told of a failure to tell is no second failure.
    pub(crate) fn error_line(&self, line: impl fmt::Display) {
        if self.quiet < 2 {
            // What was said on standard output before comes before.
            let _ = self.finish();
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Says lines on standard error as [`Output::error_line`] does, from any thread: for what happens while a command waits.
    #[cfg(feature = "cloud")]
    pub(crate) fn speaker(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let quiet = self.quiet;
        move |line| {
            if quiet < 2 {
                let _ = writeln!(io::stderr().lock(), "{line}");
            }
        }
    }

    /// Says what was done, or failed to be, on standard output as it happens, from any thread; nothing under `--json` and `-q`. For a
    /// command that writes nothing else there meanwhile.
    #[cfg(feature = "cloud")]
    pub(crate) fn teller(&self) -> impl Fn(bool, &str) + Send + Sync + 'static {
        let (tells, marks) = (self.tells(), [self.mark(false), self.mark(true)]);
        move |good, line| {
            if tells {
                // Nobody reads on: what is done goes on all the same.
                let _ = writeln!(io::stdout().lock(), "{} {line}", marks[usize::from(good)]);
            }
        }
    }

    /// Warns on standard error as [`Output::warn`] does, from any thread.
    pub(crate) fn warner(&self) -> impl Fn(&str) + Send + Sync + 'static {
        let quiet = self.quiet;
        let warning = self.err_paint(Paint::Cause, "warning");
        move |line| {
            if quiet == 0 {
                let _ = writeln!(io::stderr().lock(), "{warning}: {line}");
            }
        }
    }

    /// Text for standard output in its colour.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.color_out, paint, text)
    }

    /// Text for standard error in its colour.
    pub(crate) fn err_paint(&self, paint: Paint, text: &str) -> String {
        painted(self.color_err, paint, text)
    }
}

fn painted(color: bool, paint: Paint, text: &str) -> String {
    if !color {
        return text.to_owned();
    }
    let style = paint.style();
    format!("{style}{text}{style:#}")
}

/// `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, `FORCE_COLOR`, `TERM=dumb`, then whether it is a terminal.
fn colored(choice: Color, stream: &impl anstream::stream::RawStream) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("FORCE_COLOR") && !set("NO_COLOR") => true,
        Color::Auto => anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}

/// What the locale says; silence means UTF-8.
fn locale_is_utf8() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}
