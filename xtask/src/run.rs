//! Running other programs: loudly, quietly, or measured.

use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// What a task fails with: a sentence for the terminal.
pub type Error = Box<dyn std::error::Error>;

/// Runs `command`, showing its output, and fails unless it succeeds.
pub fn loudly(command: &mut Command) -> Result<(), Error> {
    eprintln!("+ {}", shown(command));
    let status = command.status().map_err(|e| format!("{}: {e}", shown(command)))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} failed: {status}", shown(command)).into()),
    }
}

/// Runs `command` without showing anything; its output in the error when it fails.
pub fn quietly(command: &mut Command) -> Result<String, Error> {
    let output = command.output().map_err(|e| format!("{}: {e}", shown(command)))?;
    if !output.status.success() {
        return Err(failed(command, &output).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Like [`quietly`], with `input` on stdin.
pub fn with_input(command: &mut Command, input: &str) -> Result<String, Error> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(failed(command, &output).into()),
    }
}

fn failed(command: &Command, output: &Output) -> String {
    format!(
        "{} failed: {}\n{}{}",
        shown(command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The command line, as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// What one run of a program cost.
#[derive(Debug, Clone)]
pub struct Cost {
    pub status: ExitStatus,
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// Peak resident set, in bytes.
    pub rss: u64,
    pub stdout: String,
}

/// Runs `command` and reads its cost from the kernel's own accounting.
pub fn measured(command: &mut Command) -> Result<Cost, Error> {
    let start = Instant::now();
    let mut child = apart(command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let stdout = read(&mut child)?;
    cost(&child, start, stdout)
}

/// The same, with a look at the running process every few milliseconds.
pub fn watched(command: &mut Command, mut look: impl FnMut(u32)) -> Result<Cost, Error> {
    let start = Instant::now();
    let mut child = apart(command).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let process = child.id();
    let stdout = std::thread::scope(|scope| {
        let reading = scope.spawn(|| read(&mut child).map_err(|error| error.to_string()));
        while !reading.is_finished() {
            look(process);
            std::thread::sleep(Duration::from_millis(5));
        }
        reading.join().unwrap_or_else(|_| Err("nobody read what it said".to_owned()))
    })?;
    cost(&child, start, stdout)
}

/// Has `command` forked off. Otherwise it would begin in this process's memory, and the kernel would count the peak of that as its own.
fn apart(command: &mut Command) -> &mut Command {
    // SAFETY: nothing is done between fork and exec.
    unsafe { command.pre_exec(|| Ok(())) }
}

fn read(child: &mut Child) -> Result<String, Error> {
    let mut stdout = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        std::io::Read::read_to_string(&mut pipe, &mut stdout)?;
    }
    Ok(stdout)
}

fn cost(child: &Child, start: Instant, stdout: String) -> Result<Cost, Error> {
    let (status, usage) = wait4(child.id())?;
    let wall = start.elapsed();
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    Ok(Cost {
        status,
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        rss: usage.ru_maxrss as u64 * 1024,
        stdout,
    })
}

/// User and system time of a running process so far, in the kernel's ticks of 10 ms.
pub fn cpu_of(pid: u32) -> Result<Duration, Error> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |n: usize| fields.get(n).and_then(|ticks| ticks.parse::<u64>().ok());
    // SAFETY: sysconf only reads a number.
    let per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) })?;
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok(Duration::from_millis((user + system) * 1000 / per_second)),
        _ => Err(format!("the times of process {pid} cannot be read: {stat}").into()),
    }
}

/// The times that a program's log tells as `NAME=MICROSECONDS`.
pub fn logged<'a>(log: &'a str, name: &'a str) -> impl Iterator<Item = Duration> + 'a {
    log.split(name).skip(1).filter_map(|rest| {
        let digits = rest.strip_prefix('=')?;
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        digits[..end].parse().ok().map(Duration::from_micros)
    })
}

fn wait4(pid: u32) -> Result<(ExitStatus, libc::rusage), Error> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to memory of the right type that outlives the call; a zeroed rusage is valid.
    let (reaped, usage) = unsafe {
        let reaped = libc::wait4(pid as libc::pid_t, &mut status, 0, usage.as_mut_ptr());
        (reaped, usage.assume_init())
    };
    match reaped {
        -1 => Err(std::io::Error::last_os_error().into()),
        _ => Ok((ExitStatus::from_raw(status), usage)),
    }
}
