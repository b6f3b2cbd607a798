//! Rows a to d: recording, by one thread and by two on the same metric.

use anyhow::{Context as _, Result};

use super::{Cell, Options, Row};
use crate::exposition::{compare, parse_text};
use crate::method::interleave;
use crate::peers::{self, Record};

const ROWS: [(&str, Record); 8] = [
    ("a.counter_inc", Record::CounterInc),
    ("a.gauge_set", Record::GaugeSet),
    ("a.gauge_incdec", Record::GaugeIncDec),
    ("a.gauge_incdec_integer", Record::IntegerGaugeIncDec),
    ("b.histogram", Record::Histogram),
    ("c.lookup", Record::Lookup),
    ("c.handle", Record::Handle),
    ("d.dynamic1000", Record::Dynamic),
];

/// Operations by each thread before the outputs are compared: every series has been touched then.
const CHECKED: u64 = 3000;

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    for (name, record) in ROWS {
        for threads in [1, 2] {
            let id = format!("{name}.{threads}t");
            if options.wants(&id) {
                on_row(row(id, record, threads, options.rounds)?);
            }
        }
    }
    Ok(())
}

fn row(id: String, record: Record, threads: usize, rounds: usize) -> Result<Row> {
    let mut cells = Vec::new();
    let mut subjects = Vec::new();
    let mut expected = None;
    for peer in peers::all() {
        let Some(mut subject) = peer.record(record) else {
            continue;
        };
        let mut check = || {
            subject.time(threads, CHECKED)?;
            let found = parse_text(&subject.exposition()?)?;
            match &expected {
                None => expected = Some(found),
                Some(expected) => compare(expected, &found)?,
            }
            anyhow::Ok(())
        };
        check().with_context(|| format!("{} does not do what {id} asks for", peer.name()))?;
        let (peer, kind) = (peer.name().to_owned(), peer.kind());
        cells.push(Cell {
            peer,
            kind,
            value: f64::NAN,
            disturbed: 0,
        });
        subjects.push(subject);
    }
    for (cell, samples) in cells
        .iter_mut()
        .zip(interleave(&mut subjects, threads, rounds)?)
    {
        cell.value = samples.median();
        cell.disturbed = samples.disturbed;
    }
    Ok(Row {
        id,
        unit: "ns",
        more_is_better: false,
        cells,
    })
}
