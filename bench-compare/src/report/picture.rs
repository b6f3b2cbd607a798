//! `docs/performance.svg`: bars of how many times better exporter-kit is than the best Rust peer.

use std::fmt::Write as _;

use super::table::figure;
use crate::rows::Row;

/// The rows that are shown, with what they mean.
const SHOWN: [(&str, &str); 12] = [
    ("a.counter_inc.1t", "count, 1 thread"),
    ("a.counter_inc.2t", "count, 2 threads"),
    ("a.gauge_set.2t", "set a gauge, 2 threads"),
    ("b.histogram.1t", "observe, 1 thread"),
    ("b.histogram.2t", "observe, 2 threads"),
    ("c.lookup.2t", "labelled count, 2 threads"),
    ("d.dynamic1000.1t", "run-time labels, 1 thread"),
    ("e.text.10k", "text, 10 000 series"),
    ("e.text.hist1k", "text, 1 000 histograms"),
    ("e.proto.10k", "protobuf, 10 000 series"),
    ("g.http.1.rps", "scrapes/s, 1 gauge"),
    ("g.http.10k.rps", "scrapes/s, 10 000 series"),
];

const WIDTH: f64 = 760.0;
const LABELS: f64 = 210.0;
const BAR: f64 = 18.0;
const STEP: f64 = 27.0;
const TOP: f64 = 62.0;
/// Room for the figure behind the longest bar.
const RIGHT: f64 = 210.0;

pub(super) fn svg(rows: &[Row]) -> String {
    let bars: Vec<_> = SHOWN
        .iter()
        .filter_map(|(id, label)| {
            let row = rows.iter().find(|row| row.id == *id)?;
            let ratio = row.ratio()?;
            let times = if row.more_is_better {
                ratio
            } else {
                1.0 / ratio
            };
            Some((*label, times, row.best()?.peer.as_str()))
        })
        .collect();
    let longest = bars.iter().map(|(_, times, _)| *times).fold(1.0, f64::max);
    let scale = (WIDTH - LABELS - RIGHT) / longest;
    let height = TOP + STEP * bars.len() as f64 + 14.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>exporter-kit beside the best Rust peer</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"25\" font-size=\"16\" font-weight=\"600\">exporter-kit beside the best \
         Rust peer</text>\n\
         <text x=\"16\" y=\"44\" fill=\"#666\">how many times as fast; the line is where both are \
         equal</text>\n"
    );
    for (i, (label, times, peer)) in bars.iter().enumerate() {
        let y = TOP + STEP * i as f64;
        let (length, middle) = (times * scale, y + BAR - 4.5);
        let colour = if *times >= 1.0 { "#2f7d4f" } else { "#b5532d" };
        _ = writeln!(
            out,
            "<text x=\"{:.0}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>\n\
             <rect x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
             <text x=\"{:.1}\" y=\"{middle}\">{}× <tspan fill=\"#666\">{peer}</tspan></text>",
            LABELS - 8.0,
            LABELS + length + 6.0,
            figure(*times),
        );
    }
    let x = LABELS + scale;
    _ = writeln!(
        out,
        "<path d=\"M{x:.1} {:.0}V{:.0}\" stroke=\"#222\" stroke-dasharray=\"3 3\"/>\n</svg>",
        TOP - 6.0,
        height - 12.0
    );
    out
}
