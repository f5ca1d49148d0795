//! A screen for a terminal that has the letters of ASCII alone: rules, marks and arrows become plain ones, what has no likeness a question
//! mark. Columns stay where they are.

use ratatui::buffer::Buffer;

/// Leaves nothing but ASCII.
pub(super) fn only(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            cell.set_symbol(plain(cell.symbol()));
        }
    }
}

fn plain(symbol: &str) -> &'static str {
    match symbol {
        "─" | "–" => "-",
        "│" => "|",
        "┬" | "┴" | "┌" | "┐" | "└" | "┘" => "+",
        "▌" => ">",
        "…" => "~",
        "·" => "-",
        "↑" => "^",
        "↓" => "v",
        "→" => ">",
        "✓" => "*",
        "✗" => "!",
        "∅" => "?",
        _ => "?",
    }
}
