//! The key of a series, name and labels, rendered once.

use std::borrow::Cow;

use crate::model::MetricType;
use crate::model::escape;
use crate::name::{self, NameError, NameScheme};

/// The name and labels of a series, rendered once: `name{label="value",…}`.
///
/// An encoder copies the text and appends the value. Label values are escaped already.
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

/// The common parts of the keys in a family: their beginning, and the places of the label values.
///
/// A series keeps only the rest of its key: the family's own labels.
#[derive(Debug)]
pub(crate) struct LabelLayout<const N: usize> {
    /// The name, the registry's labels, and the separator before the family's own labels; empty without own labels.
    start: Box<str>,
    /// The length of the family's name.
    name_len: usize,
    /// Invariant: true only if every name is a legacy name.
    legacy: bool,
    /// The length of each label name as it is rendered.
    name_lengths: [usize; N],
}

impl<const N: usize> LabelLayout<N> {
    pub(crate) fn new(metric: &str, const_labels: &[(String, String)], names: [&str; N]) -> Self {
        let mut text = String::new();
        let pairs = const_labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut legacy = render_key(&mut text, metric, pairs);
        if N == 0 {
            text.clear();
        } else if const_labels.is_empty() {
            text.truncate(metric.len());
            text.push('{');
        } else {
            text.truncate(text.len() - "} ".len());
            text.push(',');
        }
        let mut own = String::new();
        let name_lengths = names.map(|name| {
            own.clear();
            legacy &= render_labels(&mut own, [(name, "")].into_iter());
            own.len() - "{=\"\"} ".len()
        });
        Self {
            start: text.into_boxed_str(),
            name_len: metric.len(),
            legacy,
            name_lengths,
        }
    }

    /// Returns the part of a rendered key that other series do not share.
    pub(crate) fn rest_of<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&*self.start).unwrap_or(key)
    }

    /// Returns the key with that rest.
    #[inline]
    pub(crate) fn key<'a>(&'a self, rest: &'a str) -> SeriesKey<'a> {
        SeriesKey {
            start: &self.start,
            ..SeriesKey::from_parts(rest, self.name_len, self.legacy)
        }
    }

    /// Returns the values of the family's own labels, from the rest of a key.
    pub(crate) fn values<'a>(&'a self, rest: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let [_, labels] = self.key(rest).label_parts();
        // Without own labels the whole key is the rest.
        let labels = if N == 0 { "" } else { labels };
        Labels::of(labels).map(|(_, value)| value)
    }

    /// Returns whether these are the own label values in the rest of a key. `escaped` tells that it may have escapes.
    #[inline]
    pub(crate) fn has_values(&self, rest: &str, escaped: bool, values: &[&str; N]) -> bool {
        if escaped || !self.legacy {
            return self.values(rest).eq(values.iter().copied());
        }
        // Without escapes and quoted names there are two quotes for each value. A comparison that finds all of them cannot
        // take a value that has quotes itself for a part of this text.
        let rest = rest.as_bytes();
        let mut at = 0;
        for (value, name_length) in values.iter().zip(&self.name_lengths) {
            let begin = at + name_length + "=".len();
            let end = begin + "\"".len() + value.len();
            match rest.get(begin..=end) {
                Some([b'"', found @ .., b'"']) if equal_bytes(found, value.as_bytes()) => {
                    at = end + "\",".len();
                }
                _ => return false,
            }
        }
        true
    }
}

/// Compares two short texts. A call of the system's comparison takes longer than this.
#[inline]
pub(crate) fn equal_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (
        a.first_chunk::<8>(),
        a.last_chunk::<8>(),
        b.first_chunk::<8>(),
        b.last_chunk::<8>(),
    ) {
        (Some(a_first), Some(a_last), Some(b_first), Some(b_last)) if a.len() <= 16 => {
            u64::from_ne_bytes(*a_first) == u64::from_ne_bytes(*b_first)
                && u64::from_ne_bytes(*a_last) == u64::from_ne_bytes(*b_last)
        }
        (Some(_), ..) => a == b,
        _ => a.iter().zip(b).all(|(a, b)| a == b),
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

/// Takes the first label from the text, and the comma before it if there is one.
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

/// Checks the labels of one series that comes from a collector.
pub(crate) fn check_labels(
    names: &[&str],
    metric: &str,
    kind: MetricType,
    scheme: NameScheme,
) -> Result<(), NameError> {
    name::check_label_names(names, metric, kind, scheme)
        .map_err(|(i, fault)| NameError::new(names[i], fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_in_two_parts_is_the_same_as_in_one() {
        let const_sets: [&[(&str, &str)]; 3] =
            [&[], &[("z", "1")], &[("z", "a,\"\\"), ("y y", "")]];
        for const_labels in const_sets {
            let owned: Vec<_> = const_labels
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let values = [["1", "2"], ["", ","], ["}\"", "\n"]];
            let names = [["a", "b"], ["a", "b c"]];
            for (values, names) in values
                .iter()
                .flat_map(|values| names.map(|names| (*values, names)))
            {
                let layout = LabelLayout::new("n", &owned, names);
                let own = names.into_iter().zip(values);
                let whole = SeriesKeyBuf::new("n", const_labels.iter().copied().chain(own));
                let rest = layout.rest_of(&whole.text);
                let key = layout.key(rest);
                assert!(key.parts().iter().all(|part| !part.is_empty()));
                assert_eq!(SeriesKeyBuf::from(key), whole);
                assert_eq!((key.name(), &*key.text()), ("n", &*whole.text));
                assert_eq!(key.label_parts().concat(), whole.as_key().label_parts()[1]);
                assert!(key.labels().eq(whole.as_key().labels()));
                assert!(layout.values(rest).eq(values));
                assert!(layout.has_values(rest, true, &values));
                assert_eq!(
                    layout.has_values(rest, false, &values),
                    !rest.contains('\\') || !layout.legacy
                );
                assert!(!layout.has_values(rest, true, &["1", "3"]));
            }
        }
    }

    /// A value may look like what stands between two others.
    #[test]
    fn a_value_with_quotes_is_not_taken_for_several() {
        let layout = LabelLayout::new("n", &[], ["a", "b"]);
        let key = |values: [&str; 2]| {
            let labels = ["a", "b"].into_iter().zip(values);
            SeriesKeyBuf::new("n", labels).text.into_string()
        };
        let stored = key(["P", "1234Z"]);
        let rest = layout.rest_of(&stored);
        for other in [
            ["P\",b=", "Z"],
            ["P\",b=\"1234Z", ""],
            ["P\",b=\"", "234Z"],
            ["", "P\",b=\"1234Z"],
        ] {
            assert!(!layout.has_values(rest, false, &other), "{other:?}");
            let own = key(other);
            assert!(layout.has_values(layout.rest_of(&own), true, &other));
        }
        assert!(layout.has_values(rest, false, &["P", "1234Z"]));
        // A quoted name has quotes as well.
        let layout = LabelLayout::new("n", &[], ["a", "b b"]);
        let stored = SeriesKeyBuf::new("n", [("a", "1"), ("b b", "2")].into_iter()).text;
        let rest = layout.rest_of(&stored);
        assert!(layout.has_values(rest, false, &["1", "2"]));
        assert!(!layout.has_values(rest, false, &["1\",", "b\"=\"2"]));
    }

    #[test]
    fn a_head_gives_its_labels_back() {
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
