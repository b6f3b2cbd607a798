//! The formats that a text can have, and the decoder of each.

use schemars::JsonSchema;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer};

use crate::config::variant::{self, Variants};
use crate::config::{Fault, OneOrNamed, Place};
use crate::decode::csv::CsvFormat;
use crate::decode::json::{JsonDecoder, JsonFormat};
use crate::decode::key_value::KeyValueFormat;
use crate::decode::pattern::Pattern;
use crate::decode::prometheus::PrometheusFormat;
use crate::decode::{
    Failure, Limits, Part, PartInfo, Parts, Wanted, csv, key_value, number, pattern, prometheus,
};

/// How a text is read.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub(crate) enum Format {
    /// JSON; a JSONPath (RFC 9535) selects the rows, a column is a member of a row or a path that begins with `$`.
    Json(Option<JsonFormat>),
    /// Lines of values with a header, separated by commas or another character.
    Csv(Option<CsvFormat>),
    /// Lines as `key=value`: one row with a column for each key, and `pairs` with a row for each.
    KeyValue(Option<KeyValueFormat>),
    /// A regular expression: each match is a row, each named group a column.
    Regex(OneOrNamed<Pattern>),
    /// Nothing but a number, in the column `value`.
    Number,
    /// What another exporter shows: its families are passed on, perhaps with other labels.
    Prometheus(Option<PrometheusFormat>),
}

/// What is said of a format where formats are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatInfo {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
}

/// Every format.
pub(crate) const FORMATS: &[FormatInfo] = &[
    FormatInfo {
        name: "json",
        about: "rows and columns by JSONPath (RFC 9535)",
    },
    FormatInfo {
        name: "csv",
        about: "values separated by commas or another character, with or without header",
    },
    FormatInfo {
        name: "key_value",
        about: "lines as key=value",
    },
    FormatInfo {
        name: "regex",
        about: "a row for each match, a column for each named group",
    },
    FormatInfo {
        name: "number",
        about: "nothing but a number",
    },
    FormatInfo {
        name: "prometheus",
        about: "another exporter's families, passed on with other names and labels",
    },
];

/// Reads texts of one format, and keeps the columns that are wanted.
#[derive(Debug)]
pub(crate) struct Decoder {
    reader: Reader,
    wanted: Wanted,
    limits: Limits,
}

#[derive(Debug)]
enum Reader {
    Json(JsonDecoder),
    Csv(CsvFormat),
    KeyValue(KeyValueFormat),
    Regex(Vec<(Box<str>, Pattern)>),
    Number,
    Prometheus(PrometheusFormat),
}

impl Format {
    /// The sets of rows that a text of this format has.
    pub(crate) fn parts(&self) -> Parts {
        match self {
            Self::Json(format) => format
                .as_ref()
                .map_or_else(|| JsonFormat::default().parts(), JsonFormat::parts),
            Self::Csv(_) => csv::parts(),
            Self::KeyValue(_) => key_value::parts(),
            Self::Regex(patterns) => pattern::parts(patterns),
            Self::Number => number::parts(),
            Self::Prometheus(_) => Parts::default(),
        }
    }

    /// The sets of rows of an answer that has a part of its own beside its text, which is read in that format if it is at all.
    pub(crate) fn parts_beside(format: Option<&Self>, own: PartInfo) -> Parts {
        match format {
            Some(format) => format.parts().and(own),
            None => Parts {
                list: vec![own],
                first_is_default: true,
            },
        }
    }

    /// Whether it gives families by itself, without metrics being declared.
    pub(crate) fn gives_families(&self) -> bool {
        matches!(self, Self::Prometheus(_))
    }

    /// What is wrong with it that its text alone does not show.
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        match self {
            Self::Prometheus(Some(format)) => format.check(faults),
            Self::KeyValue(Some(format)) => format.check(faults),
            _ => (),
        }
    }

    /// What is wrong with the name of a column, if its syntax tells.
    pub(crate) fn check_column(&self, column: &str, place: Place, faults: &mut Vec<Fault>) {
        if let (Self::Json(_), Err(message)) = (self, crate::decode::json::column_path(column)) {
            faults.push(Fault::at(place, message));
        }
    }

    /// What reads texts, keeping the columns that are wanted.
    pub(crate) fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let reader = match self {
            Self::Json(format) => Reader::Json(JsonDecoder::new(
                format.clone().unwrap_or_default(),
                &wanted,
            )),
            Self::Csv(format) => Reader::Csv(format.clone().unwrap_or_default()),
            Self::KeyValue(format) => Reader::KeyValue(format.clone().unwrap_or_default()),
            Self::Regex(patterns) => Reader::Regex(
                patterns
                    .iter(pattern::ROWS)
                    .map(|(name, pattern)| (name.into(), pattern.clone()))
                    .collect(),
            ),
            Self::Number => Reader::Number,
            Self::Prometheus(format) => Reader::Prometheus(format.clone().unwrap_or_default()),
        };
        Decoder {
            reader,
            wanted,
            limits,
        }
    }
}

impl Variants for Format {
    const EXPECTED: &'static str = "the name of a format, or one with what it needs under it";

    fn of_entry<'de, A: MapAccess<'de>>(entry: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Self::deserialize(entry)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        variant::read(deserializer)
    }
}

impl Decoder {
    /// The sets of rows in `bytes`. What can't be read of a text costs the part that it would have been in.
    ///
    /// # Errors
    /// When nothing can be read.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Vec<Part>, Failure> {
        let (wanted, limits) = (&self.wanted, self.limits);
        match &self.reader {
            Reader::Json(decoder) => decoder.decode(bytes, limits),
            Reader::Csv(format) => csv::decode(format, bytes, wanted, limits),
            Reader::KeyValue(format) => key_value::decode(format, bytes, wanted, limits),
            Reader::Regex(patterns) => pattern::decode(patterns, bytes, wanted, limits),
            Reader::Number => number::decode(bytes),
            Reader::Prometheus(format) => prometheus::decode(format, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_listed_and_every_listed_one_can_be_written() {
        let schema = schemars::schema_for!(Format).to_value().to_string();
        for format in FORMATS {
            assert!(
                schema.contains(&format!("\"{}\"", format.name)),
                "{}",
                format.name
            );
        }
        let error = serde_saphyr::from_str::<Format>("jsn").unwrap_err();
        assert!(
            error.to_string().contains("did you mean `json`?"),
            "{error}"
        );
        let error = serde_saphyr::from_str::<Format>("banana").unwrap_err();
        let names: Vec<_> = FORMATS.iter().map(|it| format!("`{}`", it.name)).collect();
        assert!(error.to_string().contains(&names.join(", ")), "{error}");
    }
}
