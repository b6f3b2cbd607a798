//! What stands before a value in the text formats: a series' head with its family's suffix, and the `#` lines.

use std::borrow::Cow;

use crate::encode::escape::PushText;
use crate::encode::{Escaping, escape};
use crate::model::{Head, MetricType, render_head};
use crate::name;

/// Appends `name+suffix{labels} `, or `name+suffix{labels,` if more labels follow. A name that is no legacy name goes
/// into the braces, in quotes.
#[inline]
pub(crate) fn render_prefix(
    prefix: &mut impl PushText,
    head: Head<'_>,
    name: &str,
    suffix: &str,
    more: bool,
) {
    let mut separator = "{";
    if head.is_legacy() || name::is_legacy_metric_name(name) {
        prefix.push_text(name);
        prefix.push_text(suffix);
    } else {
        prefix.push_text("{\"");
        escape::label_value(prefix, name);
        prefix.push_text(suffix);
        prefix.push_text("\"");
        separator = ",";
    }
    let [first, rest] = head.label_parts();
    if !first.is_empty() || !rest.is_empty() {
        prefix.push_text(separator);
        prefix.push_text(first);
        prefix.push_text(rest);
        separator = ",";
    }
    prefix.push_text(match (more, separator) {
        (true, separator) => separator,
        (false, "{") => " ",
        (false, _) => "} ",
    });
}

/// `name="state"} `, the end of a state's head.
pub(crate) fn render_state(out: &mut impl PushText, name: &str, state: &str) {
    let quote = if name::is_legacy_label_name(name) {
        ""
    } else {
        "\""
    };
    out.push_text(quote);
    escape::label_value(out, name);
    out.push_text(quote);
    out.push_text("=\"");
    escape::label_value(out, state);
    out.push_text("\"} ");
}

/// A head whose names are escaped.
pub(crate) struct EscapedHead {
    text: String,
    name_len: usize,
}

impl EscapedHead {
    /// The head again, its names escaped. Of labels whose names become one the first stays.
    pub(crate) fn of(head: Head<'_>, escaping: Escaping) -> Self {
        let name = escaping.metric_name(head.name());
        let mut labels: Vec<(String, Cow<'_, str>)> = Vec::new();
        for (label, value) in head.labels() {
            let label = escaping.label_name(&label).into_owned();
            if labels.iter().all(|(other, _)| *other != label) {
                labels.push((label, value));
            }
        }
        let mut text = String::new();
        let labels = labels.iter().map(|(name, value)| (name.as_str(), &**value));
        render_head(&mut text, &name, labels);
        Self {
            text,
            name_len: name.len(),
        }
    }

    pub(crate) fn as_head(&self) -> Head<'_> {
        Head::from_parts(&self.text, self.name_len, true)
    }
}

/// How the line of a family's help begins.
pub(crate) const HELP_KEYWORD: &str = "# HELP ";

/// How the line of a family's type begins.
pub(super) const TYPE_KEYWORD: &str = "# TYPE ";

/// The `#` lines of a family in the text format, for a name that is written as it is.
pub(crate) fn text_header(kind: MetricType, name: &str, help: &str) -> String {
    let keywords = HELP_KEYWORD.len() + TYPE_KEYWORD.len();
    let kind = text_kind(kind);
    let mut header = String::with_capacity(keywords + 2 * name.len() + help.len() + kind.len() + 4);
    header.push_str(HELP_KEYWORD);
    header.push_str(name);
    header.push(' ');
    escape::help_text(&mut header, help);
    header.push('\n');
    header.push_str(TYPE_KEYWORD);
    header.push_str(name);
    header.push(' ');
    header.push_str(kind);
    header.push('\n');
    header
}

/// The text format's word for a type, the nearest one where it has none.
pub(super) fn text_kind(kind: MetricType) -> &'static str {
    match kind {
        MetricType::Counter => "counter",
        MetricType::Gauge | MetricType::Info | MetricType::StateSet => "gauge",
        MetricType::Histogram | MetricType::GaugeHistogram => "histogram",
        MetricType::Summary => "summary",
        MetricType::Unknown => "untyped",
    }
}

/// The `#` lines of one family.
pub(crate) struct HeaderLine<'a> {
    name: Cow<'a, str>,
    quoted: bool,
}

impl<'a> HeaderLine<'a> {
    /// Lines for `name`, which is a legacy name if `legacy` says so.
    pub(crate) fn new(name: &'a str, legacy: bool, escaping: Escaping) -> Self {
        if legacy && escaping.keeps_legacy() {
            return Self {
                name: Cow::Borrowed(name),
                quoted: false,
            };
        }
        let name = escaping.metric_name(name);
        let quoted = !name::is_legacy_metric_name(&name);
        Self { name, quoted }
    }

    /// Appends the keyword, the name, quoted if need be, and what `text` appends.
    #[inline]
    pub(crate) fn render(&self, out: &mut Vec<u8>, keyword: &str, text: impl FnOnce(&mut Vec<u8>)) {
        out.push_text(keyword);
        if self.quoted {
            out.push_text("\"");
            escape::label_value(out, &self.name);
            out.push_text("\"");
        } else {
            out.push_text(&self.name);
        }
        out.push_text(" ");
        text(out);
        out.push_text("\n");
    }
}
