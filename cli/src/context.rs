//! What a command is given: where to speak, and the home folder, settings and store, each opened when it is first asked for.

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;

#[cfg(feature = "cloud")]
use orkee_core::event::NewEvent;
use orkee_core::home::Home;
use orkee_core::settings::Settings;
use orkee_core::store::{AuditEntry, Options, Store, StoreError, Trail};
#[cfg(feature = "cloud")]
use orkee_core::store::{Made, MadeCounts};

use crate::args::Global;
use crate::failure::{CliError, Failure};
use crate::output::Output;

/// The surroundings of one command.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) out: Output,
    home: OnceCell<Home>,
    settings: OnceCell<Settings>,
    /// See [`uses_database`](Self::uses_database).
    used_database: Cell<bool>,
    /// See [`makes_no_database`](Self::makes_no_database).
    makes_database: Cell<bool>,
    #[cfg(feature = "cloud")]
    made: std::sync::Arc<Made>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        let out = Output::new(&global);
        Self {
            global,
            out,
            home: OnceCell::new(),
            settings: OnceCell::new(),
            used_database: Cell::new(false),
            makes_database: Cell::new(true),
            #[cfg(feature = "cloud")]
            made: std::sync::Arc::default(),
        }
    }

    /// The same surroundings for what is done beside something that has the terminal: nothing is said there.
    pub(crate) fn quietly(&self) -> Self {
        let quiet = Self::new(Global { quiet: 2, verbose: 0, no_input: true, ..self.global.clone() });
        #[cfg(feature = "cloud")]
        let quiet = Self { made: std::sync::Arc::clone(&self.made), ..quiet };
        quiet
    }

    /// The home folder, made if it is not there.
    pub(crate) fn home(&self) -> Result<&Home, Failure> {
        if let Some(home) = self.home.get() {
            return Ok(home);
        }
        let home = Home::from_env()?;
        Ok(self.home.get_or_init(|| home))
    }

    /// The settings: environment, `.env` and `config.toml` of the home folder.
    pub(crate) fn settings(&self) -> Result<&Settings, Failure> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::load(self.home()?)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Lets `.env` of the current folder decide what it may, and names what else it sets: it may have come with a repository.
    #[cfg(feature = "cloud")]
    pub(crate) fn heed_folder(&self) -> Result<(), Failure> {
        let folder = self.folder()?;
        let home = self.home()?;
        let mut settings = Settings::load(home)?;
        // In the home folder it is the user's own, and read already.
        if folder != home.root() {
            let ignored = settings.read_folder(&folder);
            if !ignored.is_empty() {
                let names = ignored.join(", ");
                self.out
                    .warn(format_args!("left aside from .env of this folder, which may not set it: {names}"));
            }
        }
        let _ = self.settings.set(settings);
        Ok(())
    }

    /// The settings as they stand in their files now, with what `.env` of the current folder may decide.
    #[cfg(feature = "cloud")]
    pub(crate) fn read_settings(&self) -> Result<Settings, Failure> {
        let (folder, home) = (self.folder()?, self.home()?);
        let mut settings = Settings::load(home)?;
        if folder != home.root() {
            settings.read_folder(&folder);
        }
        Ok(settings)
    }

    /// What this command made of projects since this was asked last.
    #[cfg(feature = "cloud")]
    pub(crate) fn take_made(&self) -> MadeCounts {
        self.made.take()
    }

    /// Notes that this command opened the database: it may leave webhook deliveries that are due, which are looked for at its end.
    /// One that never opened it is not made to.
    pub(crate) fn uses_database(&self) {
        self.used_database.set(true);
    }

    /// Whether this command opened the database.
    #[cfg(feature = "cloud")]
    pub(crate) fn used_database(&self) -> bool {
        self.used_database.get()
    }

    /// Whatever this command does with the database, it finds one there and makes none: nobody typed it, and the one that it was started
    /// for may be moved away at any moment.
    #[cfg(feature = "cloud")]
    pub(crate) fn makes_no_database(&self) {
        self.makes_database.set(false);
    }

    /// How the database is opened.
    pub(crate) fn opening(&self) -> Options {
        let options = Options::default();
        if self.makes_database.get() { options } else { options.existing() }
    }

    /// The projects, in the space of the tenant that the settings name.
    pub(crate) fn store(&self) -> Result<Store, Failure> {
        self.uses_database();
        let settings = self.settings()?;
        let (tenant, keep) = (settings.tenant()?.value, settings.history()?);
        let options = self.opening().tenant(tenant).keep(keep);
        #[cfg(feature = "cloud")]
        let options = {
            use orkee_core::clock::SystemClock;
            use orkee_core::seal::lock::Runtime;
            let runtime = Runtime::from_env(std::sync::Arc::new(SystemClock));
            options.lock_keys(std::sync::Arc::new(runtime)).counting(std::sync::Arc::clone(&self.made))
        };
        Ok(options.open(&self.home()?.database())?)
    }

    /// The audit trail. Where it cannot be written, the person is told, and what was done stands.
    pub(crate) fn trail(&self) -> Result<Trail, Failure> {
        self.uses_database();
        let warn = self.out.warner();
        let tell = move |error: &StoreError| warn(&format!("not written into the audit trail: {error}"));
        let trail = Trail::new(self.home()?, tell);
        Ok(if self.makes_database.get() { trail } else { trail.existing() })
    }

    /// Writes a row into the audit trail of the tenant in use.
    pub(crate) fn note(&self, entry: AuditEntry) -> Result<(), Failure> {
        let tenant = self.settings()?.tenant()?.value;
        self.trail()?.note(&AuditEntry { tenant, ..entry });
        Ok(())
    }

    /// As [`Context::note`], and tells the endpoints of it.
    #[cfg(feature = "cloud")]
    pub(crate) fn note_and_tell(&self, entry: AuditEntry, event: &NewEvent<'_>) -> Result<(), Failure> {
        let tenant = self.settings()?.tenant()?.value;
        self.trail()?.note_and_tell(&AuditEntry { tenant, ..entry }, event);
        Ok(())
    }

    /// The folder that the command was started in.
    pub(crate) fn folder(&self) -> Result<PathBuf, CliError> {
        std::env::current_dir().map_err(CliError::CurrentFolder)
    }
}
