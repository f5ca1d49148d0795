//! A script that mounts what nobody else sees: a small disk, a disk that cannot be written.

use std::process::Command;

use crate::binaries;
use crate::home::{Ran, finish};

/// Runs a script of the shell as root of a namespace of its own, with this command's environment and `orkee` as `"$ORKEE"`.
/// None, told on standard error, where the system does not allow that.
pub fn run(like: &Command, script: &str) -> Option<Ran> {
    let allowed = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this system lets nobody mount in a namespace of their own");
        return None;
    }
    let mut shell = Command::new("unshare");
    shell.args(["-rm", "sh", "-eu", "-c", script]).env_clear();
    shell.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("ORKEE", binaries::orkee()).stdin(std::process::Stdio::null());
    like.get_current_dir().map(|folder| shell.current_dir(folder));
    Some(finish(shell, &[]))
}
