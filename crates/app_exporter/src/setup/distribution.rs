//! Checks of the keys of histograms and summaries.

use crate::config::{At, Duplicates, Fault, MetricConfig, MetricType};

/// Adds the mistakes in the keys of a histogram or summary, and in such keys of other metrics.
pub(super) fn check(metric: &At<MetricConfig>, faults: &mut Vec<Fault>) {
    let place = metric.name.place();
    let mut fault = |message: String| faults.push(Fault::at(place, message));
    let is_histogram = metric.kind == MetricType::Histogram;
    let is_summary = metric.kind == MetricType::Summary;
    let has_buckets = !metric.buckets.0.is_empty();
    let has_quantiles = !metric.quantiles.0.is_empty();
    for (is_there, key, belongs, of) in [
        (has_buckets, "buckets", is_histogram, "histogram"),
        (metric.bucket.is_some(), "bucket", is_histogram, "histogram"),
        (!metric.cumulative, "cumulative", is_histogram, "histogram"),
        (has_quantiles, "quantiles", is_summary, "summary"),
        (metric.quantile.is_some(), "quantile", is_summary, "summary"),
        (
            metric.count.is_some(),
            "count",
            is_histogram || is_summary,
            "histogram",
        ),
        (
            metric.sum.is_some(),
            "sum",
            is_histogram || is_summary,
            "histogram",
        ),
    ] {
        if is_there && !belongs {
            fault(format!(
                "the key `{key}` belongs to a {of}; write `type: {of}`, or remove `{key}`"
            ));
        }
    }
    for (is_it, label, key) in [
        (is_histogram, "le", "bucket"),
        (is_summary, "quantile", "quantile"),
    ] {
        let mut own = metric.labels.0.iter().map(|(label, _)| label);
        if is_it && own.any(|own| own.as_str() == label) {
            fault(format!(
                "the label `{label}` is reserved; for one row of each, write `{key}: {label}` instead"
            ));
        }
    }
    if is_histogram {
        match (has_buckets, metric.bucket.is_some()) {
            (false, false) => fault(
                "a histogram needs `buckets` with a column for each, or `bucket` with the column of the upper bound"
                    .to_owned(),
            ),
            (true, true) => {
                fault("`buckets` and `bucket` exclude each other; remove one of the two".to_owned());
            }
            (true, false) if metric.cumulative && metric.count.is_none() => fault(
                "missing key `count`; add the column of all observations, which is the bucket `+Inf`"
                    .to_owned(),
            ),
            _ => (),
        }
    }
    if is_summary {
        match (has_quantiles, metric.quantile.is_some()) {
            (false, false) if metric.count.is_none() => fault(
                "a summary needs `quantiles` with a column for each, `quantile` with the column of the quantile, or `count`"
                    .to_owned(),
            ),
            (true, true) => fault(
                "`quantiles` and `quantile` exclude each other; remove one of the two".to_owned(),
            ),
            _ => (),
        }
        let mut quantiles = metric.quantiles.0.iter().map(|(quantile, _)| *quantile);
        if let Some(quantile) = quantiles.find(|quantile| !(0.0..=1.0).contains(quantile)) {
            fault(format!(
                "`{quantile}` is not a quantile; write a number from 0 to 1"
            ));
        }
    }
    if is_histogram || is_summary {
        let has_default = metric.default.is_some() || !metric.default_for.is_empty();
        for (is_there, key) in [(has_default, "default"), (!metric.map.is_empty(), "map")] {
            if is_there {
                fault(format!(
                    "`{key}` is for single numbers, not for a histogram or summary; remove it"
                ));
            }
        }
        if !matches!(
            metric.duplicates,
            Duplicates::Drop | Duplicates::Sum | Duplicates::Last
        ) {
            fault(
                "rows of a histogram or summary can be combined by `sum` or `last`; choose one of them"
                    .to_owned(),
            );
        }
    }
}
