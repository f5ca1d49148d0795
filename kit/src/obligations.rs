//! `wit/README.md`, taken along, so that a report can be understood without the repository.

/// The page that says what a provider and its backend owe.
pub const PAGE: &str = "wit/README.md";
const TEXT: &str = include_str!("../../wit/README.md");

/// What stands at an anchor: the paragraph and what belongs to it, up to the next anchor or heading.
pub fn text(anchor: &str) -> Option<String> {
    let mark = format!("<a id=\"{anchor}\"></a>");
    let (_, rest) = TEXT.split_once(&mark)?;
    let end = rest.match_indices('\n').map(|(at, _)| at + 1).find(|at| {
        let line = &rest[*at..];
        line.starts_with("<a id=") || line.starts_with('#')
    });
    Some(rest[..end.unwrap_or(rest.len())].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_the_next_begins() {
        let envelopes = text("envelopes").unwrap();
        assert!(envelopes.starts_with("**Envelopes are bytes.**"), "{envelopes}");
        assert!(!envelopes.contains("compare-and-set"), "{envelopes}");
        assert!(text("failures").unwrap().contains("| `busy` |"));
        assert_eq!(text("no-such-anchor"), None);
    }
}
