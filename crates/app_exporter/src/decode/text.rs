//! UTF-8, and numbers in texts.

use exporter_kit::Number;

use crate::config::MAX_QUOTED;
use crate::decode::Failure;

/// The bytes with which some programs begin UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes as text, without a byte order mark.
///
/// # Errors
/// When they are not UTF-8; the message contains line and column.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let known = [
            (&b"\x1f\x8b"[..], "the text is compressed by gzip"),
            (b"\xff\xfe", "the text is UTF-16, not UTF-8"),
            (b"\xfe\xff", "the text is UTF-16, not UTF-8"),
        ];
        if let Some((_, what)) = known.iter().find(|(begin, _)| bytes.starts_with(begin)) {
            return Failure::decode(*what);
        }
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        let begin = valid
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&valid[begin..]).chars().count() + 1;
        Failure::decode(format!(
            "line {line}, column {column}: the text is not UTF-8"
        ))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Parses an exact integer, `1.5`, `1e3`, `NaN` or `inf`.
pub(crate) fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u64>() {
        return Some(Number::U64(number));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Number::I64(number));
    }
    let float = text.parse::<f64>().ok()?;
    // Digits that make no number of this size are not infinity; that is written out.
    let is_too_large = float.is_infinite() && text.contains(|char: char| char.is_ascii_digit());
    (!is_too_large).then_some(Number::F64(float))
}

/// The value for a message, shortened to a line.
pub(crate) fn shown(text: &str) -> String {
    let escaped: String = text.escape_debug().take(MAX_QUOTED).collect();
    if text.escape_debug().nth(MAX_QUOTED).is_some() {
        format!("{escaped}…")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_exact() {
        let number = |text| parse_number(text);
        assert_eq!(
            number(" 18446744073709551615\n"),
            Some(Number::U64(u64::MAX))
        );
        assert_eq!(number("-9223372036854775808"), Some(Number::I64(i64::MIN)));
        assert_eq!(number("+7"), Some(Number::U64(7)));
        assert_eq!(number("1.5e3"), Some(Number::F64(1500.0)));
        assert!(number("NaN").is_some_and(|it| it.as_f64().is_nan()));
        assert_eq!(number("-inf"), Some(Number::F64(f64::NEG_INFINITY)));
        for text in ["", "x", "1,5", "+-1", "1 2", "0x10", "1e400", "-1e999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_utf8_has_line_and_column() {
        let failure = utf8(b"a\n\xc3\xa9b\xff").unwrap_err();
        assert_eq!(failure.message, "line 2, column 3: the text is not UTF-8");
        assert_eq!(utf8(b"\xef\xbb\xbfa"), Ok("a"));
        let failure = utf8(b"\xff\xfea\0").unwrap_err();
        assert_eq!(failure.message, "the text is UTF-16, not UTF-8");
    }
}
