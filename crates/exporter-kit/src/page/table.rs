//! The metrics as a plain table, for browsers without script.

use std::fmt::{self, Display, Write as _};

use super::html::escape;
use super::own::is_own;
use crate::collect::Sink;
use crate::encode::number;
use crate::model::{Descriptor, HistogramValue, Number, Sample, SeriesKey, SummaryValue, Value};

/// The largest number of series in the table.
pub(crate) const MAX_SERIES: usize = 1000;

/// The largest size of the table, in bytes, for labels of any length.
const MAX_BYTES: usize = 512 * 1024;

/// Writes families as sections of HTML, up to a limit.
#[derive(Default)]
pub(crate) struct Table {
    /// The section that is being written, or nothing.
    out: String,
    /// The sections of the application.
    application: String,
    /// The sections about the exporter itself.
    own: String,
    is_own: bool,
    series: usize,
    /// The family whose first series has not arrived; a family without series is not shown.
    pending: Option<Descriptor>,
    open: bool,
    cut: bool,
}

impl Table {
    /// Returns the sections, and whether series were left out.
    pub(crate) fn finish(mut self) -> (String, bool) {
        self.close();
        let mut sections = self.application;
        if !self.own.is_empty() {
            sections.push_str("<details class=\"own\"><summary>About the exporter</summary>\n");
            sections.push_str(&self.own);
            sections.push_str("</details>\n");
        }
        (sections, self.cut)
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.out.push_str("</tbody></table></section>\n");
            let sections = match self.is_own {
                true => &mut self.own,
                false => &mut self.application,
            };
            sections.push_str(&self.out);
            self.out.clear();
        }
    }

    fn begin(&mut self, family: &Descriptor, alone: bool) {
        let out = &mut self.out;
        out.push_str("<section class=\"family");
        if alone {
            out.push_str(" single");
        }
        out.push_str("\"><header><h2>");
        escape(out, family.name());
        let _ = write!(
            out,
            "</h2> <span class=\"type\">{}</span>",
            family.metric_type()
        );
        if !family.unit().is_empty() {
            out.push_str(" <span class=\"unit\">");
            escape(out, family.unit());
            out.push_str("</span>");
        }
        out.push_str("<p class=\"help\">");
        escape(out, family.help());
        out.push_str(
            "</p></header><table><thead><tr><th scope=\"col\">Labels</th>\
             <th scope=\"col\">Value</th></tr></thead><tbody>\n",
        );
        self.open = true;
    }

    fn row(&mut self, head: SeriesKey<'_>, value: &Value<'_>) {
        let out = &mut self.out;
        out.push_str("<tr><td class=\"labels\">");
        for (name, value) in head.labels() {
            out.push_str("<span class=\"label\"><b>");
            escape(out, &name);
            out.push_str("</b>=");
            escape(out, &value);
            out.push_str("</span> ");
        }
        out.push_str("</td><td class=\"value\">");
        match value {
            Value::Counter(number, _)
            | Value::Gauge(number)
            | Value::Unknown(number)
            | Value::Line(number, _) => {
                let _ = write!(out, "{}", Plain(*number));
            }
            Value::Histogram(value) | Value::GaugeHistogram(value) => histogram(out, value),
            Value::Summary(value) => summary(out, value),
            Value::Info => out.push('1'),
            Value::StateSet(states) => {
                let mut separator = "";
                for (state, _) in states.iter().filter(|(_, on)| *on) {
                    out.push_str(std::mem::replace(&mut separator, ", "));
                    escape(out, state);
                }
                if separator.is_empty() {
                    out.push('–');
                }
            }
        }
        out.push_str("</td></tr>\n");
    }
}

impl Sink for Table {
    fn family(&mut self, descriptor: &Descriptor) -> bool {
        if self.cut {
            return false;
        }
        self.close();
        self.is_own = is_own(descriptor.name());
        self.pending = Some(descriptor.clone());
        true
    }

    fn sample(&mut self, head: SeriesKey<'_>, point: &Sample<'_>) -> bool {
        if self.cut || self.series == MAX_SERIES {
            self.cut = true;
            return false;
        }
        let before = (self.out.len(), self.open);
        if let Some(family) = self.pending.take() {
            self.begin(&family, is_alone(head, &point.value));
        }
        self.row(head, &point.value);
        if self.application.len() + self.own.len() + self.out.len() > MAX_BYTES {
            self.out.truncate(before.0);
            self.open = before.1;
            self.cut = true;
            return false;
        }
        self.series += 1;
        true
    }
}

/// Returns whether a series is the only one of its family and a single number, which is shown beside the name.
fn is_alone(head: SeriesKey<'_>, value: &Value<'_>) -> bool {
    let is_number = matches!(
        value,
        Value::Counter(..) | Value::Gauge(_) | Value::Unknown(_) | Value::Line(..)
    );
    is_number && head.labels().next().is_none()
}

/// A number as in the text format, without the `.0` of integers.
struct Plain(Number);

impl Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = Vec::new();
        number::value(&mut digits, self.0);
        let digits = String::from_utf8_lossy(&digits);
        f.write_str(digits.strip_suffix(".0").unwrap_or(&digits))
    }
}

fn histogram(out: &mut String, value: &HistogramValue) {
    let _ = write!(out, "count {}", value.count());
    if let Some(sum) = value.sum() {
        let _ = write!(out, ", sum {}", Plain(Number::F64(sum)));
    }
    out.push_str("<small>");
    for (bound, count) in value.bounds().iter().zip(value.cumulative_counts()) {
        let _ = write!(
            out,
            " <span>≤ {}: {count}</span>",
            Plain(Number::F64(*bound))
        );
    }
    out.push_str("</small>");
}

fn summary(out: &mut String, value: &SummaryValue) {
    let mut parts = Vec::new();
    parts.extend(value.count.map(|count| format!("count {count}")));
    parts.extend(
        value
            .sum
            .map(|sum| format!("sum {}", Plain(Number::F64(sum)))),
    );
    out.push_str(&parts.join(", "));
    out.push_str("<small>");
    for (quantile, value) in &value.quantiles {
        let (quantile, value) = (Plain(Number::F64(*quantile)), Plain(Number::F64(*value)));
        let _ = write!(out, " <span>quantile {quantile}: {value}</span>");
    }
    out.push_str("</small>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::Format;
    use crate::{Family, Gauge, Registry};

    fn table(registry: &Registry) -> (String, bool) {
        let mut table = Table::default();
        registry
            .scrape(Format::OpenMetrics)
            .collect_into(&mut table);
        table.finish()
    }

    fn gauges(count: usize, label: impl Fn(usize) -> String) -> Registry {
        let registry = Registry::new();
        let family: Family<Gauge, 1> = registry
            .add(Gauge::define("jobs", "Jobs.").labels(["queue"]))
            .unwrap();
        for i in 0..count {
            family.with([&label(i)]).set(i as u64);
        }
        registry
    }

    #[test]
    fn every_kind_is_shown() {
        let registry = Registry::new();
        registry
            .gauge("depth", "How deep <b>it</b> is")
            .unwrap()
            .set(4);
        registry.counter("jobs_total", "Jobs").unwrap().inc();
        let wait = registry.histogram("wait_seconds", "Wait").unwrap();
        wait.observe(0.2);
        registry.summary("size_bytes", "Size").unwrap().observe(2.5);
        registry
            .info("app_info", "App", &[("version", "1\"2")])
            .unwrap();
        let (html, cut) = table(&registry);
        assert!(!cut);
        for part in [
            "<h2>depth</h2> <span class=\"type\">gauge</span>",
            "How deep &lt;b&gt;it&lt;/b&gt; is",
            "<td class=\"value\">4</td>",
            "<td class=\"value\">1</td>",
            "count 1, sum 0.2<small> <span>≤ 0.005: 0</span>",
            "count 1, sum 2.5",
            "<b>version</b>=1&quot;2</span>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert_eq!(html.matches("<section").count(), 5);
        assert_eq!(html.matches("</section>").count(), 5);
    }

    #[test]
    fn families_about_the_exporter_are_folded_below_the_others() {
        let registry = Registry::new();
        for name in ["a_source_up", "process_threads", "zebras"] {
            registry.gauge(name, "Help.").unwrap().set(1);
        }
        let (html, _) = table(&registry);
        let at = |part: &str| html.find(part).unwrap();
        assert!(at("zebras") < at("<details class=\"own\">"));
        assert!(at("<details class=\"own\">") < at("a_source_up"));
        assert!(at("a_source_up") < at("process_threads"));
        assert!(html.ends_with("</section>\n</details>\n"));
    }

    #[test]
    fn a_family_without_series_is_not_shown() {
        assert_eq!(table(&gauges(0, |_| String::new())), (String::new(), false));
    }

    #[test]
    fn many_series_are_cut_off() {
        let (html, cut) = table(&gauges(MAX_SERIES, |i| i.to_string()));
        assert_eq!((html.matches("<tr><td").count(), cut), (MAX_SERIES, false));
        let (html, cut) = table(&gauges(MAX_SERIES + 1, |i| i.to_string()));
        assert_eq!((html.matches("<tr><td").count(), cut), (MAX_SERIES, true));
    }

    #[test]
    fn long_labels_are_cut_off() {
        let (html, cut) = table(&gauges(20, |i| format!("{i}{}", "<".repeat(50_000))));
        assert!(cut);
        assert!(html.len() <= MAX_BYTES + 100, "{}", html.len());
        assert!(html.ends_with("</section>\n"));
    }
}
