//! Arguments and values that all servers share; each includes this file.

use std::time::Duration;

/// The port and the number of series of `serve PORT SERIES`.
pub(crate) fn arguments() -> (u16, usize) {
    let mut arguments = std::env::args()
        .skip(2)
        .map(|argument| argument.parse::<u32>());
    match (arguments.next(), arguments.next()) {
        (Some(Ok(port)), Some(Ok(series))) => (port as u16, series as usize),
        _ => panic!("usage: serve PORT SERIES"),
    }
}

/// The exercise's value after so many turns: a whole number from 10 to 100.
pub(crate) const fn sessions(turn: usize) -> f64 {
    (10 + turn * 37 % 91) as f64
}

/// Changes the values of a server's gauges without end: one gauge every five seconds, as in the exercise, and each of
/// many every second.
pub(crate) fn keep_changing(gauges: usize, set: impl Fn(usize, f64)) -> ! {
    let per_family = gauges.div_ceil(super::workload::GAUGE_FAMILIES);
    let interval = Duration::from_secs(if gauges == 1 { 5 } else { 1 });
    for turn in 1.. {
        std::thread::sleep(interval);
        for i in 0..gauges {
            let (family, series) = (i / per_family, i % per_family);
            let value = super::workload::value(family, series + turn);
            set(i, if gauges == 1 { sessions(turn) } else { value });
        }
    }
    unreachable!("turns do not end");
}
