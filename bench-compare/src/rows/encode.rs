//! Rows e: gathering and encoding into a buffer that is used again.

use anyhow::{Context as _, Result};

use super::{Cell, Options, Row};
use crate::exposition::{compare, parse_text};
use crate::method::interleave;
use crate::peers::{self, Form, Kind, Peer};
use crate::protobuf;
use crate::workload::{GAUGE_FAMILIES, Shape};

const ROWS: [(&str, Shape, Form); 13] = [
    ("e.text.1", Shape::One, Form::Text),
    ("e.text.10k", Shape::Gauges(GAUGE_FAMILIES, 100), Form::Text),
    (
        "e.text.100k",
        Shape::Gauges(GAUGE_FAMILIES, 1000),
        Form::Text,
    ),
    ("e.text.hist1k", Shape::Histograms, Form::Text),
    (
        "e.text.1m",
        Shape::Gauges(GAUGE_FAMILIES, 10_000),
        Form::Text,
    ),
    ("e.families.1x1", Shape::Gauges(1, 1), Form::Text),
    ("e.families.100x100", Shape::Gauges(100, 100), Form::Text),
    ("e.families.10000x1", Shape::Gauges(10_000, 1), Form::Text),
    ("e.families.20000x1", Shape::Gauges(20_000, 1), Form::Text),
    (
        "e.families.1x1000000",
        Shape::Gauges(1, 1_000_000),
        Form::Text,
    ),
    ("e.proto.1", Shape::One, Form::Protobuf),
    (
        "e.proto.10k",
        Shape::Gauges(GAUGE_FAMILIES, 100),
        Form::Protobuf,
    ),
    ("e.proto.hist1k", Shape::Histograms, Form::Protobuf),
];

/// A million series is about growth, so only those take part that do not need minutes for it.
fn takes_part(peer: &dyn Peer, shape: Shape) -> bool {
    shape.lines() < 1_000_000
        || matches!(peer.kind(), Kind::Floor | Kind::Ours)
        || ["prometheus-client", "measured"].contains(&peer.name())
}

pub(super) fn measure(options: &Options, on_row: &mut dyn FnMut(Row)) -> Result<()> {
    for (id, shape, form) in ROWS {
        if options.wants(id) {
            for row in rows(id, shape, form, options.rounds)? {
                on_row(row);
            }
        }
    }
    Ok(())
}

/// Time per line, and the megabytes per second that this makes.
fn rows(id: &str, shape: Shape, form: Form, rounds: usize) -> Result<[Row; 2]> {
    let mut cells = Vec::new();
    let mut subjects = Vec::new();
    let mut sizes = Vec::new();
    let mut expected = None;
    for peer in peers::all()
        .into_iter()
        .filter(|peer| takes_part(peer.as_ref(), shape))
    {
        let Some(mut subject) = peer.expose(shape, form) else {
            continue;
        };
        let mut check = || {
            let body = subject.exposition()?;
            let found = match form {
                Form::Text => parse_text(&body)?,
                Form::Protobuf => protobuf::parse(&body)?,
            };
            match &expected {
                None => expected = Some(found),
                Some(expected) => compare(expected, &found)?,
            }
            anyhow::Ok(body.len())
        };
        let size = check()
            .with_context(|| format!("{} does not expose what {id} asks for", peer.name()))?;
        let (peer, kind) = (peer.name().to_owned(), peer.kind());
        cells.push(Cell {
            peer,
            kind,
            value: f64::NAN,
            disturbed: 0,
        });
        subjects.push(subject);
        sizes.push(size);
    }
    drop(expected);
    let all = interleave(&mut subjects, 1, rounds)?;
    let mut rates = cells.clone();
    for (i, samples) in all.iter().enumerate() {
        let nanoseconds = samples.median();
        cells[i].value = nanoseconds / shape.lines() as f64;
        cells[i].disturbed = samples.disturbed;
        rates[i].value = sizes[i] as f64 * 1000.0 / nanoseconds;
        rates[i].disturbed = samples.disturbed;
    }
    Ok([
        Row {
            id: id.to_owned(),
            unit: "ns/line",
            more_is_better: false,
            cells,
        },
        Row {
            id: format!("{id}.rate"),
            unit: "MB/s",
            more_is_better: true,
            cells: rates,
        },
    ])
}
