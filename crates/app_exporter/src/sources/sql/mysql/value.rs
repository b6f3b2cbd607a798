//! Converts MySQL's texts to cells.

use exporter_kit::Number;
use mysql_common::constants::ColumnType;

use crate::decode::{Cell, parse_number};
use crate::sources::sql::wanted_rows::text;

/// # Errors
/// When it is neither a number nor text. The message continues a sentence that begins with the column.
pub(super) fn cell(value: Option<&[u8]>, kind: ColumnType) -> Result<Cell, String> {
    let Some(bytes) = value else {
        return Ok(Cell::Null);
    };
    match kind {
        ColumnType::MYSQL_TYPE_TINY
        | ColumnType::MYSQL_TYPE_SHORT
        | ColumnType::MYSQL_TYPE_INT24
        | ColumnType::MYSQL_TYPE_LONG
        | ColumnType::MYSQL_TYPE_LONGLONG
        | ColumnType::MYSQL_TYPE_FLOAT
        | ColumnType::MYSQL_TYPE_DOUBLE => number(bytes),
        // A label keeps the zeros of a decimal number.
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL
            if !bytes.contains(&b'.') =>
        {
            number(bytes)
        }
        ColumnType::MYSQL_TYPE_BIT if bytes.len() <= 8 => {
            let bits = bytes
                .iter()
                .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
            Ok(Cell::Number(Number::U64(bits)))
        }
        _ => text(bytes, "hex(…)"),
    }
}

fn number(bytes: &[u8]) -> Result<Cell, String> {
    let written = std::str::from_utf8(bytes).ok();
    let number = written.and_then(parse_number);
    match (number, written) {
        (Some(number @ (Number::U64(_) | Number::I64(_))), _) => Ok(Cell::Number(number)),
        // Numbers with more digits than fit stay text.
        (Some(Number::F64(_)), Some(text)) if is_whole(text) => Ok(Cell::text(text)),
        (Some(number), _) => Ok(Cell::Number(number)),
        (None, _) => Err("has an invalid number".to_owned()),
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit())
}
