//! The loop: draws, waits for a key or for something to happen, and has it done.

#[cfg(not(feature = "cloud"))]
mod alone;
#[cfg(feature = "cloud")]
mod cloud;

use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use orkee_core::project::ProjectId;
use orkee_core::store::Store;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::style::force_color_output;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::act::{Effect, act};
use super::draw::{self, Theme};
use super::folders::Folders;
use super::keys::{self, Action};
use super::place::{Found, Place};
use super::screen::Screen;
use super::signals::Signals;
use super::state::{Dialog, Mode, State};
use super::takeback;
use crate::context::Context;
use crate::failure::{CliError, CommandResult, Exit, Failure};
use crate::output::text;
use crate::report;

/// How soon something that happens beside the keyboard is seen.
const TICK: Duration = Duration::from_millis(250);

/// How soon the text of sealed fields leaves the screen when their key is taken away, or its time is over.
const LOCKED: Duration = Duration::from_secs(1);

/// How old what says how long ago something was may become.
const REDRAWN: Duration = Duration::from_secs(10);

/// Reading everything anew takes at most one part in so many of the time while others write.
const SHARE: u32 = 8;

struct Interface<'a> {
    cx: &'a Context,
    store: Store,
    place: Place,
    /// The file is not there, which was said.
    is_gone: bool,
    /// Errors that came while something was being typed or asked, and wait for the end of that.
    notices: Vec<(String, Vec<String>)>,
    /// The error that was told last, until something succeeds: it is not told at each look.
    told: Option<String>,
    state: State,
    screen: Screen,
    signals: Signals,
    folders: Folders,
    theme: Theme,
    /// What others have written, as the store counts it.
    seen: i64,
    /// Sealed fields cannot be read, and since when that is known.
    is_shut: bool,
    looked_for_key: Instant,
    /// Others wrote, and it has not been read yet.
    others_wrote: bool,
    /// Not before then.
    read_again: Instant,
    drawn: Instant,
    is_old: bool,
}

/// Shows the interface until the person leaves.
pub(super) fn run(cx: &Context, filter: String) -> CommandResult {
    let signals = Signals::watch().map_err(CliError::Stdin)?;
    let store = cx.store()?;
    let place = Place::of(cx.home()?.database()).map_err(CliError::Stdin)?;
    let mut state = State::default();
    state.tenant = text::spelled(&cx.settings()?.tenant()?.value);
    state.list.search = filter;
    state.read(&store)?;
    let (seen, is_shut) = (store.data_version()?, store.is_shut()?);
    let theme = Theme { color: cx.out.colors(), ascii: cx.out.is_ascii() };
    // Whether there is colour was decided where everything decides it.
    force_color_output(theme.color);
    let screen = Screen::open().map_err(CliError::Stdout)?;
    let now = Instant::now();
    let mut interface = Interface {
        cx,
        store,
        place,
        is_gone: false,
        notices: Vec::new(),
        told: None,
        state,
        screen,
        signals,
        folders: Folders::new(),
        theme,
        seen,
        is_shut,
        looked_for_key: now,
        others_wrote: false,
        read_again: now,
        drawn: now,
        is_old: true,
    };
    let ended = interface.until_left();
    let Interface { screen, signals, .. } = interface;
    drop(screen);
    let is_interrupted = ended.map_err(CliError::Stdout)?;
    if let Some(signal) = signals.ending() {
        Signals::end(signal);
    }
    Ok(if is_interrupted { Exit::from(orkee_core::diagnostic::Kind::Interrupted) } else { Exit::DONE })
}

impl Interface<'_> {
    /// Whether it was an interruption that ended it.
    fn until_left(&mut self) -> io::Result<bool> {
        loop {
            self.look_around();
            if self.is_old || self.drawn.elapsed() > REDRAWN {
                self.draw()?;
            }
            if !self.wait()? {
                // Whoever had the terminal took it away.
                return Ok(false);
            }
            // All that was pressed meanwhile, before anything is read or drawn for it.
            while self.state.leaving.is_none()
                && self.signals.ending().is_none()
                && event::poll(Duration::ZERO)?
            {
                self.take(event::read()?)?;
            }
            if self.signals.went_on() {
                self.screen.take()?;
                self.is_old = true;
            }
            if self.signals.ending().is_some() {
                return Ok(false);
            }
            if self.signals.is_interrupted() {
                return Ok(true);
            }
            if let Some(interrupted) = self.state.leaving {
                return Ok(interrupted);
            }
        }
    }

    /// Waits for a key, a signal, or the next look. False: the terminal is gone. Looked at here, since the library that reads keys would
    /// try for ever.
    fn wait(&self) -> io::Result<bool> {
        // What was read from the terminal already, with a key before it.
        if !is_hung_up(Duration::ZERO)? && event::poll(Duration::ZERO)? {
            return Ok(true);
        }
        Ok(!is_hung_up(TICK)?)
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, theme, now) = (&mut self.state, self.theme, Timestamp::now());
        self.screen.terminal().draw(|frame| {
            if let Some(cursor) = draw::draw(state, theme, frame.buffer_mut(), now) {
                frame.set_cursor_position(cursor);
            }
        })?;
        let list = &self.state.list;
        let window = list.rows.iter().skip(list.cursor.top).take(list.cursor.height);
        self.folders.ask(&self.store, window.map(|row| row.id));
        (self.drawn, self.is_old) = (Instant::now(), false);
        Ok(())
    }

    /// Sees what happened beside the keyboard, and reads anew what is older than that.
    fn look_around(&mut self) {
        self.look_at_place();
        match self.store.data_version() {
            Ok(version) if version != self.seen => (self.seen, self.others_wrote) = (version, true),
            Ok(_) => {}
            Err(error) => self.fail(&error.into()),
        }
        self.look_for_key();
        if self.state.dialog.is_none() && !self.state.filtering && !self.notices.is_empty() {
            let (title, lines) = self.notices.remove(0);
            self.state.dialog = Some(Dialog::Notice { title, lines });
            self.is_old = true;
        }
        self.look_at_cloud();
        let is_due = self.others_wrote && Instant::now() >= self.read_again;
        if self.state.is_stale || is_due {
            self.others_wrote = false;
            self.read();
        }
        self.is_old |= self.folders.answers(&mut self.state.missing);
        if std::mem::take(&mut self.state.has_written) {
            // Deliveries that are due now do not wait for the person to leave.
            let quiet = self.cx.quietly();
            quiet.uses_database();
            crate::commands::afterwards(&quiet);
        }
    }

    /// Nobody writes when a key's time is over, so that it is asked for.
    fn look_for_key(&mut self) {
        if self.looked_for_key.elapsed() < LOCKED {
            return;
        }
        self.looked_for_key = Instant::now();
        match self.store.is_shut() {
            Ok(is_shut) => {
                self.state.is_stale |= is_shut != self.is_shut;
                self.is_shut = is_shut;
            }
            Err(error) => self.fail(&error.into()),
        }
    }

    /// Whether the store is still the file that was opened; another one in its place is opened instead.
    fn look_at_place(&mut self) -> Found {
        let found = self.place.look();
        match found {
            Found::Same => self.is_gone = false,
            Found::Gone if self.is_gone => {}
            Found::Gone => {
                self.is_gone = true;
                let told = format!(
                    "the database {} is gone",
                    text::spelled(&self.place.path().display().to_string())
                );
                let lines = vec![
                    told,
                    "What is shown was read before. Nothing is changed until it is there again.".to_owned(),
                ];
                self.notice("The database was moved away", lines);
            }
            Found::Another => match self.open_again() {
                Ok(()) => {
                    let lines = vec!["What is shown is what the new one has.".to_owned()];
                    self.notice("Another database stands in the place of the one that was open", lines);
                }
                Err(failure) => self.fail(&failure),
            },
        }
        found
    }

    fn open_again(&mut self) -> Result<(), Failure> {
        let store = self.cx.store()?;
        self.place = Place::of(self.place.path().to_owned()).map_err(CliError::Stdin)?;
        self.seen = store.data_version()?;
        self.store = store;
        self.is_gone = false;
        self.state.done.clear();
        self.state.is_stale = true;
        Ok(())
    }

    fn read(&mut self) {
        let began = Instant::now();
        self.folders.forget();
        match self.state.read(&self.store) {
            Ok(()) => self.told = None,
            Err(error) => self.fail(&error.into()),
        }
        self.read_again = Instant::now() + began.elapsed() * SHARE;
        self.is_old = true;
    }

    fn take(&mut self, event: Event) -> io::Result<()> {
        self.is_old = true;
        match event {
            // The second of two means something in what the first one leads to.
            Event::Key(key) => keys::pressed(key).try_for_each(|key| {
                keys::action(self.state.mode(), key).map_or(Ok(()), |action| self.have_done(action))
            }),
            Event::Paste(text) if matches!(self.state.mode(), Mode::Filter | Mode::Form) => {
                text.chars().filter(|c| !c.is_control()).try_for_each(|c| self.have_done(Action::Type(c)))
            }
            _ => Ok(()),
        }
    }

    fn have_done(&mut self, action: Action) -> io::Result<()> {
        // What is written into a file that is elsewhere by now is lost.
        if action.may_write(self.state.mode()) && self.look_at_place() != Found::Same {
            self.state.deny("Nothing was written: the database is not the one that was open");
            return Ok(());
        }
        let typed = self.state.mode() == Mode::Form;
        match act(&mut self.state, &mut self.store, action) {
            Ok(None) => {}
            Ok(Some(effect)) => self.work(effect)?,
            // What was typed stays, to be mended.
            Err(failure) if typed && self.state.mode() == Mode::Form => {
                self.state.deny(report::in_lines(&failure).1.join("; "));
            }
            Err(failure) => self.fail(&failure),
        }
        // The next key means something in what is there by then.
        if self.state.is_stale && !matches!(action, Action::Type(_) | Action::Erase) {
            self.read();
        }
        Ok(())
    }

    fn work(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Edit(id) => self.edit(id)?,
            Effect::Write(conflict) => self.write(&conflict)?,
            Effect::Sync => self.sync(),
            Effect::Suspend => {
                let signals = &self.signals;
                self.screen.lend(|| signals.stop())?;
            }
            Effect::Redraw => self.screen.take()?,
        }
        Ok(())
    }

    fn edit(&mut self, id: ProjectId) -> io::Result<()> {
        let Self { cx, store, state, screen, signals, .. } = self;
        let edited = screen.lend(|| {
            let read = store.get(id)?.payload;
            takeback::changing(state, store, id, |store| {
                crate::commands::projects::editor::edit(cx, store, &read)
            })
        })?;
        signals.forget_interrupt();
        match edited {
            Err(failure) => self.fail(&failure),
            Ok(updated) if updated.fields.is_empty() => self.state.tell("Nothing was changed"),
            Ok(updated) => {
                let name = text::spelled(&updated.payload.name());
                let fields = takeback::fields(&updated.fields);
                self.state.tell(format!("Changed {fields} of {name}. u takes it back"));
            }
        }
        Ok(())
    }

    /// Shows an error as commands do, with what to do; the same one once.
    fn fail(&mut self, failure: &Failure) {
        let (code, lines) = report::in_lines(failure);
        let told = format!("{code} {}", lines.join(" "));
        if self.told.as_ref() != Some(&told) {
            self.told = Some(told);
            self.notice(&format!("error[{code}]"), lines);
        }
    }

    /// Shows something that is to be read. What is being typed, or asked, is brought to its end before.
    fn notice(&mut self, title: &str, lines: Vec<String>) {
        self.notices.push((title.to_owned(), lines));
        self.is_old = true;
    }
}

/// Waits until there is something to read on the terminal, or the time is over. Whether there is no terminal any more.
fn is_hung_up(wait: Duration) -> io::Result<bool> {
    let stdin = io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
    match poll(&mut polled, Some(&wait)) {
        Ok(_) => Ok(polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)),
        // A signal came.
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
