//! A store for S3 that others wrote: PyPI's `moto`, run by Python, which checks signatures and honours conditions.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use url::Url;

use crate::{binaries, wait};

const MARK: &str = "/mark/";

/// The store at work. It ends with its owner, however that ends.
pub struct Moto {
    /// Its address.
    pub url: String,
    /// A bucket that is there, and empty.
    pub bucket: String,
    /// Of the one user that there is: `ID:SECRET`.
    pub keys: String,
    child: Child,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Moto {
    /// Starts it on a free port.
    pub fn start() -> Self {
        let mut child = Command::new(installed())
            .arg("serve.py")
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                seen.lock().unwrap().push((text("method"), text("path")));
            }
        });
        let keys = format!("{}:{}", text("id"), text("secret"));
        Self { url: text("url"), bucket: text("bucket"), keys, child, requests }
    }

    /// The requests so far: method and path. Everything that was answered before is among them: it asks the store something itself,
    /// and waits until that is seen.
    pub fn requests(&self) -> Vec<(String, String)> {
        static MARKS: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("{MARK}{}", MARKS.fetch_add(1, Relaxed));
        crate::http::get(&Url::parse(&format!("{}{mark}", self.url)).unwrap(), &[]).unwrap();
        let seen = || self.requests.lock().unwrap();
        wait::until("the mark", || seen().iter().any(|(_, path)| *path == mark).then_some(()));
        seen().iter().filter(|(_, path)| !path.starts_with(MARK)).cloned().collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("moto")
}

/// The Python that has `tests/moto/requirements.txt`, installed beside the binaries by whoever comes first.
fn installed() -> PathBuf {
    let target = binaries::orkee().parent().unwrap().to_owned();
    let (venv, stamp) = (target.join("moto"), target.join("moto/installed.txt"));
    let lock = File::create(target.join("moto.lock")).unwrap();
    lock.lock().unwrap();
    let wanted = std::fs::read(folder().join("requirements.txt")).unwrap();
    let python = venv.join("bin/python");
    if std::fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        let said = "Python 3 with `venv` is needed for the tests with S3";
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).output().expect(said);
        assert!(made.status.success(), "{said}: {}", String::from_utf8_lossy(&made.stderr));
        let done = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--requirement", "requirements.txt"])
            .current_dir(folder())
            .output()
            .unwrap();
        assert!(done.status.success(), "pip install: {}", String::from_utf8_lossy(&done.stderr));
        std::fs::write(&stamp, &wanted).unwrap();
    }
    python
}
