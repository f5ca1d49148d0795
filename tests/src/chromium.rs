//! A browser with eyes: Debian's `chromium`, led by `tests/chromium` through the pages as a person would be, with npm's `axe-core` for
//! the rules of accessibility. With `ORKEE_TESTS_SHOTS=FOLDER` each page leaves a screenshot there.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::browser::Person;
use crate::{npm, wait};

const PROGRAM: &str = "/usr/bin/chromium";

/// A browser of one person, with a window of one size.
pub struct Chromium {
    folder: tempfile::TempDir,
    settings: Value,
}

/// A window, and what the person prefers.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// `light` or `dark`.
    pub scheme: &'static str,
}

/// A page as it was seen.
#[derive(Debug, Clone)]
pub struct Seen(pub Value);

impl Window {
    /// Each size with each scheme.
    pub const ALL: [Self; 4] = [
        Self { width: 375, height: 740, scheme: "light" },
        Self { width: 375, height: 740, scheme: "dark" },
        Self { width: 1280, height: 800, scheme: "light" },
        Self { width: 1280, height: 800, scheme: "dark" },
    ];
}

impl Chromium {
    /// A fresh browser; none where there is no Chromium. A run that calls itself a complete one (`CI=true`) has to have it.
    pub fn new(window: Window, person: &Person) -> Option<Self> {
        let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
        let found = Path::new(PROGRAM).exists();
        assert!(found || !must, "chromium is not there, and CI=true");
        if !found {
            println!("chromium is not there: not checked");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({
            "program": PROGRAM,
            "width": window.width,
            "height": window.height,
            "scheme": window.scheme,
            "email": person.email,
            "password": person.password,
            "code": person.code,
            "decision": person.decision,
            "report": folder.path().join("report.json"),
            "shots": std::env::var_os("ORKEE_TESTS_SHOTS").map(PathBuf::from),
        });
        Some(Self { folder, settings })
    }

    /// A program for `$BROWSER`.
    pub fn program(&self) -> PathBuf {
        let script = self.folder.path().join("browser");
        let settings = self.settings.to_string().replace('\'', "'\\''");
        let browse = npm::installed("chromium").join("browse.mjs");
        // The temporary folder of the profile is the test's own.
        let text = format!(
            "#!/bin/sh\nexec env CHROMIUM_SETTINGS='{settings}' HOME='{0}' TMPDIR='{0}' node '{1}' \"$1\"\n",
            self.folder.path().display(),
            browse.display()
        );
        std::fs::write(&script, text).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
        script
    }

    /// Looks at so many pages and goes no further.
    pub fn stopping_after(mut self, pages: usize) -> Self {
        self.settings["stop"] = pages.into();
        self
    }

    /// Goes through the pages from an address on.
    pub fn visit(&self, address: &str) -> Vec<Seen> {
        let status =
            Command::new(self.program()).arg(address).stdout(Stdio::null()).stderr(Stdio::inherit()).status();
        assert!(status.unwrap().success(), "the browser at {address}");
        self.seen()
    }

    /// The pages that were seen, once the browser is through. None of them breaks a rule, asks another machine for anything, or is
    /// complained of by the browser.
    pub fn seen(&self) -> Vec<Seen> {
        let report = self.folder.path().join("report.json");
        let report: Value =
            serde_json::from_slice(&wait::until("the browser's report", || std::fs::read(&report).ok()))
                .unwrap();
        let none = json!([]);
        assert_eq!(report["failure"], Value::Null, "{report:#}");
        assert_eq!(report["complaints"], none, "{report:#}");
        let pages: Vec<Seen> = report["pages"].as_array().unwrap().iter().cloned().map(Seen).collect();
        for Seen(page) in &pages {
            let title = &page["title"];
            assert_eq!(page["violations"], none, "{title}");
            assert_eq!(page["unseen"], none, "{title}: focus that cannot be seen");
            assert_eq!(page["overflow"], 0, "{title} is wider than 320 px");
            assert_eq!(page["scripts"], 0, "{title}");
        }
        for address in report["requests"].as_array().unwrap() {
            let address = address.as_str().unwrap();
            assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        }
        pages
    }
}

impl Seen {
    /// Its one main heading.
    pub fn heading(&self) -> &str {
        self.0["heading"].as_str().unwrap()
    }

    /// All that can be read on it.
    pub fn text(&self) -> &str {
        self.0["text"].as_str().unwrap()
    }

    /// The colour behind it all.
    pub fn ground(&self) -> &str {
        self.0["ground"].as_str().unwrap()
    }

    /// What is read out at once.
    pub fn alert(&self) -> &str {
        self.0["alert"].as_str().unwrap()
    }
}
