//! Replies and requests that are lost on the way, or come twice.

use super::trouble::{Trouble, endure};
use crate::bench::Bench;
use crate::finding::Finding;
use crate::proxy::{Way, Which};

pub(super) async fn reply(bench: &Bench<'_>) -> Finding {
    endure(bench, &Trouble::passing(Way::LoseReply)).await
}

pub(super) async fn request(bench: &Bench<'_>) -> Finding {
    endure(bench, &Trouble::passing(Way::Reset)).await
}

pub(super) async fn repeated(bench: &Bench<'_>) -> Finding {
    for which in [Which::First, Which::Second] {
        endure(bench, &Trouble::passing(Way::Twice(which))).await?;
    }
    Ok(())
}
