//! Which of the known names somebody probably meant who wrote an unknown one.

/// A name that is at least this similar is the one that was meant.
const SIMILAR: f64 = 0.7;

/// The known name that is most like `given`, if one is like it at all.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |name: &str| strsim::jaro_winkler(name, given);
    known.into_iter().max_by(|a, b| near(a).total_cmp(&near(b))).filter(|name| near(name) >= SIMILAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_is_most_like_it_is_meant_and_none_where_none_is() {
        let known = ["bucket", "region", "path-style"];
        assert_eq!(nearest("buckt", known), Some("bucket"));
        assert_eq!(nearest("regoin", known), Some("region"));
        assert_eq!(nearest("xyz", known), None);
        assert_eq!(nearest("bucket", []), None);
    }
}
