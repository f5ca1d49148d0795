//! A command on a terminal of its own, and the person at it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

/// Long enough for a loaded machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A terminal with one command on it.
pub struct Terminal {
    /// The command.
    pub child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Starts a command on a terminal of this width.
    pub fn open(mut command: Command, columns: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop((command, slave));
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose last user went away answers with an error.
            while let Ok(read) = screen.read(&mut buffer)
                && read > 0
                && sender.send(buffer[..read].to_vec()).is_ok()
            {}
        });
        Self { child, keyboard, screen: receiver, seen: String::new() }
    }

    /// Waits until this is on the screen; everything that was there so far.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) -> &str {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{text:?} was not shown: {}", self.seen),
            }
        }
        &self.seen
    }

    /// Waits until this is on the screen; whether it comes before the command ends.
    pub fn asks(&mut self, text: &str) -> bool {
        let deadline = Instant::now() + DEADLINE;
        while !self.seen.contains(text) {
            match self.screen.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() > deadline => return false,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        true
    }

    /// Waits until this is on the screen, and answers.
    #[track_caller]
    pub fn answer(&mut self, question: &str, answer: &str) {
        self.wait_for(question);
        self.keyboard.write_all(answer.as_bytes()).unwrap();
    }

    /// Whether what is typed is shown, and the like.
    pub fn modes(&self) -> String {
        format!("{:?}", tcgetattr(&self.keyboard).unwrap())
    }

    /// Whether the command has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Takes the terminal away from the command.
    pub fn close(self) -> Child {
        let Self { child, mut keyboard, screen, .. } = self;
        // The thread that reads has a copy, and lets go of it when there is something to read that nobody wants.
        drop(screen);
        keyboard.write_all(b"?").unwrap();
        child
    }

    /// Ctrl-C, as far as the command is concerned.
    pub fn interrupt(&self) {
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Waits for the end; everything that was on the screen.
    pub fn finish(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_secs(5)) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (status, self.seen)
    }
}
