//! Whether there is room for what Orkee writes.

use super::check::Check;
use crate::context::Context;
use crate::failure::Failure;

const NAME: &str = "disk";
/// With less, the next large sync or import may not fit.
const LITTLE: u64 = 100 << 20;
/// With less, not even what is small is sure to fit.
const TOO_LITTLE: u64 = 5 << 20;

/// Asks the file system of the home folder.
pub(super) fn examine(cx: &Context) -> Result<Check, Failure> {
    let root = cx.home()?.root();
    let space = match rustix::fs::statvfs(root) {
        Ok(space) => space,
        Err(error) => {
            let error = std::io::Error::from(error);
            return Ok(Check::warning(NAME, format!("the free space of the disk is unknown: {error}")));
        }
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let hint = || format!("make room on the disk of {}", root.display());
    // A file system that counts no files says 0 of 0.
    if space.f_files > 0 && space.f_favail == 0 {
        return Ok(Check::failed(NAME, "the disk takes no more files (no free inodes)").hint(hint()));
    }
    let told = size(free);
    Ok(match free {
        ..TOO_LITTLE => Check::failed(NAME, format!("the disk is as good as full: {told} free")).hint(hint()),
        TOO_LITTLE..LITTLE => {
            Check::warning(NAME, format!("the disk has little room left: {told} free")).hint(hint())
        }
        _ => Check::ok(NAME, format!("The disk has room: {told} free")),
    })
}

/// A size as people write it.
pub(super) fn size(bytes: u64) -> String {
    let unit = |shift: u32| bytes as f64 / (1_u64 << shift) as f64;
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.0} KB", unit(10)),
        0x10_0000..0x4000_0000 => format!("{:.0} MB", unit(20)),
        _ => format!("{:.1} GB", unit(30)),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_told_in_the_unit_that_fits() {
        let told = [0, 1023, 1024, 5 << 20, (1 << 30) - 1, 3 << 29].map(size);
        assert_eq!(told, ["0 B", "1023 B", "1 KB", "5 MB", "1024 MB", "1.5 GB"]);
    }
}
