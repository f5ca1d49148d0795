//! The one line of status: what was just done; else how far projects are in step.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Page;
use crate::commands::ui::state::State;
use crate::output::Paint;
use crate::output::table::fit;
#[cfg(feature = "cloud")]
use crate::output::text;

pub(super) fn draw(page: &mut Page<'_>, state: &State, area: Rect) {
    let width = usize::from(area.width);
    if let Some(message) = &state.message {
        let (paint, mark) = if message.good { (Paint::Good, "✓ ") } else { (Paint::Cause, "! ") };
        let text = fit(&message.text, width.saturating_sub(2));
        let line = Line::from(vec![page.span(paint, mark), Span::raw(text)]);
        return page.line(area, &line);
    }
    let pieces = pieces(page, state);
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut used = 0;
    // What there is no room for is left out whole; the first is the one that counts.
    for (n, (paint, text)) in pieces.into_iter().enumerate() {
        let gap = if n == 0 { "" } else { "  ·  " };
        let piece = gap.chars().count() + unicode_width::UnicodeWidthStr::width(text.as_str());
        if n > 0 && used + piece > width {
            break;
        }
        used += piece;
        spans.push(page.span(Paint::Dim, gap));
        spans.push(paint.map_or_else(|| Span::raw(text.clone()), |paint| page.span(paint, text.clone())));
    }
    page.line(area, &Line::from(spans));
}

type Piece = (Option<Paint>, String);

#[cfg(not(feature = "cloud"))]
fn pieces(_: &Page<'_>, _: &State) -> Vec<Piece> {
    vec![(Some(Paint::Dim), "On this device alone".to_owned())]
}

#[cfg(feature = "cloud")]
fn pieces(page: &Page<'_>, state: &State) -> Vec<Piece> {
    use crate::commands::ui::ago::ago;
    let live = &state.live;
    let standing = &live.standing;
    let mut pieces: Vec<Piece> = Vec::new();
    match (&live.sync, live.last_sync_at) {
        (Some(sync), _) => pieces.push((Some(Paint::Hint), format!("Syncing, {} s", sync.age().as_secs()))),
        (None, None) if live.automatic.signed_out => {
            pieces.push((Some(Paint::Dim), "Not signed in: orkee cloud login".to_owned()));
        }
        (None, None) => pieces.push((Some(Paint::Dim), "Never synced: s syncs".to_owned())),
        (None, Some(_)) if standing.waiting > 0 => {
            pieces.push((Some(Paint::Hint), format!("↑ {} to send", standing.waiting)));
        }
        (None, Some(_)) => pieces.push((Some(Paint::Good), "✓ In step".to_owned())),
    }
    let automatic = &live.automatic;
    if let (None, Some(failure)) = (&live.sync, &automatic.failure) {
        let again = automatic.next.filter(|next| *next > page.now);
        let again = again.map(|next| format!(" (again in {})", in_words(next, page.now)));
        let failure = fit(&text::spelled(failure), 60);
        pieces
            .push((Some(Paint::Bad), format!("✗ last sync failed: {failure}{}", again.unwrap_or_default())));
    }
    if standing.conflicts > 0 {
        let many = if standing.conflicts == 1 { "" } else { "s" };
        pieces.push((Some(Paint::Cause), format!("! {} project{many} in conflict", standing.conflicts)));
    }
    if standing.parked > 0 {
        pieces.push((Some(Paint::Cause), format!("! {} set aside", standing.parked)));
    }
    if let Some(at) = live.last_sync_at {
        pieces.push((Some(Paint::Dim), format!("synced {}", ago(at, page.now))));
    }
    if automatic.is_on {
        let how = if automatic.is_watched { "watcher running" } else { "syncs by itself" };
        pieces.push((Some(Paint::Dim), how.to_owned()));
    }
    pieces
}

/// How long it is until then.
#[cfg(feature = "cloud")]
fn in_words(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    match then.duration_since(now).as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
