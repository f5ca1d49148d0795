//! What a sync frees is wanted again at once: each page and each parcel takes some megabytes for a moment. glibc would hand those back to
//! the system each time, which makes every page of memory anew and zeroes it.

use std::hint::black_box;

/// More than a page or a parcel takes, in all its forms.
const AMPLE: usize = 16 << 20;

/// From here on freed memory of that size stays with the process. glibc goes by the largest block that was ever freed: so much, it takes
/// it, is wanted again (`M_MMAP_THRESHOLD` in `mallopt(3)`). This one is never touched, and so takes nothing. Other allocators keep what
/// they like.
pub(super) fn keep_what_is_freed() {
    drop(black_box(Vec::<u8>::with_capacity(AMPLE)));
}
