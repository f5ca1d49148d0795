//! Lists of projects, streamed: what a table shows is read from columns, payloads only where they are asked for.

use std::collections::HashSet;

use rusqlite::{Row, ToSql};

use super::at_rest::Reader;
use super::projects::parse_id;
use super::{Store, StoreError};
use crate::project::{InvalidField, ProjectId, Rule, Status};

/// Which projects, in which order.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this status.
    pub status: Option<Status>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this text in id, name, description or a tag, whatever the case.
    pub search: Option<String>,
    /// The order.
    pub sort: Sort,
    /// At most so many.
    pub limit: Option<usize>,
    /// Of these alone.
    pub among: Option<HashSet<ProjectId>>,
}

/// The order of a list. Ties are broken by name and id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, whatever the case (of ASCII).
    #[default]
    Name,
    /// By id.
    Id,
    /// In the order of the statuses, planning first.
    Status,
    /// High first.
    Priority,
    /// By rank; those without one last.
    Rank,
    /// Newest first.
    Created,
    /// Changed last, first.
    Updated,
}

impl Sort {
    /// The words of [`Sort::from_str`](std::str::FromStr::from_str).
    pub const WORDS: &'static [&'static str] =
        &["name", "id", "status", "priority", "rank", "created", "updated"];

    fn order(self) -> &'static str {
        match self {
            Self::Name => "name COLLATE NOCASE, id",
            Self::Id => "id",
            Self::Status => {
                "CASE status WHEN 'planning' THEN 0 WHEN 'building' THEN 1 WHEN 'review' THEN 2 WHEN 'launched' THEN 3 \
                 WHEN 'on-hold' THEN 4 WHEN 'archived' THEN 5 ELSE 6 END, name COLLATE NOCASE, id"
            }
            Self::Priority => {
                "CASE priority WHEN 'high' THEN 0 WHEN 'medium' THEN 1 WHEN 'low' THEN 2 ELSE 3 END, name COLLATE NOCASE, id"
            }
            Self::Rank => "rank IS NULL, rank, name COLLATE NOCASE, id",
            Self::Created => "created_at DESC, name COLLATE NOCASE, id",
            Self::Updated => "updated_at DESC, name COLLATE NOCASE, id",
        }
    }
}

impl std::str::FromStr for Sort {
    type Err = InvalidField;

    fn from_str(word: &str) -> Result<Self, InvalidField> {
        Ok(match word {
            "name" => Self::Name,
            "id" => Self::Id,
            "status" => Self::Status,
            "priority" => Self::Priority,
            "rank" => Self::Rank,
            "created" => Self::Created,
            "updated" => Self::Updated,
            _ => return Err(InvalidField::new("sort", Rule::NotOneOf(Self::WORDS))),
        })
    }
}

/// A line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// Its status, as it is written.
    pub status: Option<String>,
    /// Its priority, as it is written.
    pub priority: Option<String>,
    /// Its rank.
    pub rank: Option<i64>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was last changed, as it is written.
    pub updated_at: Option<String>,
}

const SUMMARY: &str = "id, name, status, priority, rank, tags, updated_at";

impl Store {
    /// How many projects there are.
    pub fn count(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM records WHERE space = ? AND name IS NOT NULL";
        Ok(self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0))?)
    }

    /// Hands each project's summary to `each`.
    pub fn list<E: From<StoreError>>(
        &self,
        filter: &Filter,
        mut each: impl FnMut(Summary) -> Result<(), E>,
    ) -> Result<(), E> {
        self.select(filter, SUMMARY, |row| each(summary(row)?))
    }

    /// Hands each project's JSON, in canonical form, to `each`.
    pub fn list_json<E: From<StoreError>>(
        &self,
        filter: &Filter,
        mut each: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        let reader = self.reader();
        self.select(filter, "payload", |row| {
            let text = text(row, 0)?;
            match reader.listed(text)? {
                Some(opened) => each(&opened),
                None => each(text),
            }
        })
    }

    fn select<E: From<StoreError>>(
        &self,
        filter: &Filter,
        columns: &str,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let needle = filter.search.as_ref().map(|text| text.to_lowercase());
        let searched = if needle.is_some() {
            ", id AS s1, name AS s2, tags AS s3, json_extract(payload, '$.description') AS s4"
        } else {
            ""
        };
        let named = if filter.among.is_some() { ", id AS among" } else { "" };
        let mut sql =
            format!("SELECT {columns}{searched}{named} FROM records WHERE space = ? AND name IS NOT NULL");
        let mut values: Vec<&dyn ToSql> = vec![&self.space];
        let status = filter.status.as_ref().map(Status::as_str);
        if let Some(status) = &status {
            sql.push_str(" AND status = ?");
            values.push(status);
        }
        if let Some(tag) = &filter.tag {
            sql.push_str(" AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?)");
            values.push(tag);
        }
        sql.push_str(" ORDER BY ");
        sql.push_str(filter.sort.order());
        let failed = |error: rusqlite::Error| E::from(error.into());
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query(&values[..]).map_err(failed)?;
        let reader = self.reader();
        let mut left = filter.limit.unwrap_or(usize::MAX);
        while left > 0 {
            let Some(row) = rows.next().map_err(failed)? else {
                break;
            };
            let is_found = match &needle {
                Some(needle) => found(row, needle, &reader)?,
                None => true,
            };
            if is_found && is_among(row, filter)? {
                each(row)?;
                left -= 1;
            }
        }
        Ok(())
    }
}

fn is_among(row: &Row<'_>, filter: &Filter) -> Result<bool, StoreError> {
    let Some(among) = &filter.among else { return Ok(true) };
    Ok(among.contains(&parse_id(row.get("among")?)?))
}

/// Whether one of the searched columns has the text. SQLite's own LIKE folds ASCII alone. A description that is locked has none.
fn found(row: &Row<'_>, needle: &str, reader: &Reader<'_>) -> Result<bool, StoreError> {
    let text = |column: &str| row.get_ref(column).ok().and_then(|value| value.as_str().ok());
    let has = |value: &str| value.to_lowercase().contains(needle);
    if ["s1", "s2", "s3"].iter().any(|column| text(column).is_some_and(has)) {
        return Ok(true);
    }
    let Some(description) = text("s4") else { return Ok(false) };
    let opened = reader.searched(text("s1").unwrap_or_default(), "description", description)?;
    Ok(opened.is_some_and(|description| has(&description)))
}

fn summary(row: &Row<'_>) -> Result<Summary, StoreError> {
    let tags = row.get_ref(5)?.as_str_or_null().ok().flatten();
    Ok(Summary {
        id: parse_id(row.get(0)?)?,
        name: row.get(1)?,
        status: row.get(2)?,
        priority: row.get(3)?,
        rank: row.get(4)?,
        tags: tags.and_then(|tags| serde_json::from_str(tags).ok()).unwrap_or_default(),
        updated_at: row.get(6)?,
    })
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}
