//! Rows f: what 100 000 series cost in memory, each peer in a process of its own.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Cell, Options, Row};
use crate::peers;
use crate::servers::binary;

/// The figures that the child prints, in its order, with their rows.
const ROWS: [(&str, &str); 5] = [
    ("f.mem.heap", "bytes/series"),
    ("f.mem.allocations", "allocations/series"),
    ("f.mem.rss", "bytes/series"),
    ("f.mem.rss_after_scrape", "bytes/series"),
    ("f.mem.scrape_peak_1m", "MiB"),
];

/// The figures of many families of one series.
const FAMILY_ROWS: [(&str, &str); 4] = [
    ("f.families.20000x1.heap", "bytes/family"),
    ("f.families.20000x1.allocations", "allocations/family"),
    ("f.families.20000x1.rss", "bytes/family"),
    ("f.families.20000x1.rss_after_scrape", "bytes/family"),
];

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    if options.wants("f.mem") {
        measure_shape(ROWS, [100, 1000], on_row)?;
    }
    if options.wants("f.families") {
        measure_shape(FAMILY_ROWS, [20_000, 1], on_row)?;
    }
    Ok(())
}

fn measure_shape<const N: usize>(
    rows: [(&str, &'static str); N],
    shape: [usize; 2],
    on_row: &mut dyn FnMut(Row),
) -> Result<()> {
    let program = binary("bench-compare", "memory")?;
    let mut rows = rows.map(|(id, unit)| Row {
        id: id.to_owned(),
        unit,
        more_is_better: false,
        cells: Vec::new(),
    });
    for peer in peers::local() {
        let output = Command::new(&program)
            .arg(peer.name())
            .args(shape.map(|number| number.to_string()))
            .output()
            .with_context(|| format!("{} does not start", program.display()))?;
        ensure!(
            output.status.success(),
            "the memory of {} can't be measured: {}",
            peer.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        for (row, figure) in rows.iter_mut().zip(printed.split_whitespace()) {
            let value = figure
                .parse()
                .with_context(|| format!("`{figure}` is no figure"))?;
            let (peer, kind) = (peer.name().to_owned(), peer.kind());
            row.cells.push(Cell {
                peer,
                kind,
                value,
                disturbed: 0,
            });
        }
    }
    rows.into_iter()
        .filter(|row| !row.cells.is_empty())
        .for_each(on_row);
    Ok(())
}
