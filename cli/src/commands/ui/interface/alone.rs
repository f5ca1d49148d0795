//! The loop in a build without the cloud: nothing of it happens.
#![allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as in the build with the cloud")]

use std::io;

use orkee_core::store::Conflict;

use super::Interface;

impl Interface<'_> {
    pub(super) fn look_at_cloud(&mut self) {}

    pub(super) fn write(&mut self, _: &Conflict) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn sync(&mut self) {}
}
