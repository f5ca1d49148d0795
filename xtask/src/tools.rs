//! Programs that tests look over a command's shoulder with, and the servers that they speak to. None of them is needed: where one is not
//! there, what it is for is not checked, and that is told.

use std::process::Command;

use crate::run;

struct Tool {
    /// Debian's package; none where that is on every machine.
    package: Option<&'static str>,
    program: &'static str,
    /// Ends well where the program is there and may do its work.
    works: &'static [&'static str],
    /// What is not checked otherwise.
    checks: &'static str,
}

const fn tool(
    package: &'static str,
    program: &'static str,
    works: &'static [&'static str],
    checks: &'static str,
) -> Tool {
    Tool { package: Some(package), program, works, checks }
}

/// apache2-bin and tinyproxy-bin are the servers without a service that would be started, and without the system's configuration.
const TOOLS: [Tool; 17] = [
    tool(
        "strace",
        "strace",
        &["-o", "/dev/null", "true"],
        "a50: the modes with which files are created; c90a, c90b: crash points, what is on disk before what",
    ),
    Tool {
        package: None,
        program: "unshare",
        works: &["-rmn", "true"],
        checks: "b10, b13: a folder that is read-only, a disk that is full; d80, c92: what the guide says can be typed; addresses of webhooks",
    },
    tool("faketime", "faketime", &["--version"], "a41: clocks that are two hours off"),
    tool("iproute2", "ip", &["-V"], "d80, c92: what the guide says can be typed; addresses of webhooks"),
    tool("jq", "jq", &["--version"], "d80: what the guide says can be typed"),
    tool(
        "tinyproxy-bin",
        "tinyproxy",
        &["-v"],
        "a31: sign-ins through a proxy; d80, c92: what the guide says can be typed",
    ),
    tool(
        "apache2-bin",
        "/usr/sbin/apache2",
        &["-v"],
        "sync through WebDAV: the provider `webdav` with a real server",
    ),
    tool("rclone", "rclone", &["version"], "that a WebDAV server which ignores conditions is refused"),
    tool(
        "chromium",
        "/usr/bin/chromium",
        &["--version"],
        "signin_pages: how the pages look, whether everybody can use them",
    ),
    tool("dbus-daemon", "dbus-daemon", &["--version"], "signin_keyring: sign-ins in a keyring"),
    tool("gnome-keyring", "gnome-keyring-daemon", &["--version"], "signin_keyring: sign-ins in a keyring"),
    tool("webhook", "webhook", &["-version"], "that a receiver which others have written takes a delivery"),
    tool("tmux", "tmux", &["-V"], "ui: the whole screen in a terminal that others have written"),
    tool("zsh", "zsh", &["--version"], "surface: words for zsh"),
    tool("fish", "fish", &["--version"], "surface: words for fish"),
    tool("groff", "groff", &["--version"], "surface: how manual pages look"),
    tool("man-db", "man", &["--version"], "surface: that `man` finds its pages"),
];

impl Tool {
    fn works(&self) -> bool {
        run::quietly(Command::new(self.program).args(self.works)).is_ok()
    }
}

/// Installs what is missing, where Debian's package manager can do it at once.
pub fn install() {
    let mut missing: Vec<&str> =
        TOOLS.iter().filter(|tool| !tool.works()).filter_map(|tool| tool.package).collect();
    let apt = |args: &[&str]| {
        run::quietly(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive")).is_ok()
    };
    let install = |package: &str| apt(&["install", "--yes", "--no-install-recommends", package]);
    missing.retain(|package| !install(package));
    // The lists of packages may be missing, or old.
    if !missing.is_empty() && apt(&["update"]) {
        missing.retain(|package| !install(package));
    }
}

/// Tells what was not checked, since this machine lacks what it takes.
pub fn tell_what_was_not_checked() {
    for Tool { package, program, checks, .. } in TOOLS.iter().filter(|tool| !tool.works()) {
        let package = package.map_or_else(String::new, |package| format!(" (Debian: {package})"));
        println!("{program}{package} is not there or not allowed; not checked: {checks}");
    }
}
