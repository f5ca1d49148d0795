//! `orkee audit verify`

use orkee_core::diagnostic::Kind;
use orkee_core::store::VerifiedTrail;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{CommandResult, Exit};
use crate::output::{Paint, text};

/// Look whether the audit trail is as it was written
///
/// Each row carries a hash of itself and of the row before it, and the newest hash stands beside the rows: a row that was changed, taken
/// out or put in breaks the chain. It looks at the rows of every tenant. Somebody who may write the database could take the newest rows
/// away and set that hash back, or make the whole chain anew: only a hash that you wrote down elsewhere shows that, with --hash.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orkee audit verify
  orkee audit verify --hash 5f0c…   look whether a hash that was written down is still one of a row
  orkee audit verify --json")]
pub(crate) struct Verify {
    /// A hash that this command printed earlier: it has to be one of a row's still, so that nothing up to it was taken away
    #[arg(long, value_name = "HASH", value_parser = hash)]
    hash: Option<[u8; 32]>,
}

/// 64 hexadecimal digits.
fn hash(text: &str) -> Result<[u8; 32], String> {
    let wrong = || "write all 64 digits, as `orkee audit verify` prints them".to_owned();
    let mut hash = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    for (n, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}

#[derive(Serialize)]
struct Document<'a> {
    intact: bool,
    /// Whether the hash that was given is one of a row's; null: none was given.
    hash_found: Option<bool>,
    trails: Vec<TrailView<'a>>,
}

#[derive(Serialize)]
struct TrailView<'a> {
    tenant: Option<&'a str>,
    rows: u64,
    newest: Option<u64>,
    hash: Option<&'a str>,
    problems: Vec<String>,
}

impl<'a> TrailView<'a> {
    fn of(trail: &'a VerifiedTrail) -> Self {
        Self {
            tenant: Some(trail.tenant.as_str()).filter(|tenant| !tenant.is_empty()),
            rows: trail.rows,
            newest: trail.newest,
            hash: trail.hash.as_deref(),
            problems: trail.problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Verify {
    pub(crate) fn run(self, cx: &Context) -> CommandResult {
        let store = cx.store()?;
        let trails = store.verify_audit()?;
        let is_known = self.hash.map(|hash| store.has_audit_hash(&hash)).transpose()?;
        let intact = is_known != Some(false) && trails.iter().all(|trail| trail.problems.is_empty());
        let exit = if intact { Exit::DONE } else { Kind::Failed.into() };
        if cx.out.is_json() {
            cx.out.document(&Document {
                intact,
                hash_found: is_known,
                trails: trails.iter().map(TrailView::of).collect(),
            })?;
            return Ok(exit);
        }
        if trails.is_empty() {
            cx.out.note("The audit trail has no rows yet.");
        }
        for trail in &trails {
            let whose = match trail.tenant.as_str() {
                "" => "Your own rows".to_owned(),
                tenant => format!("The rows of the tenant {}", text::line(tenant)),
            };
            for problem in &trail.problems {
                cx.out.line(format_args!("{} {whose}: {problem}", cx.out.mark(false)))?;
            }
            if trail.problems.is_empty() {
                let newest = trail.newest.unwrap_or_default();
                let hash = trail.hash.as_deref().unwrap_or_default();
                let end = cx.out.paint(Paint::Dim, &format!("row {newest} is {hash}"));
                cx.out.done(format_args!("{whose} are as they were written: {}  {end}", trail.rows))?;
            }
        }
        match is_known {
            Some(true) => cx.out.done("The hash that was written down is one of a row's")?,
            Some(false) => {
                let no = cx.out.mark(false);
                // The oldest rows go when there are too many.
                let is_trimmed = |trail: &VerifiedTrail| trail.newest.is_some_and(|n| n > trail.rows);
                let or = match trails.iter().any(is_trimmed) {
                    true => ", or it is of a row that is older than those that are kept",
                    false => "",
                };
                cx.out.line(format_args!(
                    "{no} No row has the hash that was written down: rows were taken away, or made anew{or}"
                ))?;
            }
            None => {}
        }
        if !intact {
            cx.out.note(
                "hint: what is left is kept; compare it with a backup of orkee.db, or with the server's log",
            );
        }
        Ok(exit)
    }
}
