//! Programs of the tests' own that are written in Python, with their packages.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binaries;

/// The Python that has `tests/NAME/requirements.txt`, installed beside the binaries by whoever comes first.
pub fn with(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let target = binaries::orkee().parent().unwrap().to_owned();
    let (venv, stamp) = (target.join(name), target.join(name).join("installed.txt"));
    let lock = File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let wanted = std::fs::read(folder.join("requirements.txt")).unwrap();
    let python = venv.join("bin/python");
    if std::fs::read(&stamp).ok().as_ref() != Some(&wanted) {
        let said = "Python 3 with `venv` is needed for the tests with packages from PyPI";
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).output().expect(said);
        assert!(made.status.success(), "{said}: {}", String::from_utf8_lossy(&made.stderr));
        let done = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--requirement", "requirements.txt"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(done.status.success(), "pip install: {}", String::from_utf8_lossy(&done.stderr));
        std::fs::write(&stamp, &wanted).unwrap();
    }
    python
}
