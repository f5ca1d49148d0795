//! A store for S3 that others wrote: PyPI's `moto`, run by Python, which checks signatures and honours conditions.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
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
    told: Arc<Mutex<Option<Value>>>,
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
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let text = |key: &str| first[key].as_str().unwrap().to_owned();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::new(Mutex::new(None));
        let (seen, telling) = (Arc::clone(&requests), Arc::clone(&told));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Ok(mut line) = serde_json::from_str::<Value>(&line) else { continue };
                if let Some(objects) = line.get_mut("objects") {
                    *telling.lock().unwrap() = Some(objects.take());
                    continue;
                }
                let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
                seen.lock().unwrap().push((text("method"), text("path")));
            }
        });
        let keys = format!("{}:{}", text("id"), text("secret"));
        Self { url: text("url"), bucket: text("bucket"), keys, child, requests, told }
    }

    /// What is in the bucket now: the bytes of each object by its name. It is asked for like by anybody else, in requests that count.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        *self.told.lock().unwrap() = None;
        self.child.stdin.as_ref().unwrap().write_all(b"objects\n").unwrap();
        let told = wait::until("what is in the bucket", || self.told.lock().unwrap().take());
        let bytes = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        told.as_object().unwrap().iter().map(|(name, value)| (name.clone(), bytes(value))).collect()
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
