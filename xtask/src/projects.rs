//! Made-up projects of a realistic size: about 2.3 KB of JSON each, with text that compresses as prose does.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

const WORDS: &str = "the a of to and in for with on is that it as by from at are this be or an not will can we must has was but \
when which after before each one two all no new old server client project build test deploy review release branch commit merge \
sync record store schema index query cache queue worker request reply header token login session account device folder file path \
script command setup cleanup migrate backup restore import export page cursor list table field value name status priority rank \
customer invoice payment order report chart search filter upload download image video message mail notification calendar event \
user team role permission policy audit log metric alert dashboard pipeline container image network proxy gateway queue topic \
fix add remove rename refactor document measure profile optimise simplify check verify handle retry timeout limit error warning \
slow fast small large empty broken missing stale current next last first final early late weekly daily manual automatic local remote \
because while until unless since where how why what who should could would might never always often sometimes again already still yet";

/// A generator whose output depends on its seed alone.
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// xorshift64*
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// `n` words, common ones more often.
    fn prose(&mut self, words: &[&str], n: usize) -> String {
        let mut text = Vec::with_capacity(n);
        for _ in 0..n {
            let reach = 1 + self.below(words.len());
            text.push(words[self.below(reach)]);
        }
        text.join(" ")
    }

    fn id(&mut self) -> String {
        const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        (0..8).map(|_| char::from(ALPHABET[self.below(ALPHABET.len())])).collect()
    }

    /// One project.
    pub fn project(&mut self) -> Value {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let name = format!("{}-{}-{}", self.pick(&words), self.pick(&words), self.below(100_000));
        let tasks: Vec<Value> = (1..=6).map(|n| self.task(&words, n)).collect();
        let day = 1 + self.below(28);
        json!({
            "id": self.id(),
            "name": name,
            "projectRoot": format!("/home/john/code/{name}"),
            "description": self.prose(&words, 90),
            "status": self.pick(&["planning", "building", "review", "launched", "on-hold", "archived"]),
            "priority": self.pick(&["low", "medium", "high"]),
            "rank": self.below(1000),
            "setupScript": "npm ci",
            "devScript": format!("npm run dev -- --port {}", 3000 + self.below(5000)),
            "cleanupScript": "rm -rf node_modules dist",
            "taskSource": "manual",
            "tags": [self.pick(&words), self.pick(&words)],
            "manualTasks": tasks,
            "mcpServers": {"context7": true, "playwright": self.below(2) == 0},
            "gitRepository": {"owner": "john", "repo": name, "url": format!("https://github.com/john/{name}.git"), "branch": "main"},
            "createdAt": format!("2026-01-{day:02}T10:30:00.000Z"),
            "updatedAt": format!("2026-02-{day:02}T17:05:00.000Z"),
        })
    }

    fn task(&mut self, words: &[&str], n: usize) -> Value {
        json!({
            "id": n,
            "title": self.prose(words, 6),
            "description": self.prose(words, 22),
            "status": self.pick(&["pending", "in-progress", "done"]),
            "priority": self.pick(&["low", "medium", "high"]),
            "dependencies": [],
            "subtasks": [],
        })
    }
}

/// Projects without end, the same ones for the same seed.
pub fn made_up(seed: u64) -> impl Iterator<Item = Value> {
    let mut generator = Generator::new(seed);
    std::iter::repeat_with(move || generator.project())
}

/// Writes an export file, one project after another: what this process holds at its peak, the kernel counts as the memory of the
/// programs that it starts, too.
pub fn write_export(file: &Path, projects: impl Iterator<Item = Value>) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    file.write_all(b"{\"version\":1,\"projects\":[")?;
    for (n, project) in projects.enumerate() {
        let comma = if n > 0 { "," } else { "" };
        write!(file, "{comma}{project}")?;
    }
    file.write_all(b"]}")?;
    file.flush()
}
