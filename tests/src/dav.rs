//! Real WebDAV servers on a port and a folder of their own: Apache's mod_dav, and `rclone serve webdav`.
//!
//! Nothing of the system's configuration is read or changed, and no service of the system's is used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "whatever fails here fails the test"
)]

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Who may ask.
pub const USER: &str = "ada";
/// Her password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The same, as Apache's password file has it (SHA-1 in Base64).
const PASSWORD_HASH: &str = "{SHA}q/eq1kOINtvlJqojGr3i0O73TUI=";
/// Of another password.
const OTHER_HASH: &str = "{SHA}t8j/uPvGfBcTKODo9kNpTo5hszU=";

const APACHE: &str = "/usr/sbin/apache2";
const MODULES: &str = "/usr/lib/apache2/modules";
/// A process that is not ready by then is not waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// A server at work.
pub struct Dav {
    /// The root, of which the user may do as she likes.
    pub url: String,
    folder: tempfile::TempDir,
    child: Child,
}

impl Dav {
    /// Apache; none where it is not installed. A run that calls itself a complete one (`CI=true`) has to have it.
    pub fn apache() -> Option<Self> {
        is_there("apache2 (Debian: apache2-bin)", Path::new(APACHE).exists()).then(|| Self::start(apache))
    }

    /// `rclone serve webdav`; none where it is not installed, as [`Dav::apache`].
    pub fn rclone() -> Option<Self> {
        let found = Command::new("rclone").arg("version").stdout(Stdio::null()).status();
        is_there("rclone", found.is_ok_and(|status| status.success())).then(|| Self::start(rclone))
    }

    fn start(command: fn(&Path, u16) -> Command) -> Self {
        for _ in 0..10 {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("files")).unwrap();
            // Somebody may take the port before the server does; then another one is tried.
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let log = File::create(folder.path().join("log")).unwrap();
            let mut command = command(folder.path(), port);
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            let mut child = command.spawn().unwrap();
            if is_ready(&mut child, port) {
                return Self { url: format!("http://127.0.0.1:{port}"), folder, child };
            }
            println!("{}", std::fs::read_to_string(folder.path().join("log")).unwrap_or_default());
        }
        panic!("the WebDAV server does not start");
    }

    /// What it serves, as files.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Puts this folder of files in the place of what it serves, as from a backup.
    pub fn put_back(&self, backup: &Path) {
        std::fs::remove_dir_all(self.files()).unwrap();
        copy(backup, &self.files());
        give_away(self.folder.path());
    }

    /// A copy of what it serves.
    pub fn backup(&self) -> tempfile::TempDir {
        let backup = tempfile::tempdir().unwrap();
        copy(&self.files(), &backup.path().join("files"));
        backup
    }

    /// The requests that it answered (Apache), such as `PUT /orkee/r/a/aaaaaaaa 201`.
    pub fn asked(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("access")).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    /// Gives the user another password (Apache).
    pub fn change_password(&self) {
        std::fs::write(self.folder.path().join("passwords"), format!("{USER}:{OTHER_HASH}\n")).unwrap();
    }

    /// Makes a file or folder older.
    pub fn age(&self, path: &str, by: Duration) {
        let file = File::open(self.files().join(path)).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - by).unwrap();
    }
}

impl Drop for Dav {
    fn drop(&mut self) {
        // Apache ends its own children when it is asked to end, and not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn is_there(name: &str, found: bool) -> bool {
    let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(found || !must, "{name} is not there, and CI=true");
    if !found {
        println!("{name} is not there: not checked");
    }
    found
}

fn is_ready(child: &mut Child, port: u16) -> bool {
    let start = Instant::now();
    while start.elapsed() < DEADLINE && child.try_wait().unwrap().is_none() {
        if is_listened_at(port) {
            // Somebody else's server may be the one that answers; then ours ends at once.
            std::thread::sleep(Duration::from_millis(100));
            return child.try_wait().unwrap().is_none();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// Whether somebody does, and not this very connection: see `wait`, which is not there where the tests of `core` read this file.
fn is_listened_at(port: u16) -> bool {
    let ends = TcpStream::connect(("127.0.0.1", port)).and_then(|s| Ok((s.local_addr()?, s.peer_addr()?)));
    ends.is_ok_and(|(own, peer)| own != peer)
}

fn apache(folder: &Path, port: u16) -> Command {
    let root = folder.display();
    let modules = [
        ("mpm_event", "mpm_event"),
        ("authn_core", "authn_core"),
        ("authn_file", "authn_file"),
        ("authz_core", "authz_core"),
        ("authz_user", "authz_user"),
        ("auth_basic", "auth_basic"),
        ("dav", "dav"),
        ("dav_fs", "dav_fs"),
    ];
    let modules: String =
        modules.map(|(name, file)| format!("LoadModule {name}_module {MODULES}/mod_{file}.so\n")).concat();
    let user = unprivileged().map_or_else(String::new, |(uid, gid)| format!("User #{uid}\nGroup #{gid}\n"));
    let config = format!(
        r#"{modules}{user}
ServerRoot "{root}"
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile "{root}/pid"
DefaultRuntimeDir "{root}"
Mutex "file:{root}"
ErrorLog "{root}/log"
LogFormat "%m %U %>s" asked
CustomLog "{root}/access" asked
StartServers 2
ThreadsPerChild 25
MaxRequestWorkers 50
DocumentRoot "{root}/files"
DAVLockDB "{root}/locks"
<Directory "{root}/files">
    Dav On
    AuthType Basic
    AuthName files
    AuthUserFile "{root}/passwords"
    Require valid-user
</Directory>
"#
    );
    std::fs::write(folder.join("config"), config).unwrap();
    std::fs::write(folder.join("passwords"), format!("{USER}:{PASSWORD_HASH}\n")).unwrap();
    give_away(folder);
    let mut command = Command::new(APACHE);
    command.arg("-f").arg(folder.join("config")).arg("-DFOREGROUND");
    command
}

fn rclone(folder: &Path, port: u16) -> Command {
    let mut command = Command::new("rclone");
    command
        .args(["serve", "webdav", "--addr", &format!("127.0.0.1:{port}"), "--user", USER, "--pass", PASSWORD])
        .args(["--config", "/dev/null"])
        .arg(folder.join("files"))
        .env("HOME", folder);
    command
}

/// Apache does not serve as root. The user `nobody` does so for it; none where we are not root.
fn unprivileged() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut nobody = users.lines().find(|line| line.starts_with("nobody:"))?.split(':').skip(2);
    Some((nobody.next()?.parse().ok()?, nobody.next()?.parse().ok()?))
}

fn give_away(folder: &Path) {
    let Some((uid, gid)) = unprivileged() else { return };
    chown(folder, Some(uid), Some(gid)).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => give_away(&path),
            false => chown(&path, Some(uid), Some(gid)).unwrap(),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}
