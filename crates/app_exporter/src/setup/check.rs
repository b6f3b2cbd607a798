//! What can be wrong with a configuration whose keys and values are each right.

use std::collections::BTreeMap;

use exporter_kit::{NameErrorKind, Registry};

use crate::config::{At, Duplicates, Fault, MetricConfig, MetricType, instead, there_is};
use crate::decode::{Format, PartInfo, Parts};
use crate::setup::families::Families;
use crate::setup::source::{SourceConfig, SourceName};

/// Everything that is wrong.
pub(super) fn check(sources: &BTreeMap<At<SourceName>, SourceConfig>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut families = Families::default();
    for (name, source) in sources {
        check_source(name, source, &mut faults);
        for (i, metric) in source.metrics.iter().enumerate() {
            families.check(metric, &mut faults);
            if let Some(same) = source.metrics[..i].iter().find(|other| *other == metric) {
                faults.push(Fault::at(
                    metric.name.place(),
                    format!(
                        "the metric `{}` is the same as that in line {}; drop one of the two",
                        metric.name.as_str(),
                        same.name.place().line
                    ),
                ));
            }
        }
    }
    faults
}

fn check_source(name: &At<SourceName>, source: &SourceConfig, faults: &mut Vec<Fault>) {
    if let Some(cache) = source.conflicting_schedule() {
        faults.push(Fault::at(
            cache.place(),
            "there is an `interval` and a `cache`; drop the one, as a source asked in the background \
             needs no cache, or the other",
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
            format!("the source `{}` has no `metrics`; add one", name.as_str()),
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
            "`targets` is empty, so that no target is allowed; add one",
        ));
    }
    if let Some(interval) = source.interval() {
        faults.push(Fault::at(
            interval.place(),
            "there is an `interval` and a `probe`, and a template is asked only when it is probed; \
             drop one of the two, or write `cache` in place of `interval`",
        ));
    }
}

/// Names, by the library's one validator, and what goes together.
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
                    "the label `{}` stands twice; drop or rename one of the two",
                    label.as_str()
                ),
            ));
        }
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
                "the scale `{}` makes every number the same; write another",
                **scale
            ),
        ));
    }
    let Some(value) = &metric.value else { return };
    let needless = match (metric.kind, metric.duplicates) {
        (MetricType::Info, _) => "an info metric is always 1",
        (_, Duplicates::Count) => "with `duplicates: count` the number is that of the rows",
        _ => return,
    };
    faults.push(Fault::at(
        value.place(),
        format!(
            "the column `{}` is not needed: {needless}; drop `value`",
            value.as_str()
        ),
    ));
}

fn check_default(metric: &At<MetricConfig>, faults: &mut Vec<Fault>) {
    let counted = metric.duplicates == Duplicates::Count;
    for set in &metric.default_for {
        if metric.default.is_none() && !counted {
            faults.push(Fault::at(
                set.place(),
                "`default_for` has no number to give; add `default`",
            ));
        }
        let names = || metric.labels.0.iter().map(|(label, _)| label.as_str());
        if let Some(unknown) = set.keys().find(|key| !names().any(|name| name == *key)) {
            let labels: Vec<_> = names().collect();
            faults.push(Fault::at(
                set.place(),
                format!(
                    "`{unknown}` is none of the metric's `labels`{}",
                    instead(unknown, labels.iter().copied())
                ),
            ));
        }
        if let Some(missing) = names().find(|name| !set.contains_key(*name)) {
            faults.push(Fault::at(
                set.place(),
                format!("the label `{missing}` is missing; a label set has a value for each label"),
            ));
        }
    }
}

/// The set of rows that the metric is made from.
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
                        "the metric has no `from` to say of which set of rows it is made{}",
                        there_is(parts.names())
                    ),
                    None => {
                        "the source's `format` gives families and no rows, so no metric is made of \
                             them; drop `metrics`, or choose another `format`"
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
                "unknown set of rows `{}`{}",
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
    let value = metric.value.as_ref();
    let implied = metric.value_column().filter(|_| value.is_none());
    let implied = implied.map(|column| (column, metric.name.place()));
    let labels = metric.labels.0.iter().map(|(_, column)| column);
    let columns = value.into_iter().chain(labels).chain(&metric.timestamp);
    let columns = columns.map(|column| (column.as_str(), column.place()));
    for (column, place) in columns.chain(implied) {
        match &part.columns {
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
