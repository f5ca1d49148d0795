//! What a section has for itself: the servers of Orkee, and the machine that its commands run on.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::shell::Shell;
use super::world::World;
use crate::issuer::CLIENT;
use crate::moto::Moto;
use crate::op::Op;
use crate::server::Server;
use crate::tenancy::GROUPS;
use crate::{binaries, folder, guests};

const API: &str = "api.orkee.ai";
const DEVELOPMENT: &str = "dev-api.orkee.ai";
const ENTERPRISE: &str = "enterprise-api.orkee.ai";
/// A store that speaks S3, with a bucket `projects`.
pub(super) const S3: &str = "s3.eu-central-1.amazonaws.com";
/// Where the company's people sign in.
const SIGN_IN: &str = "sign-in.example.com";

fn issuer() -> String {
    format!("https://{SIGN_IN}")
}

/// The servers, each behind its name.
pub(super) struct Places {
    servers: Vec<Server>,
    _op: Option<Op>,
    moto: Option<Moto>,
}

impl Places {
    /// Starts those that this text asks for.
    pub(super) fn open(world: &World, text: &str) -> Self {
        let mut servers = Vec::new();
        for (name, words) in [(API, "cloud"), (DEVELOPMENT, "--env development"), (ENTERPRISE, ENTERPRISE)] {
            if text.contains(words) {
                servers.push(server(world, name, text));
            }
        }
        let op = text.contains("--sso").then(|| {
            let op = Op::with(&[("OP_COMPANY", "engineering"), ("OP_ISSUER", &issuer())]);
            world.front.lead(SIGN_IN, &op.url);
            match text.contains(ENTERPRISE) {
                true => set_tenant(&servers[servers.len() - 1], "your-company"),
                false => set_tenant(&servers[0], "acme"),
            }
            op
        });
        let moto = text.contains(S3).then(Moto::start);
        if let Some(moto) = &moto {
            world.front.lead(S3, &moto.url);
        }
        Self { servers, _op: op, moto }
    }

    /// The folder of the first server.
    fn data(&self) -> Option<PathBuf> {
        self.servers.first().map(Server::data)
    }
}

/// One behind this name, with the accounts that the text has.
fn server(world: &World, name: &str, text: &str) -> Server {
    let server = Server::behind(&format!("https://{name}"), &world.authority());
    for colleague in ["ann@example.com", "eve@example.com"].into_iter().filter(|email| text.contains(email)) {
        server.account(colleague);
    }
    world.front.lead(name, &server.url);
    server
}

fn set_tenant(server: &Server, name: &str) {
    let settings = format!(
        "name = \"Your Company\"\n\n[[identity_provider]]\nid = \"your-sso-provider\"\nname = \"Your provider\"\n\
         issuer = \"{}\"\nclient_id = \"{CLIENT}\"\nscopes = [\"openid\", \"email\", \"groups\"]\n{GROUPS}",
        issuer()
    );
    let file = server.data().join("tenant.toml");
    std::fs::write(&file, settings).unwrap();
    server.command(&["tenant", "set", name, "--file", file.to_str().unwrap()]).success();
}

/// Whether this variable decides what cargo builds: where the shell of a page lacks one of them, cargo finds nothing built that the tests run.
fn is_for_building(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "AR",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_HOME",
        "CARGO_INCREMENTAL",
        "CARGO_TARGET_DIR",
        "CC",
        "CFLAGS",
        "CXX",
        "CXXFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
    ];
    const BEGINNINGS: [&str; 12] = [
        "AR_",
        "CARGO_BUILD_",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CC_",
        "CFLAGS_",
        "CXX_",
        "HOST_",
        "PKG_CONFIG",
        "RUSTUP_",
    ];
    // Cargo itself sets this one for what it runs.
    name != "CARGO_TARGET_TMPDIR"
        && (NAMES.contains(&name) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)))
}

/// A provider that somebody wrote, in two versions.
const NOTES: &str = "notes-1.2.0.wasm";

/// Puts both into a folder, signed by the same author.
fn components(folder: &Path) {
    let key = guests::key();
    for (version, host, memory) in
        [("1.2.0", "https://*.example.net", 128), ("1.3.0", "https://files.example.org", 200)]
    {
        let manifest = format!(
            "name = \"notes\"\nversion = \"{version}\"\npublisher = \"Example GmbH\"\n\
             description = \"Keeps projects in Notes, the note taking service of Example\"\n\
             hosts = [\"{host}\"]\nprivate-network = [\"http://192.168.1.10:8080\"]\ntenants = [\"acme\"]\n\
             api-url = \"https://api.example.com\"\n\n[login]\nkind = \"oauth\"\nissuer = \"https://id.example.com\"\n\
             client-id = \"notes\"\nscopes = [\"projects\"]\n\n[limits]\nmemory = \"{memory} MiB\"\n"
        );
        let file = folder.join(format!("notes-{version}.wasm"));
        std::fs::write(file, guests::signed(&manifest, &key)).unwrap();
    }
}

/// A machine: two home folders, of which the second is another device's, and folders beside them.
pub(super) struct Machine {
    folder: tempfile::TempDir,
    /// In memory, as a session has it.
    session: tempfile::TempDir,
}

impl Machine {
    /// A fresh one with what this text asks for, whose compiled providers are those of an earlier one.
    pub(super) fn new(cache: &Path, text: &str) -> Self {
        let machine =
            Self { folder: tempfile::tempdir().unwrap(), session: tempfile::tempdir_in("/dev/shm").unwrap() };
        for home in [machine.home(), machine.other()] {
            let orkee = home.join(".orkee");
            folder::private_folder(&orkee);
            if cache.is_dir() {
                folder::replace(&orkee.join("cache"), cache);
            }
        }
        let checkout = machine.home().join("code/shop/.git");
        std::fs::create_dir_all(checkout.join("refs")).unwrap();
        std::fs::create_dir_all(checkout.join("objects")).unwrap();
        std::fs::write(checkout.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        std::fs::write(
            checkout.join("config"),
            "[remote \"origin\"]\n\turl = git@github.com:acme/shop.git\n",
        )
        .unwrap();
        folder::private_folder(machine.session.path());
        if text.contains(NOTES) {
            components(&machine.home());
        }
        machine
    }

    /// The home folder.
    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join("john")
    }

    /// That of the other device.
    pub(super) fn other(&self) -> PathBuf {
        self.folder.path().join("desktop")
    }

    /// What the machine compiled.
    pub(super) fn cache(&self) -> PathBuf {
        self.home().join(".orkee/cache")
    }

    /// A shell in its home folder.
    pub(super) fn shell(&self, world: &World, places: &Places) -> Shell {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = [root.join("guide/bin"), binaries::orkee().parent().unwrap().to_owned()];
        let path = std::env::join_paths(programs.into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut bash = Command::new("bash");
        bash.env_clear().current_dir(self.home()).env("PATH", path).env("HOME", self.home());
        bash.envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_for_building)));
        bash.env("GUIDE_CARGO_HOME", std::env::var_os("HOME").unwrap_or_default())
            .env("GUIDE_ROOT", root.parent().unwrap())
            .env("OTHER", self.other())
            .envs(places.data().map(|folder| ("SERVER_DATA", folder)))
            .envs(places.moto.as_ref().map(|moto| ("S3_KEYS", &moto.keys)))
            .env("RECEIVED", world.received())
            .env("PROXY_LOG", world.proxy.log())
            .env("XDG_RUNTIME_DIR", self.session.path())
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env("SHELL", "/bin/bash")
            .env("USER", "john")
            .env("SSL_CERT_FILE", world.authority())
            .env("CURL_CA_BUNDLE", world.authority())
            .env("BROWSER", binaries::path("fake-browser"))
            .env("FAKE_BROWSER_EMAIL", "john@example.com")
            .env("FAKE_BROWSER_PASSWORD", "correct horse battery staple");
        Shell::start(bash, &root.join("guide/prelude.sh"))
    }

    /// Writes a file of a page, for its owner alone.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.home().join(path.trim_start_matches("~/"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Text as it would be, were this John's machine.
    pub(super) fn as_johns(&self, text: &str) -> String {
        text.replace(&self.home().display().to_string(), "/home/john")
    }
}
