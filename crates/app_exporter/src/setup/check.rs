//! Checks of a configuration beyond single keys and values.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use exporter_kit::{NameErrorKind, Registry};

use crate::config::{At, Duplicates, Fault, MetricConfig, MetricType, VALUE, instead, there_is};
use crate::decode::{Format, PartInfo, Parts};
use crate::setup::config::DeclaredSource;
use crate::setup::distribution;
use crate::setup::families::Families;
use crate::setup::source::{SourceConfig, SourceName};

/// Returns all mistakes, with their files.
pub(super) fn check(sources: &BTreeMap<At<SourceName>, DeclaredSource>) -> Vec<(Arc<Path>, Fault)> {
    let mut all = Vec::new();
    let mut families = Families::new();
    for (name, DeclaredSource { file, config }) in sources {
        let mut faults = Vec::new();
        check_source(name, config, &mut faults);
        for (i, metric) in config.metrics.iter().enumerate() {
            families.check(metric, file, &mut faults);
            if let Some(same) = config.metrics[..i].iter().find(|other| *other == metric) {
                faults.push(Fault::at(
                    metric.name.place(),
                    format!(
                        "the metric `{}` repeats line {}; remove one of the two",
                        metric.name.as_str(),
                        same.name.place().line
                    ),
                ));
            }
        }
        all.extend(faults.into_iter().map(|fault| (Arc::clone(file), fault)));
    }
    all
}

fn check_source(name: &At<SourceName>, source: &SourceConfig, faults: &mut Vec<Fault>) {
    if let Some(cache) = source.conflicting_schedule() {
        faults.push(Fault::at(
            cache.place(),
            "`interval` and `cache` exclude each other: a source with an interval needs no cache; remove one of the two",
        ));
    }
    check_probe(source, faults);
    let named = match source.origin() {
        Ok(named) => named,
        Err(message) => {
            faults.push(Fault::at(
                name.place(),
                format!("the source `{name}` {message}", name = name.as_str()),
            ));
            return;
        }
    };
    let (origin, format) = (named.origin, named.origin.format());
    origin.check(named.place, faults);
    if let Some(format) = format {
        format.check(faults);
    }
    if source.metrics.is_empty() && !format.is_some_and(Format::gives_families) {
        faults.push(Fault::at(
            name.place(),
            format!(
                "the source `{}` lacks `metrics`; add a metric",
                name.as_str()
            ),
        ));
    }
    let parts = origin.parts();
    // Why there are no rows is said already, unless a format is the reason.
    let knows_parts = !parts.list.is_empty() || format.is_some();
    for metric in &source.metrics {
        check_metric(metric, faults);
        if knows_parts && let Some(part) = check_part(metric, &parts, faults) {
            check_columns(metric, part, format, faults);
        }
    }
}

fn check_probe(source: &SourceConfig, faults: &mut Vec<Fault>) {
    let Some(probe) = &source.probe else { return };
    if probe.targets.is_empty() {
        faults.push(Fault::at(
            probe.place(),
            "`targets` is empty, so that every target is rejected; add one",
        ));
    }
    for entry in &probe.targets {
        entry.check(faults);
    }
    let mut metrics = source.metrics.iter();
    if let Some(metric) = metrics.find(|metric| metric.accumulate) {
        faults.push(Fault::at(
            metric.name.place(),
            "`accumulate` and `probe` exclude each other: a target has no total between probes; remove one of the two",
        ));
    }
    if let Some(interval) = source.interval() {
        faults.push(Fault::at(
            interval.place(),
            "`interval` and `probe` exclude each other: a template is fetched only when it is probed; remove one of the two, or replace `interval` with `cache`",
        ));
    }
}

/// Checks names with the library's validator, and keys that exclude each other.
fn check_metric(metric: &At<MetricConfig>, faults: &mut Vec<Fault>) {
    if let Err(error) = metric.descriptor() {
        let unit = matches!(
            error.kind(),
            NameErrorKind::UnitSuffix | NameErrorKind::UnitNotAllowed
        );
        let unit = metric.unit.as_ref().filter(|_| unit);
        faults.push(Fault::at(
            unit.map_or(metric.name.place(), At::place),
            error.to_string(),
        ));
    }
    let own = metric.labels.0.iter().map(|(label, _)| label);
    let labels: Vec<_> = own.chain(metric.static_labels.keys()).collect();
    for (i, label) in labels.iter().enumerate() {
        // A scope of a registry checks names as every metric does.
        if let Err(error) = Registry::new().scoped("", &[(label.as_str(), "")]) {
            faults.push(Fault::at(label.place(), error.to_string()));
        }
        if labels.iter().take(i).any(|other| other == label) {
            faults.push(Fault::at(
                label.place(),
                format!(
                    "duplicate label `{}`; remove or rename one of the two",
                    label.as_str()
                ),
            ));
        }
    }
    for column in metric.columns() {
        column.check(column.place(), faults);
    }
    distribution::check(metric, faults);
    if metric.accumulate && metric.kind != MetricType::Counter {
        faults.push(Fault::at(
            metric.name.place(),
            "`accumulate` is for counters; write `type: counter`, or remove it",
        ));
    }
    check_numbers(metric, faults);
    check_default(metric, faults);
}

fn check_numbers(metric: &At<MetricConfig>, faults: &mut Vec<Fault>) {
    if let Some(scale) = &metric.scale
        && (!scale.is_finite() || **scale == 0.0)
    {
        faults.push(Fault::at(
            scale.place(),
            format!(
                "the scale `{}` makes all numbers equal; write a finite number other than 0",
                **scale
            ),
        ));
    }
    let Some(value) = &metric.value else { return };
    let needless = match (metric.kind, metric.duplicates) {
        (MetricType::Info, _) => "the value of an info metric is always 1",
        (MetricType::Histogram, _) if !metric.buckets.0.is_empty() => {
            "a histogram with `buckets` reads the columns of its buckets"
        }
        (MetricType::Summary, _)
            if !metric.quantiles.0.is_empty()
                || metric.count.is_some() && metric.quantile.is_none() =>
        {
            "a summary with `quantiles` reads the columns of its quantiles"
        }
        (MetricType::Histogram | MetricType::Summary, _) => return,
        (_, Duplicates::Count) => "`duplicates: count` exports the number of rows",
        _ => return,
    };
    faults.push(Fault::at(
        value.place(),
        format!("the key `value` is unused: {needless}; remove it"),
    ));
}

fn check_default(metric: &At<MetricConfig>, faults: &mut Vec<Fault>) {
    let counted = metric.duplicates == Duplicates::Count;
    for set in &metric.default_for {
        if metric.default.is_none() && !counted {
            faults.push(Fault::at(
                set.place(),
                "`default_for` needs a number; add `default`",
            ));
        }
        let names = || metric.labels.0.iter().map(|(label, _)| label.as_str());
        if let Some(unknown) = set.keys().find(|key| !names().any(|name| name == *key)) {
            let labels: Vec<_> = names().collect();
            faults.push(Fault::at(
                set.place(),
                format!(
                    "unknown label `{unknown}`{}",
                    instead(unknown, labels.iter().copied())
                ),
            ));
        }
        if let Some(missing) = names().find(|name| !set.contains_key(*name)) {
            faults.push(Fault::at(
                set.place(),
                format!("missing label `{missing}`; add a value for each label of the metric"),
            ));
        }
    }
}

/// The result set that the metric reads.
fn check_part<'p>(
    metric: &At<MetricConfig>,
    parts: &'p Parts,
    faults: &mut Vec<Fault>,
) -> Option<&'p PartInfo> {
    let Some(from) = &metric.from else {
        let default = parts.list.first().filter(|_| parts.first_is_default);
        if default.is_none() {
            faults.push(Fault::at(
                metric.name.place(),
                match parts.names().next() {
                    Some(_) => format!(
                        "missing key `from` to select a result set{}",
                        there_is(parts.names())
                    ),
                    None => {
                        "the source's `format` yields families instead of rows; remove `metrics`, or choose another `format`"
                            .to_owned()
                    }
                },
            ));
        }
        return default;
    };
    let part = parts.list.iter().find(|part| *part.name == **from);
    if part.is_none() {
        faults.push(Fault::at(
            from.place(),
            format!(
                "unknown result set `{}`{}",
                from.as_str(),
                instead(from, parts.names())
            ),
        ));
    }
    part
}

fn check_columns(
    metric: &At<MetricConfig>,
    part: &PartInfo,
    format: Option<&Format>,
    faults: &mut Vec<Fault>,
) {
    let has_implied = metric.has_value() && metric.value.is_none();
    let implied = has_implied.then_some((VALUE, metric.name.place()));
    let columns = metric.columns();
    let columns = columns.flat_map(|column| column.names(column.place()));
    for (column, place) in columns.chain(implied) {
        match &part.columns {
            Some(known) if known.is_empty() && format.is_some() => faults.push(Fault::at(
                place,
                format!(
                    "unknown column `{column}`: the regular expression has no named group; \
                     name one, as in `(?<{column}>[0-9]+)`"
                ),
            )),
            Some(known) if !known.iter().any(|name| **name == *column) => {
                let known: Vec<&str> = known.iter().map(|name| &**name).collect();
                faults.push(Fault::at(
                    place,
                    format!(
                        "unknown column `{column}`{}",
                        instead(column, known.iter().copied())
                    ),
                ));
            }
            Some(_) => (),
            None => {
                if let Some(format) = format {
                    format.check_column(column, place, faults);
                }
            }
        }
    }
}
