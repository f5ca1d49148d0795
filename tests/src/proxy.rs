//! A proxy for HTTPS that others wrote: Debian's `tinyproxy`, which lets in who has its password.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::wait;

/// The proxy at work, on 127.0.0.1. It ends with its owner.
pub struct Proxy {
    address: String,
    folder: tempfile::TempDir,
    child: Child,
}

/// Who is let in.
const USER: &str = "orkee";
/// The password that lets in.
pub const PASSWORD: &str = "canary_of_the_proxy_51e0";

/// Whether this machine has one. A run that calls itself a complete one (`CI=true`) has to.
pub fn is_there() -> bool {
    let works = Command::new("tinyproxy").arg("-v").output().is_ok_and(|output| output.status.success());
    let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(works || !must, "tinyproxy is not there, and CI=true");
    if !works {
        println!("tinyproxy is not there: not checked");
    }
    works
}

impl Proxy {
    /// Starts one that connects to everything but hosts of this name.
    pub fn start(refused: &str) -> Self {
        let free_port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let authority = format!("BasicAuth {USER} {PASSWORD}\n");
        wait::until("the proxy", || Self::try_start(refused, free_port(), &authority))
    }

    /// Starts one at this port that lets everybody in.
    pub fn open_at(port: u16) -> Self {
        wait::until("the proxy", || Self::try_start("refused.example", port, ""))
    }

    /// Somebody may take the port first.
    fn try_start(refused: &str, port: u16, authority: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (log, filter) = (folder.path().join("log"), folder.path().join("filter"));
        fs::write(&filter, format!("^{}$\n", refused.replace('.', "\\."))).unwrap();
        let settings = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nLogLevel Info\nLogFile \"{}\"\n\
             {authority}Filter \"{}\"\n",
            log.display(),
            filter.display()
        );
        let file = folder.path().join("settings");
        fs::write(&file, settings).unwrap();
        let mut child = Command::new("tinyproxy")
            .args(["-d", "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("errors")).unwrap())
            .spawn()
            .unwrap();
        let address = format!("127.0.0.1:{port}");
        loop {
            if wait::is_listened_at(port) {
                return Some(Self { address, folder, child });
            }
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// What `HTTPS_PROXY` is to name, with this password.
    pub fn url(&self, password: &str) -> String {
        format!("http://{USER}:{password}@{}", self.address)
    }

    /// What it was asked to connect to, in order.
    pub fn connects(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let asked = log.lines().filter_map(|line| line.split_once(": CONNECT ")?.1.split(' ').next());
        asked.map(str::to_owned).collect()
    }

    /// The file in which it says what it was asked for.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
