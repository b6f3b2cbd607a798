//! The key of a series, name and labels, rendered once.

use std::borrow::Cow;

use crate::model::MetricType;
use crate::model::escape;
use crate::name::{self, NameError, NameErrorKind, NameScheme};

/// The name and labels of a series, rendered once: `name{label="value",…}`.
///
/// An encoder copies the text and appends the value. Label values are already escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SeriesKeyBuf {
    /// Invariant: the family's name, then nothing or `{`, labels without duplicates, `}`; then one space.
    text: Box<str>,
    name_len: u32,
    /// Invariant: true only if every name is a legacy name.
    legacy: bool,
}

impl SeriesKeyBuf {
    /// Renders a key. The names must have passed the validator.
    pub(crate) fn new<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::with_capacity(name.len() + 64);
        let legacy = render_key(&mut text, name, labels);
        let name_len = u32::try_from(name.len()).unwrap_or(u32::MAX);
        Self {
            text: text.into_boxed_str(),
            name_len,
            legacy,
        }
    }

    #[inline]
    pub(crate) fn as_key(&self) -> SeriesKey<'_> {
        SeriesKey {
            start: "",
            rest: &self.text,
            name_len: self.name_len,
            legacy: self.legacy,
        }
    }
}

/// Appends `name{labels} ` to `text`. Returns whether all names are legacy names.
pub(crate) fn render_key<'a>(
    text: &mut String,
    name: &str,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> bool {
    text.push_str(name);
    render_labels(text, labels) && name::is_legacy_metric_name(name)
}

/// Appends `{labels} `, or one space without labels. Returns whether all names are legacy names.
pub(crate) fn render_labels<'a>(
    text: &mut String,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> bool {
    let mut legacy = true;
    let mut separator = '{';
    for (label, value) in labels {
        text.push(separator);
        separator = ',';
        if name::is_legacy_label_name(label) {
            text.push_str(label);
        } else {
            legacy = false;
            text.push('"');
            escape::label_value(text, label);
            text.push('"');
        }
        text.push_str("=\"");
        escape::label_value(text, value);
        text.push('"');
    }
    text.push_str(if separator == ',' { "} " } else { " " });
    legacy
}

impl From<SeriesKey<'_>> for SeriesKeyBuf {
    fn from(key: SeriesKey<'_>) -> Self {
        Self {
            text: key.parts().concat().into(),
            name_len: key.name_len,
            legacy: key.legacy,
        }
    }
}

/// The name and labels that identify a series, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct SeriesKey<'a> {
    /// The common beginning of the family's keys: empty, or the name, whole labels and a separator.
    start: &'a str,
    rest: &'a str,
    name_len: u32,
    legacy: bool,
}

impl<'a> SeriesKey<'a> {
    pub(crate) fn from_parts(text: &'a str, name_len: usize, legacy: bool) -> Self {
        Self {
            start: "",
            rest: text,
            name_len: u32::try_from(name_len).unwrap_or(u32::MAX),
            legacy,
        }
    }

    /// Creates a key with `start` before its text: empty, or the name, whole labels and a separator.
    #[inline]
    pub(crate) fn after(self, start: &'a str) -> Self {
        Self { start, ..self }
    }

    /// `name{labels} `, ready for a value to follow, in two parts, the first of which may be empty.
    #[inline]
    pub(crate) fn parts(self) -> [&'a str; 2] {
        [self.start, self.rest]
    }

    /// The length of both parts.
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.start.len() + self.rest.len()
    }

    /// `name{labels} ` in one piece.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self.start {
            "" => Cow::Borrowed(self.rest),
            start => Cow::Owned([start, self.rest].concat()),
        }
    }

    /// The name of the family.
    pub fn name(self) -> &'a str {
        let text = match self.start {
            "" => self.rest,
            start => start,
        };
        &text[..self.name_len as usize]
    }

    /// The labels as the text formats write them, without braces, in two parts: `a="b",` and `c="d"`. Either may
    /// be empty.
    #[inline]
    pub(crate) fn label_parts(self) -> [&'a str; 2] {
        let behind_name = self.name_len as usize + 1;
        let begin = match self.start {
            "" => behind_name,
            _ => 0,
        };
        let end = self.rest.len().saturating_sub("} ".len());
        [
            self.start.get(behind_name..).unwrap_or(""),
            self.rest.get(begin..end).unwrap_or(""),
        ]
    }

    /// Returns the labels as pairs of name and value, unescaped, in their order.
    pub fn labels(self) -> Labels<'a> {
        let [first, rest] = self.label_parts();
        Labels { first, rest }
    }

    /// Returns whether every name can be written without quotes and escaping.
    #[inline]
    pub(crate) fn is_legacy(self) -> bool {
        self.legacy
    }
}

/// Iterates over the labels of a [`SeriesKey`], unescaped.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    /// Whole labels before the others.
    first: &'a str,
    rest: &'a str,
}

impl<'a> Labels<'a> {
    /// Iterates over a part of the labels of a key.
    pub(crate) fn of(rest: &'a str) -> Self {
        Self { first: "", rest }
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.first, "" | ",") {
            return next_label(&mut self.rest);
        }
        next_label(&mut self.first)
    }
}

/// Removes the first label from the text, and the comma before it, if any.
#[inline]
fn next_label<'a>(labels: &mut &'a str) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let rest = labels.strip_prefix(',').unwrap_or(labels);
    if rest.is_empty() {
        return None;
    }
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let end = escape::closing_quote(quoted)?;
            (escape::unescape(&quoted[..end]), &quoted[end + 1..])
        }
        None => {
            let end = memchr::memchr(b'=', rest.as_bytes())?;
            (Cow::Borrowed(&rest[..end]), &rest[end..])
        }
    };
    let quoted = rest.strip_prefix("=\"")?;
    let end = escape::closing_quote(quoted)?;
    *labels = &quoted[end + 1..];
    Some((name, escape::unescape(&quoted[..end])))
}

/// Checks the labels of one series from a collector.
pub(crate) fn check_labels(
    names: &[&str],
    metric: &str,
    metric_type: MetricType,
    scheme: NameScheme,
) -> Result<(), NameError> {
    /// More names are sorted to find a duplicate, which takes linear time for any number of them.
    const COMPARED_NAMES: usize = 16;
    let checked = if names.len() <= COMPARED_NAMES {
        name::check_label_names(names, metric, metric_type, scheme)
    } else {
        check_many_labels(names, metric, metric_type, scheme)
    };
    checked.map_err(|(i, fault)| NameError::new(names[i], fault))
}

fn check_many_labels(
    names: &[&str],
    metric: &str,
    metric_type: MetricType,
    scheme: NameScheme,
) -> Result<(), (usize, NameErrorKind)> {
    for (i, name) in names.iter().enumerate() {
        name::check_label_names(&[name], metric, metric_type, scheme)
            .map_err(|(_, fault)| (i, fault))?;
    }
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|i| names[*i]);
    let mut pairs = order.windows(2);
    match pairs.find(|pair| names[pair[0]] == names[pair[1]]) {
        Some(pair) => Err((pair[1], NameErrorKind::DuplicateLabel)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_labels_back() {
        let labels = [("a", "x\"y\\z\n"), ("b", ""), ("c d", "{},=")];
        let key = SeriesKeyBuf::new("n", labels.iter().copied());
        let back: Vec<_> = key
            .as_key()
            .labels()
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        let expected: Vec<_> = labels
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(back, expected);
        assert!(!key.as_key().is_legacy());
        assert_eq!(
            SeriesKeyBuf::new("n", std::iter::empty()).as_key().text(),
            "n "
        );
    }
}
