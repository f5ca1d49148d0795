//! Which projects a mistyped id or name may have meant.

use super::{Store, StoreError};

/// Suggestions in an error.
const MOST: usize = 3;

impl Store {
    /// The error for a query that names nothing, with what is close to it.
    pub(super) fn not_found(&self, query: &str) -> Result<StoreError, StoreError> {
        let sql = "SELECT id, name FROM records WHERE space = ? ORDER BY rowid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([self.space])?;
        let wanted = query.to_lowercase();
        let limit = (wanted.chars().count() / 3).clamp(1, 3);
        let mut found: Vec<(usize, String)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, name): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let by_name = name.as_deref().map(|name| distance(&name.to_lowercase(), &wanted, limit));
            let by_id = distance(&id.to_lowercase(), &wanted, 2);
            let Some(score) = [by_name.flatten(), by_id].into_iter().flatten().min() else {
                continue;
            };
            let label = name.map_or_else(|| format!("{id} (deleted)"), |name| format!("{id} ({name})"));
            found.push((score, label));
        }
        found.sort();
        let near = found.into_iter().take(MOST).map(|(_, label)| label).collect();
        Ok(StoreError::NotFound { query: query.chars().take(80).collect(), near })
    }

    /// Adds what is close to a "not found" that a transaction, which cannot search, reported.
    pub(super) fn name_near<T>(&self, error: StoreError) -> Result<T, StoreError> {
        Err(match error {
            StoreError::NotFound { query, near } if near.is_empty() => self.not_found(&query)?,
            other => other,
        })
    }
}

/// How many characters have to be typed otherwise, up to `limit`; none where it is more. Two that change places count as one.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let b: Vec<char> = b.chars().take(80).collect();
    let a: Vec<char> = a.chars().take(80).collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(from != to)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *to && b[j - 1] == *from {
                least = least.min(before_last[j - 1] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|found| *found <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_changed_characters_and_stops_at_the_limit() {
        assert_eq!(distance("shop", "shop", 2), Some(0));
        assert_eq!(distance("shop", "shpo", 2), Some(1));
        assert_eq!(distance("shop", "shops", 2), Some(1));
        assert_eq!(distance("shop", "tower", 2), None);
    }
}
