//! The rows: what is measured, in which order, and the figures that come out.

mod busy;
mod encode;
mod endurance;
mod http;
mod memory;
mod record;
mod secured;
mod sources;

use anyhow::Result;

use crate::peers::Kind;

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Such as `a.counter_inc.1t`.
    pub id: String,
    /// Of the figures.
    pub unit: &'static str,
    /// True if more is better.
    pub more_is_better: bool,
    /// One per peer that takes part.
    pub cells: Vec<Cell>,
}

/// One peer's figure in one row.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The heading of its column.
    pub peer: String,
    /// The role in ratios.
    pub kind: Kind,
    /// The median of the rounds.
    pub value: f64,
    /// Samples that stayed disturbed after every retake.
    pub disturbed: usize,
}

impl Row {
    /// The best Rust peer, or where none takes part, the best of the other languages.
    pub fn best(&self) -> Option<&Cell> {
        self.best_of(Kind::Rust)
            .or_else(|| self.best_of(Kind::Scale))
    }

    fn best_of(&self, kind: Kind) -> Option<&Cell> {
        let peers = self.cells.iter().filter(|cell| cell.kind == kind);
        if self.more_is_better {
            peers.max_by(|a, b| a.value.total_cmp(&b.value))
        } else {
            peers.min_by(|a, b| a.value.total_cmp(&b.value))
        }
    }

    /// exporter-kit's figure.
    pub fn ours(&self) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.kind == Kind::Ours)
    }

    /// exporter-kit's figure as a multiple of the best Rust peer's.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.ours()?.value / self.best()?.value)
    }
}

/// Options of the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only rows whose name begins with one of these; empty for all.
    pub filters: Vec<String>,
    /// Samples per row and peer.
    pub rounds: usize,
}

impl Options {
    fn wants(&self, id: &str) -> bool {
        // `g` asks for every HTTP row, and `g.http.1.rps` for the one measurement that gives it.
        self.filters.is_empty()
            || self
                .filters
                .iter()
                .any(|filter| id.starts_with(filter) || filter.starts_with(id))
    }
}

/// Measures all rows that are asked for, handing each to `on_row` as soon as it is there.
///
/// # Errors
/// If a peer exposes other samples than the floor, or can't be measured.
pub fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    record::measure(options, on_row)?;
    encode::measure(options, on_row)?;
    busy::measure(options, on_row)?;
    memory::measure(options, on_row)?;
    http::measure(options, on_row)?;
    secured::measure(options, on_row)?;
    endurance::measure(options, on_row)?;
    sources::measure(options, on_row)
}
