//! Namespaces of a test's own: a script that mounts what nobody else sees, such as a small disk, and a test in a network of its own.

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

/// Set where a test runs in a network of its own.
const INSIDE: &str = "ORKEE_TESTS_INSIDE";

/// Addresses of the internet, and of a private network, that all lead to this machine in there, though no interface has them.
pub const PUBLIC: &str = "9.9.9.9";
/// The private one.
pub const PRIVATE: &str = "10.9.9.9";

/// Whether the calling test, of this name, runs in a network of its own, where 127.0.0.1:53 is asked for names, [`PUBLIC`] and
/// [`PRIVATE`] can be listened at, and `/srv` is its own. Where it does not, it is run there, has to pass, and is done. Where the system does not allow that, it
/// is done too, and that is told.
pub fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let script = format!(
        "ip link set lo up
         ip route add local {PUBLIC}/32 dev lo src 127.0.0.1
         ip route add local {PRIVATE}/32 dev lo src 127.0.0.1
         mount --bind \"$RESOLV\" /etc/resolv.conf
         mount -t tmpfs none /srv
         exec \"$@\""
    );
    let folder = tempfile::tempdir().unwrap();
    let resolv = folder.path().join("resolv.conf");
    std::fs::write(&resolv, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n").unwrap();
    let inside = |words: &[&std::ffi::OsStr]| {
        let mut command = Command::new("unshare");
        command.args(["-rmn", "sh", "-eu", "-c", &script, "sh"]).args(words);
        command.env("RESOLV", &resolv).env(INSIDE, "1").stdin(std::process::Stdio::null());
        command.output()
    };
    if !inside(&["true".as_ref()]).is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this system lets nobody have a network of their own");
        return false;
    }
    let tests = std::env::current_exe().unwrap();
    let ran =
        inside(&[tests.as_os_str(), "--exact".as_ref(), test.as_ref(), "--nocapture".as_ref()]).unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let erred = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "inside: {said}\n{erred}");
    false
}
