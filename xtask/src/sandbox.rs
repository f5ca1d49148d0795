//! A throw-away world: a server with its data, homes for devices, folders with git repositories.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::proxy::Proxy;
use crate::run::{self, Error};
use crate::setup::Binaries;

pub const EMAIL: &str = "john@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

/// The server's folder within that of a sandbox.
const SERVER: &str = "server";

/// A running server behind a relay, and the folder that everything lives in.
pub struct Sandbox<'a> {
    pub binaries: &'a Binaries,
    pub folder: tempfile::TempDir,
    pub proxy: Proxy,
    /// The server itself, past the relay.
    pub direct: String,
    server: Child,
}

impl<'a> Sandbox<'a> {
    /// Starts the server on a free port, with one account.
    pub fn start(binaries: &'a Binaries, one_way_delay: Duration) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("orkee-").tempdir()?;
        let data = folder.path().join(SERVER);
        run::with_input(
            Command::new(binaries.server()).args(["user", "add", EMAIL, "--data"]).arg(&data),
            PASSWORD,
        )?;
        let proxy = Proxy::start(one_way_delay)?;
        let mut server = Command::new(binaries.server())
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--public-url",
                &proxy.url(),
                "--rate-limit",
                "100000",
                "--data",
            ])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.path().join("server.log"))?)
            .spawn()?;
        let address = listening(&mut server)?;
        proxy.forward_to(address);
        Ok(Self { binaries, folder, proxy, direct: format!("http://{address}"), server })
    }

    /// The server's folder.
    pub fn server_data(&self) -> PathBuf {
        self.folder.path().join(SERVER)
    }

    /// User and system time of the server so far.
    pub fn server_cpu(&self) -> Result<Duration, Error> {
        run::cpu_of(self.server.id())
    }

    /// An API token for the account, as `orkee-server token create` prints it.
    pub fn token(&self) -> Result<String, Error> {
        let mut command = Command::new(self.binaries.server());
        command.args(["token", "create", EMAIL, "--data"]).arg(self.server_data());
        Ok(run::quietly(&mut command)?.trim().to_owned())
    }

    /// `orkee` on the device `name`, with nothing of this machine's own settings.
    pub fn orkee(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.orkee());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("ORKEE_HOME", self.home(name))
            .env("ORKEE_CLOUD_API_URL", self.proxy.url())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// The home folder of the device `name`.
    pub fn home(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Sandbox<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Where the server listens, from the line of JSON that it prints when it accepts connections.
fn listening(server: &mut Child) -> Result<SocketAddr, Error> {
    let stdout = server.stdout.take().ok_or("the server has no stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let ready: serde_json::Value =
        serde_json::from_str(&line).map_err(|e| format!("the server said {line:?}: {e}"))?;
    let listen = ready["url"].as_str().ok_or("the server named no address")?;
    Ok(listen.trim_start_matches("http://").trim_end_matches('/').parse()?)
}

/// A git repository with one commit and a remote.
pub fn git_repository(path: &Path, remote: &str) -> Result<(), Error> {
    std::fs::create_dir_all(path)?;
    std::fs::write(path.join("README.md"), format!("# {remote}\n"))?;
    let git = |args: &[&str]| {
        let identity =
            ["-c", "user.name=Orkee", "-c", "user.email=orkee@example.com", "-c", "commit.gpgsign=false"];
        run::quietly(Command::new("git").arg("-C").arg(path).args(identity).args(args))
    };
    git(&["init", "--quiet", "--initial-branch", "main"])?;
    git(&["remote", "add", "origin", remote])?;
    git(&["add", "."])?;
    git(&["commit", "--quiet", "--message", "Begin"])?;
    Ok(())
}

/// Installs the locked npm packages of `folder`, where it has any that are not there yet.
pub fn npm(folder: &Path) -> Result<(), Error> {
    if !folder.join("package-lock.json").exists() || folder.join("node_modules").exists() {
        return Ok(());
    }
    run::loudly(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder),
    )
}

/// Installs what `requirements.txt` of `folder` pins from PyPI into the virtual environment `venv`, where that has not been done.
pub fn pip(folder: &Path, venv: &Path) -> Result<(), Error> {
    let requirements = folder.join("requirements.txt");
    let (wanted, stamp) = (std::fs::read(&requirements)?, venv.join("installed.txt"));
    if std::fs::read(&stamp).ok().as_ref() == Some(&wanted) {
        return Ok(());
    }
    run::loudly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    run::loudly(
        Command::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .arg("--requirement")
            .arg(&requirements),
    )?;
    std::fs::write(&stamp, &wanted)?;
    Ok(())
}
