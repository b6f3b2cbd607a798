//! YAML documents, with the rows and columns of JSON.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::options::NonFiniteFloatPolicy;

use crate::config::OneOrNamed;
use crate::decode::decoder::{Decoder, FormatKeys, WHOLE_DOCUMENT};
use crate::decode::json::{DocumentDecoder, Path, check_column, parts_of};
use crate::decode::text::{shown, utf8};
use crate::decode::{Failure, Limits, Parts, Wanted};

/// Options of the format.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct YamlFormat {
    /// A JSONPath that selects the rows, or a map of paths, as for `json`. Without it, the whole document is one row.
    #[serde(default)]
    rows: Option<OneOrNamed<Path>>,
}

impl FormatKeys for YamlFormat {
    fn parts(&self) -> Parts {
        parts_of(self.rows.as_ref())
    }

    fn check_column(&self, column: &str) -> Result<(), String> {
        check_column(column)
    }

    fn decoder(&self, wanted: Wanted, limits: Limits) -> Decoder {
        let decoder = DocumentDecoder::new(self.rows.as_ref(), &wanted);
        let decoder = Decoder::new(move |bytes| Ok(decoder.parts(&document(bytes)?, limits)));
        decoder.with_expansion(WHOLE_DOCUMENT)
    }
}

fn document(bytes: &[u8]) -> Result<Value, Failure> {
    let text = utf8(bytes)?;
    // JSON has no number for `.nan` and `.inf`, which are read as they are written.
    let options = serde_saphyr::options! { non_finite_float_policy: NonFiniteFloatPolicy::AsString, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map(|at| {
            let (line, column) = (at.line(), at.column());
            format!("line {line}, column {column}: ")
        });
        let error = error.without_snippet();
        let what = match error {
            serde_saphyr::Error::MultipleDocuments { .. } => {
                "the text goes on after the document, which `---` or `...` ends".to_owned()
            }
            _ => error.to_string(),
        };
        let what = what.lines().next().unwrap_or_default();
        let what = what.split(" at line ").next().unwrap_or_default();
        Failure::decode(format!(
            "{}not YAML: {what}; the text begins with `{}`",
            place.unwrap_or_default(),
            shown(text.trim_start())
        ))
    })
}
