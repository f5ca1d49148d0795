//! What killed processes did not finish writing.

use orkee_core::file;

use super::Asked;
use super::check::{Check, FIX};
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "leftovers";

/// Looks into the folders that files are written in; with `fix`, removes what is left there. Nothing is said where nothing is.
pub(super) fn examine(cx: &Context, asked: Asked) -> Result<Option<Check>, Failure> {
    let home = cx.home()?;
    let run = home.root().join("run");
    let folders = [
        home.root().to_owned(),
        home.keys(),
        home.plugins(),
        home.plugins().join("components"),
        home.cache(),
        run,
    ];
    let files = |count: usize| if count == 1 { "file" } else { "files" };
    if asked.fix {
        let removed: usize = folders.iter().map(|folder| file::remove_leftovers(folder).len()).sum();
        let message = format!("removed: {removed} {} that a killed process left unfinished", files(removed));
        return Ok((removed > 0).then(|| Check::mended(NAME, message)));
    }
    let left: Vec<_> = folders.iter().flat_map(|folder| file::leftovers(folder)).collect();
    let Some(first) = left.first() else { return Ok(None) };
    let message = format!(
        "{} {} that a killed process left unfinished: {}",
        left.len(),
        files(left.len()),
        first.display()
    );
    Ok(Some(Check::warning(NAME, message).fixable(format!("run `{FIX}`, which removes them"))))
}
