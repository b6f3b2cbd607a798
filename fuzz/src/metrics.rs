//! Registries of any metrics, with anything recorded.

use std::time::Duration;

use exporter_kit::{Counter, Format, Gauge, Histogram, Registry, StateSet, Summary, parse};

use crate::bytes::{Choices, check_delimited};

/// Whatever is defined and recorded, every format is valid to its strictest reader here, and says the same.
pub fn structure(data: &[u8]) {
    let mut choices = Choices(data);
    let registry = Registry::new();
    registry.show_created_samples(choices.byte() & 1 == 1);
    for _ in 0..4 {
        if choices.is_empty() {
            break;
        }
        metric(&registry, &mut choices);
    }
    let snapshot = registry.snapshot();
    let body = registry.scrape(Format::OpenMetrics).to_vec();
    let shown = || String::from_utf8_lossy(&body);
    let read = match parse::openmetrics(&body) {
        Ok(read) => read,
        Err(error) => panic!("{error}\n{}", shown()),
    };
    let count = |of: &exporter_kit::Snapshot| {
        let families = of
            .families()
            .iter()
            .filter(|family| family.series().len() > 0);
        families
            .map(|family| family.series().len())
            .collect::<Vec<_>>()
    };
    assert_eq!(count(&snapshot), count(&read), "{}", shown());
    for format in [Format::Text, Format::TextUtf8] {
        let body = registry.scrape(format).to_vec();
        if let Err(error) = parse::text(&body) {
            panic!("{error}\n{}", String::from_utf8_lossy(&body));
        }
    }
    check_delimited(&registry.scrape(Format::Protobuf).to_vec());
}

fn metric(registry: &Registry, choices: &mut Choices<'_>) {
    let kind = choices.below(5);
    let (mut name, help, label, value) = (
        choices.text(),
        choices.text(),
        choices.text(),
        choices.text(),
    );
    let buckets = [choices.float(), choices.float()];
    let native = choices.byte();
    let exemplar = [(label.as_str(), value.as_str())];
    // What is not valid is refused, which is as good.
    match kind {
        0 => {
            name.push_str("_total");
            let definition = Counter::define(&name, &help).utf8_names().labels([&label]);
            if let Ok(family) = registry.add(definition) {
                let counter = family.with([&value]);
                (0..2).for_each(|_| counter.inc_by(choices.float()));
                let _ = counter.inc_with_exemplar(choices.float(), &exemplar);
            }
        }
        1 => {
            let definition = Gauge::define(&name, &help).utf8_names().labels([&label]);
            if let Ok(family) = registry.add(definition) {
                family.with([&value]).set(choices.float());
            }
        }
        2 => {
            let mut definition = Histogram::define(&name, &help).utf8_names();
            if native & 1 == 0 {
                definition = definition.buckets(&buckets);
            }
            if native & 2 == 2 {
                definition = definition
                    .native_schema(i32::from(native >> 4) - 4)
                    .native_bucket_limit(usize::from(native >> 2 & 3) + 1);
            }
            if let Ok(family) = registry.add(definition.labels([&label])) {
                let histogram = family.with([&value]);
                (0..choices.below(8)).for_each(|_| histogram.observe(choices.float()));
                let _ = histogram.observe_with_exemplar(choices.float(), &exemplar);
            }
        }
        3 => {
            let quantiles = [0.5, 0.9];
            let definition = Summary::define(&name, &help)
                .quantiles(&quantiles, Duration::from_secs(60))
                .utf8_names();
            if let Ok(family) = registry.add(definition.labels([&label])) {
                let summary = family.with([&value]);
                (0..choices.below(8)).for_each(|_| summary.observe(choices.float()));
            }
        }
        _ => {
            let states = [label.as_str(), &value];
            if let Ok(set) = registry.add(StateSet::define(&name, &help, &states).utf8_names()) {
                set.set(&value);
            }
        }
    }
}
