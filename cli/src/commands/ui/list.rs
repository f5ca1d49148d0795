//! The list of projects: what is in it, in which order, and where in it the person is. Of a hundred thousand projects it holds what a row
//! shows, read from columns; payloads are left alone.

use orkee_core::project::ProjectId;
use orkee_core::store::{Filter, Sort, Store, StoreError, Summary};

use super::keys::Motion;

/// The orders that the interface goes through.
const ORDERS: [Sort; 4] = [Sort::Name, Sort::Updated, Sort::Status, Sort::Priority];

/// A place in a number of lines of which a window is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) at: usize,
    /// The first line that is seen.
    pub(super) top: usize,
    /// How many lines were seen when they were drawn last.
    pub(super) height: usize,
}

impl Cursor {
    /// Goes to another of `count` lines.
    pub(super) fn go(&mut self, motion: Motion, count: usize) {
        let (page, last) = (self.height.max(1), count.saturating_sub(1));
        let half = (page / 2).max(1);
        self.at = match motion {
            Motion::Up => self.at.saturating_sub(1),
            Motion::Down => self.at + 1,
            Motion::HalfUp => self.at.saturating_sub(half),
            Motion::HalfDown => self.at + half,
            Motion::PageUp => self.at.saturating_sub(page),
            Motion::PageDown => self.at + page,
            Motion::First => 0,
            Motion::Last => last,
        }
        .min(last);
    }

    /// The lines to be drawn in a window of this height: those around the place.
    pub(super) fn window(&mut self, height: usize, count: usize) -> std::ops::Range<usize> {
        self.height = height;
        self.at = self.at.min(count.saturating_sub(1));
        self.top = self.top.min(count.saturating_sub(height)).min(self.at);
        if height > 0 && self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
        self.top..(self.top + height).min(count)
    }
}

/// A text of which a window is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Scroll {
    pub(super) top: usize,
    height: usize,
    lines: usize,
}

impl Scroll {
    /// Moves the window, as far as the last line and no further.
    pub(super) fn go(&mut self, motion: Motion) {
        let mut top = Cursor { at: self.top, top: self.top, height: self.height };
        top.go(motion, self.lines.saturating_sub(self.height) + 1);
        self.top = top.at;
    }

    /// The lines to be drawn in a window of this height.
    pub(super) fn window(&mut self, height: usize, lines: usize) -> std::ops::Range<usize> {
        self.top = self.top.min(lines.saturating_sub(height));
        (self.height, self.lines) = (height, lines);
        self.top..(self.top + height).min(lines)
    }

    /// Whether there is more below what is seen.
    pub(super) fn has_more(&self) -> bool {
        self.top + self.height < self.lines
    }
}

/// The projects that are listed.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) rows: Vec<Summary>,
    /// How many there are without the filter.
    pub(super) total: u64,
    pub(super) cursor: Cursor,
    pub(super) sort: Sort,
    /// What is searched for; empty: nothing.
    pub(super) search: String,
}

impl List {
    /// Reads the list anew. The person stays with the project that they were at, wherever it stands now; where it is gone, with the one
    /// that took its place.
    pub(super) fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        let selected = self.selected();
        let filter = Filter {
            search: Some(self.search.clone()).filter(|search| !search.is_empty()),
            sort: self.sort,
            ..Filter::default()
        };
        self.rows.clear();
        store.list::<StoreError>(&filter, |row| {
            self.rows.push(row);
            Ok(())
        })?;
        self.total = if filter.search.is_some() { store.count()? } else { self.rows.len() as u64 };
        if let Some(id) = selected {
            self.select(id);
        }
        self.cursor.at = self.cursor.at.min(self.rows.len().saturating_sub(1));
        Ok(())
    }

    /// The project that the person is at.
    pub(super) fn selected(&self) -> Option<ProjectId> {
        self.rows.get(self.cursor.at).map(|row| row.id)
    }

    /// Goes to a project, if it is listed.
    pub(super) fn select(&mut self, id: ProjectId) {
        if let Some(at) = self.rows.iter().position(|row| row.id == id) {
            self.cursor.at = at;
        }
    }

    /// The next order.
    pub(super) fn sort_next(&mut self) {
        let now = ORDERS.iter().position(|order| *order == self.sort).unwrap_or(0);
        self.sort = ORDERS[(now + 1) % ORDERS.len()];
    }

    /// The order in a word.
    pub(super) fn order(&self) -> &'static str {
        match self.sort {
            Sort::Name => "name",
            Sort::Id => "id",
            Sort::Status => "status",
            Sort::Priority => "priority",
            Sort::Rank => "rank",
            Sort::Created => "created",
            Sort::Updated => "updated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d60_the_window_follows_the_place_and_never_leaves_the_list() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.window(5, 100), 0..5);
        cursor.go(Motion::PageDown, 100);
        assert_eq!((cursor.at, cursor.window(5, 100)), (5, 1..6));
        cursor.go(Motion::Last, 100);
        assert_eq!((cursor.at, cursor.window(5, 100)), (99, 95..100));
        cursor.go(Motion::Down, 100);
        assert_eq!(cursor.at, 99);
        assert_eq!(cursor.window(5, 3), 0..3);
        assert_eq!(cursor.at, 2);
        assert!(cursor.window(0, 3).is_empty());
        assert_eq!(cursor.window(5, 0), 0..0);
        cursor.go(Motion::Up, 0);
        assert_eq!(cursor.at, 0);
    }

    #[test]
    fn d60_text_is_scrolled_as_far_as_its_last_line_alone() {
        let mut scroll = Scroll::default();
        assert_eq!(scroll.window(4, 10), 0..4);
        scroll.go(Motion::Last);
        assert_eq!(scroll.window(4, 10), 6..10);
        scroll.go(Motion::Down);
        assert_eq!((scroll.window(4, 10), scroll.has_more()), (6..10, false));
        assert_eq!(scroll.window(4, 3), 0..3);
        scroll.go(Motion::Down);
        assert_eq!(scroll.window(4, 3), 0..3);
    }
}
