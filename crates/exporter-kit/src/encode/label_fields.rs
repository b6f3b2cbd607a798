//! The labels of a series as protobuf fields, from the rendered key.

use crate::encode::wire::{WireType, key, label, text};
use crate::model::{Labels, SeriesKey};

/// The label names of a family, encoded once: nearly always all series have the same names.
#[derive(Default)]
pub(super) struct LabelFields(Vec<LabelField>);

struct LabelField {
    /// The text of the label in a key before its value: `name="`.
    text: Box<str>,
    /// The `LabelPair` before its value. Its lengths, of one byte, are filled in later.
    bytes: Box<[u8]>,
}

impl LabelFields {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Writes the labels of a key that has only legacy names.
    #[inline]
    pub(super) fn write(&mut self, out: &mut Vec<u8>, key: SeriesKey<'_>) {
        if self.0.is_empty() {
            let names = key.labels().map(|(name, _)| name);
            self.0.extend(names.map(|name| LabelField::new(&name)));
        }
        let mut fields = self.0.iter();
        for mut rest in key.label_parts() {
            // A comma may remain.
            while rest.len() > 1 {
                match fields.next().and_then(|field| field.write(out, rest)) {
                    Some(behind) => rest = behind,
                    None => {
                        // Other names, or escaped or long values.
                        for (name, value) in Labels::of(rest) {
                            label(out, &name, &value);
                        }
                        break;
                    }
                }
            }
        }
    }
}

impl LabelField {
    fn new(name: &str) -> Self {
        let mut bytes = Vec::with_capacity(name.len() + 6);
        key(&mut bytes, 1, WireType::Bytes);
        bytes.push(0);
        text(&mut bytes, 1, name);
        key(&mut bytes, 2, WireType::Bytes);
        bytes.push(0);
        Self {
            text: format!("{name}=\"").into(),
            bytes: bytes.into(),
        }
    }

    /// Writes the first label of `labels` if it has this name, its value is not escaped, and lengths fit in one byte.
    /// Returns the labels after it.
    #[inline]
    fn write<'a>(&self, out: &mut Vec<u8>, labels: &'a str) -> Option<&'a str> {
        let labels = labels.strip_prefix(',').unwrap_or(labels);
        let rest = labels.strip_prefix(&*self.text)?;
        let end = rest
            .bytes()
            .position(|byte| byte == b'"' || byte == b'\\')?;
        let (value, behind) = rest.split_at(end);
        let behind = behind.strip_prefix('"')?;
        let length = u8::try_from(self.bytes.len() - 2 + end).ok()?;
        if length >= 0x80 {
            return None;
        }
        let begin = out.len();
        out.reserve(self.bytes.len() + end);
        out.extend_from_slice(&self.bytes);
        out[begin + 1] = length;
        if let Some(value_length) = out.last_mut() {
            *value_length = end as u8;
        }
        out.extend_from_slice(value.as_bytes());
        Some(behind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeriesKeyBuf;

    /// Returns the labels, encoded one by one.
    fn plainly(key: SeriesKey<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in key.labels() {
            label(&mut out, &name, &value);
        }
        out
    }

    #[test]
    fn whatever_the_first_series_was_like_each_has_its_own_labels() {
        let long = "x".repeat(200);
        let sets: [&[(&str, &str)]; 9] = [
            &[("a", "1"), ("b", "2")],
            &[("a", ""), ("b", "\\")],
            &[("a", "say \"x\", b=\"y\""), ("b", "2")],
            &[("a", &long), ("b", "2")],
            &[("a", "1")],
            &[],
            &[("a", "1"), ("b", "2"), ("c", "3")],
            &[("b", "2"), ("a", "1")],
            &[("ab", "1"), ("b", "é\n")],
        ];
        for first in sets {
            let mut fields = LabelFields::default();
            for labels in [first].into_iter().chain(sets) {
                let key = SeriesKeyBuf::new("n", labels.iter().copied());
                let mut out = Vec::new();
                fields.write(&mut out, key.as_key());
                assert_eq!(out, plainly(key.as_key()), "{first:?}, then {labels:?}");
            }
        }
    }
}
