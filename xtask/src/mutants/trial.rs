//! Building and testing one mutant.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::list::Mutant;
use super::workspace;
use crate::run::Error;
use crate::setup::{root, target_folder};

/// The tests of the parts that follow the rules. They take seconds; a mutant may make one endless.
const UNITS: [&str; 6] =
    ["store::", "seal::keys", "sync::session", "sync::merge", "sync::driver", "sync::ancestry"];
const UNITS_LIMIT: Duration = Duration::from_secs(60);
const SIMULATION: [&str; 1] = ["sync::simulation"];
/// For each random schedule: many times what one takes.
const SCHEDULE_LIMIT: Duration = Duration::from_millis(200);
/// How many schedules the engine must pass as it is, before anything is broken.
const SCHEDULES_UNBROKEN: u64 = 500;

/// What became of a mutant.
#[derive(Debug)]
pub enum Verdict {
    /// By this test, or in this way.
    Caught(String),
    Survived,
    /// The compiler's words.
    NotBuilt(String),
}

impl Verdict {
    /// Whether it is as it should be. A spare rule may be noticed or not.
    pub fn is_fine(&self, is_spare: bool) -> bool {
        match self {
            Self::Caught(_) => true,
            Self::Survived => is_spare,
            Self::NotBuilt(_) => false,
        }
    }

    pub fn told(&self, is_spare: bool) -> String {
        match self {
            Self::Caught(by) => by.clone(),
            Self::Survived if is_spare => "not noticed (spare)".to_owned(),
            Self::Survived => "NOT NOTICED".to_owned(),
            Self::NotBuilt(why) => format!("NOT BUILT\n{why}"),
        }
    }
}

/// A copy of the engine, and where it is built.
pub struct Trial {
    folder: PathBuf,
    target: PathBuf,
}

impl Trial {
    /// What others built in the workspace's own target folder need not be built again.
    pub fn prepare() -> Result<Self, Error> {
        let target = target_folder()?;
        let folder = target.join("mutants");
        workspace::copy_to(&folder)?;
        Ok(Self { folder, target })
    }

    /// The engine as it is.
    pub fn unbroken(&self) -> Result<Verdict, Error> {
        self.test(SCHEDULES_UNBROKEN)
    }

    /// The engine with one rule broken. Afterwards the copy is whole again.
    pub fn of(&self, mutant: &Mutant, schedules: u64) -> Result<Verdict, Error> {
        let whole = fs::read_to_string(root().join(&mutant.file))?;
        let broken = mutant.applied_to(&whole).ok_or("the source changed meanwhile")?;
        let file = self.folder.join(&mutant.file);
        workspace::write(&file, broken.as_bytes())?;
        let verdict = self.test(schedules);
        workspace::write(&file, whole.as_bytes())?;
        verdict
    }

    fn test(&self, schedules: u64) -> Result<Verdict, Error> {
        let program = match self.build()? {
            Ok(program) => program,
            Err(why) => return Ok(Verdict::NotBuilt(why)),
        };
        if let Some(by) = self.fails(&program, &UNITS, schedules, UNITS_LIMIT)? {
            return Ok(Verdict::Caught(by));
        }
        let limit = UNITS_LIMIT + SCHEDULE_LIMIT.saturating_mul(u32::try_from(schedules).unwrap_or(u32::MAX));
        let failed = self.fails(&program, &SIMULATION, schedules, limit)?;
        Ok(failed.map_or(Verdict::Survived, Verdict::Caught))
    }

    /// The program of the unit tests, or what the compiler says.
    fn build(&self) -> Result<Result<PathBuf, String>, Error> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "-p", "orkee-core", "--features", "sync", "--lib", "--no-run"]);
        cargo.args(["--message-format", "json-render-diagnostics"]);
        cargo.current_dir(&self.folder).env("CARGO_TARGET_DIR", &self.target);
        let output = cargo.output()?;
        if !output.status.success() {
            return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let program = String::from_utf8_lossy(&output.stdout).lines().find_map(executable);
        Ok(Ok(program.ok_or("cargo built no test program")?))
    }

    /// The first test that fails, or that time ran out. None: all passed.
    fn fails(
        &self,
        program: &Path,
        tests: &[&str],
        schedules: u64,
        limit: Duration,
    ) -> Result<Option<String>, Error> {
        let log = self.folder.join("output.txt");
        let output = fs::File::create(&log)?;
        let mut child = Command::new(program)
            .args(tests)
            .current_dir(self.folder.join("core"))
            .env("ORKEE_SIM_SCHEDULES", schedules.to_string())
            // The same cases each time: those that the unbroken engine passed.
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        let end = Instant::now() + limit;
        let status = loop {
            match child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
                None => {
                    child.kill()?;
                    child.wait()?;
                    return Ok(Some("it does not end".to_owned()));
                }
            }
        };
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        Ok((!status.success()).then(|| reason(&said, &status.to_string())))
    }
}

/// The test program that one line of cargo's messages names.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}

/// What failed: a seed, else the first test.
fn reason(said: &str, status: &str) -> String {
    let seed = said.lines().find_map(|line| line.strip_prefix("seed ")?.split(':').next());
    let test = said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    match (seed, test) {
        (Some(seed), _) => format!("seed {seed}"),
        (None, Some(test)) => test.to_owned(),
        (None, None) => status.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_named_by_its_seed_or_else_by_the_first_test() {
        let said = "test a::b ... ok\ntest a::c ... FAILED\ntest a::d ... FAILED\n";
        assert_eq!(reason(said, "exit status: 101"), "a::c");
        let said = format!("{said}seed 17: replay with …\n");
        assert_eq!(reason(&said, "exit status: 101"), "seed 17");
        assert_eq!(reason("", "signal: 6"), "signal: 6");
    }

    #[test]
    fn a_rule_that_nobody_misses_is_wrong_unless_it_is_spare() {
        let caught = Verdict::Caught("a::c".to_owned());
        let not_built = Verdict::NotBuilt("error".to_owned());
        let fine = |verdict: &Verdict| [false, true].map(|is_spare| verdict.is_fine(is_spare));
        assert_eq!(
            [fine(&caught), fine(&Verdict::Survived), fine(&not_built)],
            [[true, true], [false, true], [false, false]]
        );
    }
}
