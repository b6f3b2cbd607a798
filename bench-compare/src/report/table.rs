//! Rows as text: one line while measuring, tables at the end.

use std::fmt::Write as _;

use crate::peers::Kind;
use crate::rows::{Cell, Row};

/// One row for the terminal, with every peer.
pub fn line(row: &Row) -> String {
    let mut out = format!("{:<26} {:<10}", row.id, row.unit);
    for cell in &row.cells {
        let mark = if cell.disturbed > 0 { "?" } else { "" };
        _ = write!(out, "  {} {}{mark}", cell.peer, figure(cell.value));
    }
    if let Some(ratio) = row.ratio() {
        _ = write!(out, "  => {}", factor(ratio));
    }
    out
}

/// exporter-kit, the best Rust peer and the floor, row by row, in Markdown.
pub fn summary(rows: &[Row]) -> String {
    let mut lines = vec![
        [
            "row",
            "unit",
            "exporter-kit",
            "best Rust peer",
            "ratio",
            "floor",
        ]
        .map(str::to_owned),
    ];
    for row in rows.iter().filter(|row| !row.id.ends_with(".rate")) {
        let with_name = |cell: &Cell| format!("{} ({})", figure(cell.value), cell.peer);
        let floor = row
            .cells
            .iter()
            .filter(|cell| cell.kind == Kind::Floor)
            .min_by(|a, b| a.value.total_cmp(&b.value));
        lines.push([
            row.id.clone(),
            row.unit.to_owned(),
            row.ours().map_or(dash(), |cell| figure(cell.value)),
            row.best().map_or(dash(), with_name),
            row.ratio().map_or(dash(), factor),
            floor.map_or(dash(), |cell| figure(cell.value)),
        ]);
    }
    markdown(&lines)
}

/// Every peer's figure in these rows, in Markdown.
pub(super) fn full(rows: &[&Row]) -> String {
    let mut peers: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells) {
        if !peers.contains(&cell.peer.as_str()) {
            peers.push(&cell.peer);
        }
    }
    let head = ["row", "unit"]
        .into_iter()
        .chain(peers.iter().copied())
        .map(str::to_owned);
    let mut lines = vec![head.collect::<Vec<_>>()];
    for row in rows {
        let mut line = vec![row.id.clone(), row.unit.to_owned()];
        for peer in &peers {
            let cell = row.cells.iter().find(|cell| cell.peer == *peer);
            line.push(cell.map_or(dash(), |cell| {
                let mark = if cell.disturbed > 0 { "?" } else { "" };
                format!("{}{mark}", figure(cell.value))
            }));
        }
        lines.push(line);
    }
    markdown(&lines)
}

fn dash() -> String {
    "–".to_owned()
}

/// A ratio such as `0.25×`.
fn factor(ratio: f64) -> String {
    format!("{}×", figure(ratio))
}

/// Three digits that count, or all of a whole number's.
pub(super) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// A table whose columns line up in the source too.
pub(super) fn markdown<L: AsRef<[String]>>(lines: &[L]) -> String {
    let columns = lines.first().map_or(0, |line| line.as_ref().len());
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line.as_ref()[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.as_ref().iter().zip(&widths) {
            _ = write!(out, "| {cell:<width$} ");
        }
        out.push_str("|\n");
        if number == 0 {
            for width in &widths {
                _ = write!(out, "|{}", "-".repeat(width + 2));
            }
            out.push_str("|\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let cell = |peer: &str, kind, value| Cell {
            peer: peer.to_owned(),
            kind,
            value,
            disturbed: usize::from(kind == Kind::Scale),
        };
        Row {
            id: "a.counter_inc.1t".to_owned(),
            unit: "ns",
            more_is_better: false,
            cells: vec![
                cell("floor", Kind::Floor, 2.0),
                cell("exporter-kit", Kind::Ours, 3.0),
                cell("prometheus", Kind::Rust, 12.345),
                cell("vise", Kind::Rust, 6.0),
                cell("Go", Kind::Scale, 1.0),
            ],
        }
    }

    #[test]
    fn compares_with_the_best_rust_peer_only() {
        assert!(summary(&[row()]).contains("3.00         | 6.00 (vise)    | 0.500×"));
    }

    #[test]
    fn marks_what_stayed_disturbed() {
        let table = full(&[&row()]);
        assert!(table.contains("12.3"), "{table}");
        assert!(table.contains("1.00?"), "{table}");
    }

    #[test]
    fn draws_a_bar_for_each_row_that_is_there() {
        let picture = super::super::picture::svg(&[row()]);
        assert!(
            picture.contains("2.00× <tspan fill=\"#666\">vise</tspan>"),
            "{picture}"
        );
        assert_eq!(picture.matches("<rect").count(), 2);
    }
}
