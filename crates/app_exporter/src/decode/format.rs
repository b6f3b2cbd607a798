//! The table of formats.

use schemars::JsonSchema;
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer};

use crate::config::variant::{self, Variants};
use crate::config::{Fault, OneOrNamed, Place};
use crate::decode::csv::CsvFormat;
use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::ini::IniFormat;
use crate::decode::json::JsonFormat;
use crate::decode::key_value::KeyValueFormat;
use crate::decode::number::NumberFormat;
use crate::decode::pattern::Pattern;
use crate::decode::prometheus::PrometheusFormat;
use crate::decode::xml::XmlFormat;
use crate::decode::yaml::YamlFormat;
use crate::decode::{Limits, PartInfo, Parts, Wanted};

/// Defines the enum of the formats and the dispatch to the keys of each.
macro_rules! formats {
    (
        with_keys { $($(#[doc = $about:literal])+ $name:ident: $keys:ty,)+ }
        without_keys { $($(#[doc = $about_alone:literal])+ $alone:ident: $no_keys:expr,)+ }
    ) => {
        /// The format of a text.
        #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case", remote = "Self")]
        pub(crate) enum Format {
            $($(#[doc = $about])+ $name($keys),)+
            $($(#[doc = $about_alone])+ $alone,)+
        }

        impl Format {
            fn keys(&self) -> &dyn FormatKeys {
                match self {
                    $(Self::$name(keys) => keys,)+
                    $(Self::$alone => &$no_keys,)+
                }
            }
        }
    };
}

formats! {
    with_keys {
        /// JSON. A JSONPath (RFC 9535) selects the rows. A column is a member of a row, or a path that begins with `$`.
        /// `key` is the row's own name in its object, `index` its index in its array, and `^name` a column of the
        /// enclosing object, `^^name` of the one around it.
        Json: Option<JsonFormat>,
        /// CSV with commas or another separator, with or without a header.
        Csv: Option<CsvFormat>,
        /// Lines such as `key=value`: `row` has a column for each key, `pairs` a row for each key.
        KeyValue: Option<KeyValueFormat>,
        /// XML. A path such as `/status/pool` selects the rows. A column is a child or an attribute of a row, or a path
        /// such as `memory/@used`; `value` is its text, `key` its name, `index` its place, and `^name` a column of the
        /// enclosing element.
        Xml: Option<XmlFormat>,
        /// A YAML document, with the same rows and columns as JSON.
        Yaml: Option<YamlFormat>,
        /// A regular expression. Each match is a row, each named group a column.
        Regex: OneOrNamed<Pattern>,
        /// Families of another exporter, passed on with optional renaming and relabelling.
        Prometheus: Option<PrometheusFormat>,
    }
    without_keys {
        /// A single number, in the column `value`.
        Number: NumberFormat,
        /// INI. Each section is a row with the column `section` and a column for each of its keys.
        Ini: IniFormat,
    }
}

impl Format {
    /// All formats with their descriptions.
    pub(crate) fn all() -> Vec<(String, String)> {
        let schema = schemars::schema_for!(Self).to_value();
        let formats = schema["oneOf"].as_array().into_iter().flatten();
        let formats = formats.filter_map(|format| {
            let keys = format["properties"].as_object();
            let name = keys.and_then(|keys| keys.keys().next());
            let name = name.map(String::as_str).or(format["const"].as_str())?;
            Some((name.to_owned(), format["description"].as_str()?.to_owned()))
        });
        formats.collect()
    }

    /// The result sets of a response: those of its format, if any, and its `own`.
    pub(crate) fn parts_beside(format: Option<&Self>, own: PartInfo) -> Parts {
        match format {
            Some(format) => format.parts().and(own),
            None => Parts {
                list: vec![own],
                first_is_default: true,
            },
        }
    }

    /// As [`FormatKeys::parts`].
    pub(crate) fn parts(&self) -> Parts {
        self.keys().parts()
    }

    /// As [`FormatKeys::gives_families`].
    pub(crate) fn gives_families(&self) -> bool {
        self.keys().gives_families()
    }

    /// As [`FormatKeys::accept`].
    #[cfg(feature = "http")]
    pub(crate) fn accept(&self) -> Option<&'static str> {
        self.keys().accept()
    }

    /// As [`FormatKeys::check`].
    pub(crate) fn check(&self, faults: &mut Vec<Fault>) {
        self.keys().check(faults);
    }

    /// As [`FormatKeys::check_column`], for a column at `place`.
    pub(crate) fn check_column(&self, column: &str, place: Place, faults: &mut Vec<Fault>) {
        if let Err(message) = self.keys().check_column(column) {
            faults.push(Fault::at(place, message));
        }
    }

    /// As [`FormatKeys::decoder`].
    pub(crate) fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        self.keys().decoder(wanted, limits)
    }
}

impl Variants for Format {
    const EXPECTED: &'static str = "the name of a format, or a format with its keys";

    fn of_entry<'de, A: MapAccess<'de>>(entry: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Self::deserialize(entry)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        variant::read(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_that_can_be_written_is_listed() {
        let error = serde_saphyr::from_str::<Format>("banana").unwrap_err();
        let names: Vec<_> = Format::all()
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        assert_eq!(names.len(), 9);
        assert!(error.to_string().contains(&names.join(", ")), "{error}");
        let error = serde_saphyr::from_str::<Format>("jsn").unwrap_err();
        assert!(
            error.to_string().contains("did you mean `json`?"),
            "{error}"
        );
    }
}
