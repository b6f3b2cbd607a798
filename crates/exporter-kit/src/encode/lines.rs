//! The text before a value: name with suffix, labels, and the `#` lines.

use std::borrow::Cow;

use hashbrown::HashSet;

use crate::encode::Escaping;
use crate::model::escape::{self, PushText};
use crate::model::{SeriesKey, render_key};
use crate::name;

/// Appends `name+suffix{labels} `, or `name+suffix{labels,` if more labels follow. A UTF-8 name is written inside the
/// braces, in quotes.
#[inline]
pub(crate) fn render_prefix(
    prefix: &mut impl PushText,
    key: SeriesKey<'_>,
    name: &str,
    suffix: &str,
    more: bool,
) {
    let mut separator = "{";
    if key.is_legacy() || name::is_legacy_metric_name(name) {
        prefix.push_text(name);
        prefix.push_text(suffix);
    } else {
        prefix.push_text("{\"");
        escape::label_value(prefix, name);
        prefix.push_text(suffix);
        prefix.push_text("\"");
        separator = ",";
    }
    let [first, rest] = key.label_parts();
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

/// Appends `name="state"} `, the last label of a state.
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

/// A series key with escaped names.
pub(crate) struct EscapedKey {
    text: String,
    name_len: usize,
}

impl EscapedKey {
    /// Escapes the names of a key. If two label names become the same, the first label stays.
    pub(crate) fn of(key: SeriesKey<'_>, escaping: Escaping) -> Self {
        let name = escaping.metric_name(key.name());
        let mut names: HashSet<String> = HashSet::new();
        let mut labels: Vec<(String, Cow<'_, str>)> = Vec::new();
        for (label, value) in key.labels() {
            let label = escaping.label_name(&label).into_owned();
            if names.insert(label.clone()) {
                labels.push((label, value));
            }
        }
        let mut text = String::new();
        let labels = labels.iter().map(|(name, value)| (name.as_str(), &**value));
        render_key(&mut text, &name, labels);
        Self {
            text,
            name_len: name.len(),
        }
    }

    pub(crate) fn as_key(&self) -> SeriesKey<'_> {
        SeriesKey::from_parts(&self.text, self.name_len, true)
    }
}

/// The `#` lines of one family.
pub(crate) struct HeaderLine<'a> {
    name: Cow<'a, str>,
    quoted: bool,
}

impl<'a> HeaderLine<'a> {
    /// Creates the lines for `name`; `legacy` must be true only for a legacy name.
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

    /// Appends the keyword, the name in quotes if it needs them, and the output of `text`.
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
