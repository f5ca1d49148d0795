//! How long ago something was, as people say it.

use jiff::Timestamp;

/// `3 min ago`; in the distant past, the day.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.duration_since(at).as_secs() {
        ..10 => "just now".to_owned(),
        seconds @ ..60 => format!("{seconds} s ago"),
        seconds @ ..3_600 => format!("{} min ago", seconds / 60),
        seconds @ ..86_400 => format!("{} h ago", seconds / 3_600),
        seconds @ ..172_800 => format!("{} day ago", seconds / 86_400),
        seconds @ ..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => at.strftime("%Y-%m-%d").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_people_say_it() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (at, told) in [
            ("2026-03-01T12:05:00Z", "just now"),
            ("2026-03-01T11:59:55Z", "just now"),
            ("2026-03-01T11:59:15Z", "45 s ago"),
            ("2026-03-01T11:57:00Z", "3 min ago"),
            ("2026-03-01T09:30:00Z", "2 h ago"),
            ("2026-02-28T11:00:00Z", "1 day ago"),
            ("2026-02-20T12:00:00Z", "9 days ago"),
            ("2025-12-24T12:00:00Z", "2025-12-24"),
        ] {
            assert_eq!(ago(at.parse().unwrap(), now), told, "{at}");
        }
    }
}
