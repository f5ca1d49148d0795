//! Every command in surroundings that nobody wishes for.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orkee_tests::home::{Home, Ran};
use orkee_tests::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::grammar;

/// What a command may end with.
const CODES: [i32; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 130];
/// A command that still runs after this goes on until it is told to end.
const GOES_ON: Duration = Duration::from_secs(5);
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// A device with a little on it, far from every network.
fn device() -> Home {
    let mut home = Home::new();
    home.add("shop");
    home.set("ORKEE_CLOUD_API_URL", "http://127.0.0.1:9")
        .set("BROWSER", "false")
        .set("ORKEE_WEBHOOK_DRAIN", "off");
    home
}

/// Does this with each command, two at a time.
fn with_each(look: impl Fn(&grammar::Command) + Sync) {
    let commands = grammar::that_act();
    assert!(commands.len() > 50);
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
            let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(command)));
            if looked.is_err() {
                failed.lock().unwrap().push(command.name().to_owned());
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Runs it to its end; what goes on is interrupted, and then has to end.
fn end(mut command: Command) -> Ran {
    let shown = format!("{command:?}");
    // Ctrl-C reaches everything that a shell started.
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let all = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            bytes
        })
    };
    let stdout = all(Box::new(child.stdout.take().unwrap()));
    let stderr = all(Box::new(child.stderr.take().unwrap()));
    let goes_on = !ends(&mut child, GOES_ON);
    if goes_on {
        let _ = kill_process_group(Pid::from_child(&child), Signal::INT);
        if !ends(&mut child, ENDS_WITHIN) {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            panic!("it does not end: {shown}");
        }
    }
    let mut status = child.wait().unwrap();
    if goes_on && status.signal() == Some(2) {
        // As a shell tells it.
        status = ExitStatus::from_raw(130 << 8);
    }
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    Ran::of(shown, &Output { status, stdout, stderr })
}

fn ends(child: &mut Child, within: Duration) -> bool {
    let until = Instant::now() + within;
    while Instant::now() < until {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Nothing of a program's inside shows, and the code is one that is documented.
#[track_caller]
fn is_sound(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{ran}");
        assert!(!text.contains('\u{1b}'), "escape codes in a pipe: {ran}");
    }
    let code = ran.code.unwrap_or_else(|| panic!("a signal ended it: {ran}"));
    assert!(CODES.contains(&code), "{ran}");
    if code != 0 {
        assert!(!ran.stderr.is_empty() || !ran.stdout.is_empty(), "it failed without a word: {ran}");
    }
}

#[test]
fn s19_s14_s04_every_command_ends_by_itself_without_input_with_a_code_that_is_documented() {
    let home = device();
    with_each(|command| {
        let ran = end(home.command(command.typed()));
        is_sound(&ran);
        // A failure that is not one of the command's own answers is an error as every other.
        if ran.code == Some(2) || ran.code == Some(4) {
            let error = ran.stderr.contains("error[E-") && ran.stderr.contains("\nhint: ");
            let answered = !ran.stdout.is_empty();
            assert!(error || answered, "{ran}");
        }
    });
}

#[test]
fn s07_c20_c21_json_of_every_command_is_objects_with_a_schema_version_and_nothing_else() {
    let home = device();
    with_each(|command| {
        let mut typed = command.typed();
        typed.push("--json".to_owned());
        let ran = end(home.command(&typed));
        is_sound(&ran);
        assert!(!ran.stdout.is_empty(), "nothing on standard output: {ran}");
        for line in ran.stdout.lines() {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ran}"));
            // An export is a file of its own form.
            let is_export = command.name() == "orkee projects export" && object["version"] == 1;
            assert!(object["schema_version"] == 1 || is_export, "{ran}");
            if let Some(error) = object.get("error") {
                for key in ["code", "message", "causes", "hint", "request_id"] {
                    assert!(error.get(key).is_some(), "{key}: {ran}");
                }
            }
        }
    });
}

#[test]
fn s19_every_command_survives_a_full_disk_a_closed_stdout_and_a_reader_that_goes_away() {
    let home = device();
    with_each(|command| {
        let plain = end(home.command(command.typed()));
        let full = end(in_shell(&home, command, "exec \"$ORKEE\" \"$@\" > /dev/full"));
        is_sound(&full);
        if !plain.stdout.is_empty() && plain.code == Some(0) {
            assert!(full.code != Some(0), "{full}");
            assert!(full.code != Some(1) || full.stderr.contains("E-CLI-005"), "{full}");
        }
        is_sound(&end(in_shell(&home, command, "exec \"$ORKEE\" \"$@\" >&-")));
        let read = end(in_shell(&home, command, "set -o pipefail; \"$ORKEE\" \"$@\" | head -1"));
        is_sound(&read);
        assert!(!read.stderr.contains("Broken pipe") && !read.stderr.contains("E-CLI-005"), "{read}");
    });
}

fn in_shell(home: &Home, command: &grammar::Command, line: &str) -> Command {
    let mut shell = home.shell(line);
    shell.arg("bash").args(command.typed());
    shell
}

#[test]
fn s19_s05_every_command_works_on_a_dumb_terminal_of_twenty_columns_without_utf_8() {
    let home = device();
    with_each(|command| {
        let mut orkee = home.command(command.typed());
        orkee.args(["--no-input"]).env("TERM", "dumb").env("LC_ALL", "C");
        let mut terminal = Terminal::open(orkee, 20);
        if !ends(&mut terminal.child, GOES_ON) {
            terminal.interrupt();
        }
        let (status, seen) = terminal.finish();
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        assert!(code.is_some_and(|code| CODES.contains(&code)), "{}: {status}: {seen}", command.name());
        assert!(!seen.contains("panicked") && !seen.contains('\u{1b}'), "{}: {seen}", command.name());
        if command.name() == "orkee config list" {
            let wide: Vec<&str> = seen.lines().filter(|line| line.trim_end().chars().count() > 20).collect();
            assert!(
                seen.contains("cloud.sync_interval\r\n  300\r\n") && wide.is_empty(),
                "{wide:#?} of {seen}"
            );
        }
    });
}

#[test]
fn s05_each_stream_is_coloured_by_itself() {
    let home = device();
    let mut command = home.shell("\"$ORKEE\" projects show shpo | cat");
    command.env("TERM", "xterm");
    let (_, seen) = Terminal::open(command, 80).finish();
    assert!(seen.contains('\u{1b}'), "standard error is a terminal: {seen}");
    let mut command = home.shell("\"$ORKEE\" projects show shop 2>/dev/null | cat");
    command.env("TERM", "xterm");
    let (_, seen) = Terminal::open(command, 80).finish();
    assert!(!seen.contains('\u{1b}'), "standard output is a pipe: {seen}");
    // Where the parser of arguments answers by itself, too.
    for (line, is_coloured) in [
        ("--color=always --help", true),
        ("projects list --help --color always", true),
        ("--color always --nope", true),
        ("--color=never --color=always projects --nope", true),
        ("--help", false),
        ("--color never --help", false),
        ("--color=always --help --color never", false),
    ] {
        let mut command = home.shell(&format!("\"$ORKEE\" {line} 2>&1"));
        if line.contains("never") && !is_coloured {
            command.env("CLICOLOR_FORCE", "1");
        }
        let told = orkee_tests::home::finish(command, &[]);
        assert_eq!(told.stdout.contains('\u{1b}'), is_coloured, "{told}");
    }
}
