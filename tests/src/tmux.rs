//! A command on a terminal that can be looked at: tmux keeps the screen, and tells what is on it at any moment.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Long enough for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A terminal with a shell that runs one command, and then says how that ended.
pub struct Tmux {
    folder: tempfile::TempDir,
    environment: Command,
}

impl Tmux {
    /// Starts a command on a terminal of this size; none where tmux is not installed. A run that calls itself a complete one (`CI=true`)
    /// has to have it.
    pub fn open(command: &Command, columns: u16, lines: u16) -> Option<Self> {
        let works = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
        let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(works || !must, "tmux is not there, and CI=true");
        if !works {
            println!("tmux is not there: not checked");
            return None;
        }
        let mut environment = Command::new("tmux");
        environment.env_clear();
        for (name, value) in command.get_envs() {
            environment.envs(value.map(|value| (name, value)));
        }
        if let Some(folder) = command.get_current_dir() {
            environment.current_dir(folder);
        }
        let tmux = Self { folder: tempfile::tempdir().unwrap(), environment };
        // What the shell says last stays to be seen.
        let script = r#""$@"; echo "ended with $?"; stty -a | grep -o -- '-\?icanon'; exec sleep 1000"#;
        let size = [columns.to_string(), lines.to_string()];
        let mut words =
            vec!["new-session", "-d", "-x", &size[0], "-y", &size[1], "--", "bash", "-c", script, "bash"];
        let named: Vec<String> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| word.to_str().unwrap().to_owned())
            .collect();
        words.extend(named.iter().map(String::as_str));
        tmux.ask(&words);
        Some(tmux)
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        for (name, value) in self.environment.get_envs() {
            command.envs(value.map(|value| (name, value)));
        }
        if let Some(folder) = self.environment.get_current_dir() {
            command.current_dir(folder);
        }
        let socket = self.folder.path().join("socket");
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(socket).args(words);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {words:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Presses keys, by tmux's names for them: `j`, `Enter`, `C-c`.
    pub fn press(&self, keys: &[&str]) {
        self.ask(&[&["send-keys"], keys].concat());
    }

    /// Types a text.
    pub fn write(&self, text: &str) {
        self.ask(&["send-keys", "-l", text]);
    }

    /// What is on the screen now.
    pub fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// The same, with the sequences for colours and the like.
    pub fn painted(&self) -> String {
        self.ask(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the screen is so, twice in a row: a screen that is still being drawn is none. What is on it then.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        let mut before = None;
        loop {
            let screen = self.screen();
            let is_so = is(&screen);
            if is_so && before.as_ref() == Some(&screen) {
                return screen;
            }
            assert!(start.elapsed() < DEADLINE, "gave up waiting for {what}:\n{screen}");
            before = is_so.then_some(screen);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this is on the screen; all that is on it then.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) {
        self.ask(&["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]);
    }

    /// Whether the command has the terminal's other screen.
    pub fn is_on_alternate_screen(&self) -> bool {
        self.ask(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// Whether the cursor is seen.
    pub fn shows_cursor(&self) -> bool {
        self.ask(&["display-message", "-p", "#{cursor_flag}"]).trim() == "1"
    }

    /// Sends the command a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Processes that the command started and that are there, be it only as ones that ended.
    pub fn children(&self) -> String {
        let pid = self.pid().as_raw_nonzero();
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap()
    }

    /// The command.
    fn pid(&self) -> Pid {
        let shell = self.ask(&["display-message", "-p", "#{pane_pid}"]);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let children = std::fs::read_to_string(children).unwrap();
        let child = children.split_whitespace().next().and_then(|pid| pid.parse().ok()).unwrap();
        Pid::from_raw(child).unwrap()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}
