//! Words that earlier versions used, and which of today's each became.

/// Of the field `status`.
pub(super) const STATUSES: &[(&str, &str)] = &[
    ("active", "building"),
    ("in-progress", "building"),
    ("development", "building"),
    ("pre-launch", "planning"),
    ("completed", "launched"),
    ("done", "launched"),
    ("inactive", "on-hold"),
    ("paused", "on-hold"),
];

/// Of the field `priority`.
pub(super) const PRIORITIES: &[(&str, &str)] =
    &[("urgent", "high"), ("critical", "high"), ("normal", "medium")];

/// Of a task's `status`.
pub(super) const TASK_STATUSES: &[(&str, &str)] =
    &[("todo", "pending"), ("completed", "done"), ("canceled", "cancelled"), ("blocked", "deferred")];

/// The word of today's vocabulary `T` that `word` stands for: whatever its case, `_` and spaces are `-`. What is in no vocabulary is
/// returned as it is.
pub(super) fn of_today<T: std::str::FromStr>(word: &str, older: &[(&str, &str)]) -> String {
    let plain = word.trim().to_lowercase().replace(['_', ' '], "-");
    if plain.parse::<T>().is_ok() {
        return plain;
    }
    let known = older.iter().find(|(older, _)| *older == plain);
    match known {
        Some((_, today)) => (*today).to_owned(),
        None if plain.is_empty() => plain,
        None => word.to_owned(),
    }
}
