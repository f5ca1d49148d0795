//! A store for S3 that others wrote: PyPI's `moto`, run by Python, which checks signatures and honours conditions.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use url::Url;

use crate::{python, wait};

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
        let mut child = Command::new(python::with("moto"))
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
