//! Whether the compiled components in the cache are what this program wrote. They may all be deleted at any time.

use std::fs;
use std::path::PathBuf;

use orkee_core::plugin::{CacheReport, examine_cache};

use super::Asked;
use super::check::{Check, FIX};
use super::disk::size;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "cache";

/// Reads each compiled component; with `fix`, removes those that would never be run.
pub(super) fn examine(cx: &Context, asked: Asked) -> Result<Vec<Check>, Failure> {
    let folder = cx.home()?.cache();
    let report = match examine_cache(&folder) {
        Ok(None) => return Ok(vec![Check::ok(NAME, "Nothing is compiled yet")]),
        Ok(Some(report)) => report,
        Err(why) => {
            let message = format!("compiled code is not kept in {}: {why}", folder.display());
            let hint =
                "make it a folder of your own, mode 700, or delete it; without it each command compiles anew";
            return Ok(vec![Check::warning(NAME, message).hint(hint.to_owned())]);
        }
    };
    let CacheReport { usable, bytes, refused, foreign } = report;
    let mut checks: Vec<Check> = refused.into_iter().map(|(path, why)| told(path, &why, asked)).collect();
    if !foreign.is_empty() {
        let names: Vec<_> = foreign.iter().filter_map(|path| path.file_name()?.to_str()).take(5).collect();
        let message = format!("files that are not Orkee's are in {}: {}", folder.display(), names.join(", "));
        checks.push(Check::warning(NAME, message).hint("move them away, if you need them".to_owned()));
    }
    if checks.is_empty() {
        let message = format!("The compiled components are as they were written: {usable} ({})", size(bytes));
        checks.push(Check::ok(NAME, message));
    }
    Ok(checks)
}

fn told(path: PathBuf, why: &str, asked: Asked) -> Check {
    let shown = path.display();
    if !asked.fix {
        return Check::warning(NAME, format!("compiled code that is never run: {shown}: {why}"))
            .fixable(format!("run `{FIX}`, which removes it; it is compiled anew when it is needed"));
    }
    match fs::remove_file(&path) {
        Ok(()) => Check::mended(NAME, format!("{shown} is removed: {why}")),
        Err(error) => Check::warning(NAME, format!("{shown} cannot be removed: {error}")),
    }
}
