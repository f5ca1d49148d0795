//! A device: a home folder of its own, and `orkee` run on it with nothing of this machine's settings.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use url::Url;

use crate::browser::Person;
use crate::home::{Ran, finish, shown};
use crate::{binaries, folder, wait};

/// A device that speaks to one API.
pub struct Device {
    folder: tempfile::TempDir,
    api: String,
    token: Option<String>,
}

impl Device {
    /// A fresh device for this API.
    pub fn new(api: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), api: api.to_owned(), token: None }
    }

    /// A fresh device for this API, with this in `ORKEE_CLOUD_TOKEN`.
    pub fn with_token(api: &str, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..Self::new(api) }
    }

    /// Another device, with what this one's home folder holds now.
    pub fn copy(&self) -> Self {
        let copy = Self { token: self.token.clone(), ..Self::new(&self.api) };
        folder::replace(&copy.home(), &self.home());
        copy
    }

    /// Gives a device that has no folder yet the compiled code of another: it need not compile the provider itself, which takes
    /// longer than all the rest.
    pub fn warmed_by(self, other: &Self) -> Self {
        let home = self.home();
        folder::private_folder(&home);
        folder::replace(&home.join("cache"), &other.home().join("cache"));
        self
    }

    /// Its home folder, which `orkee` makes.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path outside of the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `orkee ARGS`.
    pub fn orkee(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binaries::orkee());
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("ORKEE_HOME", self.home())
            .env("ORKEE_CLOUD_API_URL", &self.api)
            .envs(self.token.iter().map(|token| ("ORKEE_CLOUD_TOKEN", token)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs `orkee ARGS` to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.orkee(args), &[])
    }

    /// Runs `orkee ARGS --json`, which has to succeed, and hands back the object that it printed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        self.run(&[args, &["--json"]].concat()).success().json()
    }

    /// All projects, byte for byte.
    #[track_caller]
    pub fn export(&self) -> String {
        self.run(&["projects", "export"]).success().stdout
    }

    /// Adds a project by name, and hands back its id.
    #[track_caller]
    pub fn add(&self, name: &str) -> String {
        let added = self.json(&["projects", "add", "--name", name]);
        added["project"]["id"].as_str().unwrap().to_owned()
    }

    /// One field of a project.
    #[track_caller]
    pub fn field(&self, id: &str, name: &str) -> serde_json::Value {
        self.json(&["projects", "show", id])["project"][name].take()
    }

    /// Changes one field of a project by its flag.
    #[track_caller]
    pub fn edit(&self, id: &str, flag: &str, value: &str) {
        self.run(&["projects", "edit", id, flag, value]).success();
    }

    /// Takes in projects from an export.
    #[track_caller]
    pub fn import(&self, export: &str) {
        finish(self.orkee(&["projects", "import", "-"]), export.as_bytes()).success();
    }

    /// Syncs to a good end, and hands back what was done.
    #[track_caller]
    pub fn sync(&self) -> serde_json::Value {
        self.json(&["cloud", "sync"])
    }

    /// Syncs, maybe with a conflict at the end.
    #[track_caller]
    pub fn sync_whatever(&self) {
        let ran = self.run(&["cloud", "sync"]);
        assert!(matches!(ran.code, Some(0 | 5)), "{ran}");
    }

    /// `orkee cloud login ARGS` with a browser that goes through with it by itself.
    pub fn login_command(&self, person: &Person, args: &[&str]) -> Command {
        let mut command = self.orkee(&["cloud", "login"]);
        command
            .args(args)
            .env("BROWSER", binaries::path("fake-browser"))
            .env("FAKE_BROWSER_EMAIL", &person.email)
            .env("FAKE_BROWSER_PASSWORD", &person.password);
        command
    }

    /// Signs in.
    #[track_caller]
    pub fn login(&self, person: &Person) -> Ran {
        finish(self.login_command(person, &[]), &[]).success()
    }

    /// Starts `orkee cloud login ARGS` and stops at the moment when the browser was opened: the test is the browser.
    pub fn begin_login(&self, args: &[&str]) -> Login {
        let mut command = self.orkee(&["cloud", "login"]);
        command.args(args);
        self.begin(command)
    }

    /// As [`begin_login`](Self::begin_login), with a command that the test made.
    pub fn begin(&self, mut command: Command) -> Login {
        let record = self.path("browser.json");
        let _ = std::fs::remove_file(&record);
        let name = shown(&command);
        let child = command
            .env("BROWSER", binaries::path("fake-browser"))
            .env("FAKE_BROWSER_RECORD", &record)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut login = Login { name, child, authorize: None, environment: serde_json::Value::Null };
        let opened = wait::until("the browser", || match std::fs::read(&record) {
            Ok(text) => Some(Some(text)),
            Err(_) => login.child.try_wait().unwrap().map(|_| None),
        });
        if let Some(text) = opened {
            let mut opened: serde_json::Value = serde_json::from_slice(&text).unwrap();
            login.authorize = Some(Url::parse(opened["url"].as_str().unwrap()).unwrap());
            login.environment = opened["environment"].take();
        }
        login
    }

    /// What `auth.toml` holds; none if there is no such file.
    pub fn auth_toml(&self) -> Option<String> {
        std::fs::read_to_string(self.home().join("auth.toml")).ok()
    }

    /// The token file's permissions.
    pub fn auth_mode(&self) -> u32 {
        self.home().join("auth.toml").metadata().unwrap().permissions().mode() & 0o7777
    }

    /// Writes `auth.toml`, 0600, in a home folder that is 0700.
    pub fn write_auth(&self, text: &str) {
        let home = self.home();
        folder::private_folder(&home);
        std::fs::write(home.join("auth.toml"), text).unwrap();
        std::fs::set_permissions(home.join("auth.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A section `[orkee_cloud]` for this device's API, whose token expires so many seconds from now.
    pub fn section(&self, token: &str, expires_in: i64, refresh_token: Option<&str>) -> String {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(expires_in);
        let refresh = refresh_token.map(|t| format!("refresh_token = \"{t}\"\n")).unwrap_or_default();
        format!(
            "[orkee_cloud]\ntoken = \"{token}\"\nexpires_at = \"{at:.0}\"\n{refresh}api_url = \"{0}\"\nissuer = \"{0}\"\n",
            self.api
        )
    }

    /// The names of the files in the home folder.
    pub fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.home()) else {
            return Vec::new();
        };
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// An export of so many small projects: `proj0000`, `proj0001` and so on.
pub fn many(count: usize) -> String {
    let project = |i| serde_json::json!({"id": format!("proj{i:04}"), "name": format!("project {i}")});
    serde_json::json!({"version": 1, "projects": (0..count).map(project).collect::<Vec<_>>()}).to_string()
}

/// A login under way whose browser is the test.
pub struct Login {
    name: String,
    /// The process.
    pub child: Child,
    authorize: Option<Url>,
    /// The environment that the browser was started with.
    pub environment: serde_json::Value,
}

impl Login {
    /// Where the browser was sent. Fails if the login ended before that.
    #[track_caller]
    pub fn authorize(&self) -> Url {
        self.authorize.clone().expect("the login ended before a browser was opened")
    }

    /// Whether a browser was opened at all.
    pub fn opened_a_browser(&self) -> bool {
        self.authorize.is_some()
    }

    /// A parameter of the authorize URL.
    pub fn parameter(&self, name: &str) -> String {
        self.authorize()
            .query_pairs()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.into_owned())
            .unwrap_or_default()
    }

    /// The program's callback with these parameters.
    pub fn callback(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&self.parameter("redirect_uri")).unwrap();
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    /// Whether the login still waits.
    pub fn is_waiting(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn finish(self) -> Ran {
        Ran::of(self.name, &self.child.wait_with_output().unwrap())
    }
}
