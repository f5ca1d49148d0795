//! What a sync frees is wanted again at once: each page and each parcel takes some megabytes for a moment. glibc would hand those back to
//! the system each time, which makes every page of memory anew and zeroes it; so it keeps them until the sync is over.

/// Freed memory is kept as long as this lives.
pub(super) struct Kept(());

impl Kept {
    pub(super) fn begin() -> Self {
        glibc::keep(AMPLE);
        Self(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        glibc::keep(USUAL);
        glibc::give_back();
    }
}

/// More than a page or a parcel takes, in all its forms.
const AMPLE: i32 = 16 << 20;
/// What glibc has where nobody says anything.
const USUAL: i32 = 128 << 10;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "the allocator's own interface, which no crate in use offers")]
mod glibc {
    use std::ffi::c_int;

    // Of `malloc.h`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_THRESHOLD: c_int = -3;

    // SAFETY: the signatures are those of `mallopt(3)` and `malloc_trim(3)`, which take numbers, and the allocator's lock.
    unsafe extern "C" {
        safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        safe fn malloc_trim(pad: usize) -> c_int;
    }

    /// Bytes that may lie free at the heap's end, and from how many on memory is not the heap's at all.
    pub(super) fn keep(bytes: c_int) {
        mallopt(M_TRIM_THRESHOLD, bytes);
        mallopt(M_MMAP_THRESHOLD, bytes);
    }

    pub(super) fn give_back() {
        malloc_trim(0);
    }
}

/// Other allocators keep what they like.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod glibc {
    pub(super) fn keep(_: i32) {}

    pub(super) fn give_back() {}
}
