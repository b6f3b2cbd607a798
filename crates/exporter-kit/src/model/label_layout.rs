//! The common parts of the keys in a family, so that each series stores only its own part.

use std::borrow::Cow;

use crate::model::series_key::{Labels, SeriesKey, render_key, render_labels};

/// The common parts of the keys in a family: their beginning, and the positions of the label values.
///
/// A series stores only the rest of its key: the family's own labels.
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

    /// Returns the part of a rendered key that is specific to its series.
    pub(crate) fn rest_of<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&*self.start).unwrap_or(key)
    }

    /// Returns the complete key for that rest.
    #[inline]
    pub(crate) fn key<'a>(&'a self, rest: &'a str) -> SeriesKey<'a> {
        SeriesKey::from_parts(rest, self.name_len, self.legacy).after(&self.start)
    }

    /// Returns the values of the family's own labels, from the rest of a key.
    pub(crate) fn values<'a>(&'a self, rest: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let [_, labels] = self.key(rest).label_parts();
        // Without own labels the whole key is the rest.
        let labels = if N == 0 { "" } else { labels };
        Labels::of(labels).map(|(_, value)| value)
    }

    /// Returns whether the rest of a key has these label values. `escaped` must be true if the rest may have escapes.
    #[inline]
    pub(crate) fn has_values(&self, rest: &str, escaped: bool, values: &[&str; N]) -> bool {
        if escaped || !self.legacy {
            return self.values(rest).eq(values.iter().copied());
        }
        // Without escapes and quoted names there are two quotes for each value. A comparison that finds all of them
        // cannot mistake a value with quotes for a part of this text.
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

/// Compares two short texts. The system's comparison function takes longer for them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeriesKeyBuf;

    #[test]
    fn a_key_in_two_parts_is_the_same_as_in_one() {
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
                let text = whole.as_key().text();
                let rest = layout.rest_of(&text);
                let key = layout.key(rest);
                assert!(key.parts().iter().all(|part| !part.is_empty()));
                assert_eq!(SeriesKeyBuf::from(key), whole);
                assert_eq!((key.name(), &*key.text()), ("n", &*text));
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

    /// A value may look like the text between two others.
    #[test]
    fn a_value_with_quotes_is_not_taken_for_several() {
        let layout = LabelLayout::new("n", &[], ["a", "b"]);
        let key = |values: [&str; 2]| {
            let labels = ["a", "b"].into_iter().zip(values);
            SeriesKeyBuf::new("n", labels).as_key().text().into_owned()
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
        let stored = SeriesKeyBuf::new("n", [("a", "1"), ("b b", "2")].into_iter());
        let stored = stored.as_key().text().into_owned();
        let rest = layout.rest_of(&stored);
        assert!(layout.has_values(rest, false, &["1", "2"]));
        assert!(!layout.has_values(rest, false, &["1\",", "b\"=\"2"]));
    }
}
