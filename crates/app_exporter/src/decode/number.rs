//! A text that is a single number.

use crate::decode::decoder::{Decoder, FormatKeys};
use crate::decode::text::{parse_number, shown, utf8};
use crate::decode::{Cell, Failure, Limits, Part, Parts, Table, Wanted};

const ROWS: &str = "rows";

/// A single number.
pub(super) struct NumberFormat;

impl FormatKeys for NumberFormat {
    fn parts(&self) -> Parts {
        Parts::one(ROWS, &["value"])
    }

    fn decoder(&self, _: Wanted, _: Limits) -> Decoder {
        Decoder::new(decode)
    }
}

fn decode(bytes: &[u8]) -> Result<Vec<Part>, Failure> {
    let text = utf8(bytes)?;
    let number = parse_number(text).ok_or_else(|| {
        Failure::decode(format!(
            "`{}` is not a number; to find a number in a longer text, choose another `format`",
            shown(text.trim())
        ))
    })?;
    let table = Table::of_one_row([("value", Cell::Number(number))]);
    Ok(vec![Part::rows(ROWS, Ok(table))])
}
