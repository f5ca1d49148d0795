//! Processes that go on when their command has ended.
//!
//! Such a process has a session of its own, and neither the terminal nor any file of the command's, so that nobody who waits for the
//! command's output waits for it. It is of this same binary, and works in the home folder.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use orkee_core::home::Home;

/// Variables that name a file, as seen from where the command was typed.
const FILES: [&str; 3] = ["ORKEE_CLOUD_TOKEN_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Starts `orkee ARGS` in the background. It is to call [`leave_terminal`] first of all.
pub(crate) fn start(home: &Home, args: &[&str]) -> io::Result<()> {
    keep_files_here()?;
    let root = std::path::absolute(home.root())?;
    let is_relative = |name: &&str| {
        std::env::var_os(name).is_some_and(|path| !path.is_empty() && Path::new(&path).is_relative())
    };
    let absolute = |name: &'static str| Some((name, std::path::absolute(std::env::var_os(name)?).ok()?));
    let mut child = Command::new(std::env::current_exe()?)
        .args(args)
        .current_dir(&root)
        .env("ORKEE_HOME", &root)
        .envs(FILES.iter().copied().filter(is_relative).filter_map(absolute))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // It is nobody's child once this process has ended. One that stays has to hear of its end, or it is kept as one that ended.
    let _ = std::thread::Builder::new().name("background".to_owned()).spawn(move || child.wait());
    Ok(())
}

/// Of the terminal that the command was typed in nothing reaches this process from here on. It fails where there is none to leave.
pub(crate) fn leave_terminal() {
    let _ = rustix::process::setsid();
}

/// Files that this process was started with beyond the usual three, such as a pipe of a script's, are not handed on: whoever reads
/// that pipe waits for its last writer. What was opened here is not anyway.
#[allow(unsafe_code, reason = "a descriptor that somebody else opened has no owner here")]
pub(crate) fn keep_files_here() -> io::Result<()> {
    use rustix::io::{FdFlags, fcntl_setfd};
    let open: Vec<i32> = std::fs::read_dir("/dev/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // SAFETY: it is borrowed for one call, which closes nothing, and which says so of a number that is no longer open.
        let _ = fcntl_setfd(unsafe { BorrowedFd::borrow_raw(fd) }, FdFlags::CLOEXEC);
    }
    Ok(())
}
