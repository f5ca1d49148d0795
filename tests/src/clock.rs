//! A command whose clock is wrong: `faketime`, which answers in the system's place when a program asks what time it is.

use std::process::Command;

/// Whether this machine has it. A run that calls itself a complete one (`CI=true`) has to.
pub fn is_there() -> bool {
    let asked = Command::new("faketime").args(["-f", "-10000d", "date", "+%Y"]).output();
    let works = asked.is_ok_and(|output| output.status.success() && output.stdout < b"2010".to_vec());
    let must = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(works || !must, "faketime is not there, and CI=true");
    if !works {
        println!("faketime is not there: not checked");
    }
    works
}

/// The same command with a clock that is so far off, such as `-2h`. How long something takes it measures rightly.
pub fn off_by(offset: &str, command: &Command) -> Command {
    let mut faked = Command::new("faketime");
    faked
        .args(["-m", "--exclude-monotonic", "-f", offset])
        .arg(command.get_program())
        .args(command.get_args());
    faked.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|folder| faked.current_dir(folder));
    faked
}
