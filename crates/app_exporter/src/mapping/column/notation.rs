//! Numbers in the notations of people and programs.

use exporter_kit::Number;

use crate::config::Notation;
use crate::decode::{Cell, Failure, shown};
use crate::mapping::column::quantity::{self, Prefixes, Separators};
use crate::mapping::column::{duration, time};
use crate::mapping::number::{self, Scale};

/// The number in a text.
///
/// # Errors
/// When the text is not in the notation.
pub(super) fn read(notation: &Notation, text: &str) -> Result<Cell, Failure> {
    let trimmed = text.trim();
    let unix = |factor| {
        let number = crate::decode::parse_number(trimmed)?;
        Some(Scale::new(factor).apply(number))
    };
    let found = match notation {
        Notation::Boolean => boolean(trimmed).map(|is| Number::U64(is.into())),
        Notation::Number => quantity::number(trimmed, Separators::Point),
        Notation::DecimalComma => quantity::number(trimmed, Separators::Comma),
        Notation::Percent => quantity::percent(trimmed),
        Notation::Bytes => quantity::bytes(trimmed, Prefixes::Decimal),
        Notation::BinaryBytes => quantity::bytes(trimmed, Prefixes::Binary),
        Notation::Duration => duration::seconds(trimmed).map(number::of_float),
        Notation::Rfc3339 => time::zoned_time(trimmed).map(time::seconds),
        Notation::HttpDate => time::http_date(trimmed).map(time::seconds),
        Notation::UnixMilliseconds => unix(1e-3),
        Notation::UnixMicroseconds => unix(1e-6),
        Notation::UnixNanoseconds => unix(1e-9),
        Notation::Time(format) => time::in_format(trimmed, format).map(time::seconds),
    };
    found.map(Cell::Number).ok_or_else(|| {
        let (what, example) = expected(notation);
        Failure::decode(format!(
            "`{}` is not {what}, such as `{example}`; choose another notation with `as`, or extract the text with `regex`",
            shown(trimmed)
        ))
    })
}

/// The failure for a text that is not a number, with the notation that reads it.
pub(crate) fn not_a_number(text: &str, has_map: bool) -> Failure {
    /// Notations that an operator most probably means, and their names.
    const LIKELY: &[(Notation, &str)] = &[
        (Notation::Percent, "percent"),
        (Notation::Duration, "duration"),
        (Notation::Bytes, "bytes"),
        (Notation::Number, "number"),
        (Notation::DecimalComma, "decimal_comma"),
        (Notation::Rfc3339, "rfc3339"),
        (Notation::HttpDate, "http_date"),
    ];
    // Digits with separators are a number rather than a size in bytes.
    let has_unit = text.trim_end().ends_with(char::is_alphabetic);
    let has_percent = text.contains('%');
    let mut likely = LIKELY.iter().filter(|(notation, _)| match notation {
        Notation::Bytes => has_unit,
        Notation::Percent => has_percent,
        _ => true,
    });
    let likely = likely.find(|(notation, _)| read(notation, text).is_ok());
    let remedy = match likely {
        _ if has_map => "add it to `map`".to_owned(),
        Some((_, name)) => format!("read it with `as: {name}`, as in `{{column: …, as: {name}}}`"),
        None => "extract a number with `regex`, or map it to one with `map`".to_owned(),
    };
    Failure::decode(format!(
        "`{}` is not a number; {remedy}",
        shown(text.trim())
    ))
}

/// A notation in words, and an example.
fn expected(notation: &Notation) -> (&'static str, &str) {
    match notation {
        Notation::Number => ("a number", "1,234.5"),
        Notation::DecimalComma => ("a number with a decimal comma", "1.234,5"),
        Notation::Percent => ("a percentage", "28 %"),
        Notation::Bytes => ("a size", "1.2kB"),
        Notation::BinaryBytes => ("a size", "150G"),
        Notation::Duration => ("a duration", "3d 4h"),
        Notation::Boolean => ("a boolean", "yes"),
        Notation::Rfc3339 => ("a time", "2026-01-31T12:00:00Z"),
        Notation::HttpDate => ("a time", "Sat, 31 Jan 2026 12:00:00 GMT"),
        Notation::UnixMilliseconds | Notation::UnixMicroseconds | Notation::UnixNanoseconds => {
            ("a time since 1970", "1769860800000")
        }
        Notation::Time(format) => ("a time in the format", format.as_str()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    const TRUE: &[&str] = &[
        "true", "yes", "on", "enabled", "enable", "active", "up", "ok", "t", "y", "1",
    ];
    const FALSE: &[&str] = &[
        "false", "no", "off", "disabled", "disable", "inactive", "down", "f", "n", "0",
    ];
    let has = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if has(TRUE) {
        return Some(true);
    }
    has(FALSE).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(notation: &str, text: &str) -> Option<f64> {
        let notation: Notation = serde_saphyr::from_str(notation).unwrap();
        match read(&notation, text) {
            Ok(Cell::Number(number)) => Some(number.as_f64()),
            _ => None,
        }
    }

    #[test]
    fn each_notation_reads_what_programs_print() {
        for (notation, text, expected) in [
            ("number", "1,234", 1234.0),
            ("number", "-1,234,567.5", -1_234_567.5),
            ("number", "12 000", 12000.0),
            ("number", "1'000", 1000.0),
            ("number", "1.5k", 1500.0),
            ("number", "0x1f", 31.0),
            ("decimal_comma", "12,5", 12.5),
            ("decimal_comma", "1.234,5", 1234.5),
            ("percent", "28 %", 0.28),
            ("percent", "0.15%", 0.0015),
            ("percent", "7", 0.07),
            ("bytes", "1.2kB", 1200.0),
            ("bytes", "93.5MiB", 98_041_856.0),
            ("bytes", "8192 MB", 8_192_000_000.0),
            ("bytes", "512", 512.0),
            ("bytes", "12 bytes", 12.0),
            ("bytes", "0B", 0.0),
            ("binary_bytes", "150G", 161_061_273_600.0),
            ("binary_bytes", "225.3kb", 230_707.2),
            ("duration", "846:17:56", 3_046_676.0),
            ("duration", "17:56", 1076.0),
            ("duration", "1-02:03:04", 93_784.0),
            ("duration", "3d 4h", 273_600.0),
            ("duration", "3 hours 40 minutes", 13_200.0),
            ("duration", "1 day, 2:03:04.5", 93_784.5),
            ("duration", "1h2m3.5s", 3723.5),
            ("duration", "250ms", 0.25),
            ("duration", "PT5M", 300.0),
            ("duration", "P1DT2H3.5S", 93_603.5),
            ("duration", "-5s", -5.0),
            ("duration", "12", 12.0),
            ("boolean", "Yes", 1.0),
            ("boolean", "disabled", 0.0),
            ("rfc3339", "2026-01-31T12:00:00.5Z", 1_769_860_800.5),
            ("rfc3339", "2026-02-01", 1_769_904_000.0),
            (
                "http_date",
                "Sat, 31 Jan 2026 12:00:00 GMT",
                1_769_860_800.0,
            ),
            ("unix_milliseconds", "1769860800500", 1_769_860_800.5),
            ("unix_microseconds", "1769860800500000", 1_769_860_800.5),
            ("unix_nanoseconds", "1769860800500000000", 1_769_860_800.5),
            (
                "{time: '%d/%b/%Y:%H:%M:%S %z'}",
                "31/Jan/2026:14:00:00 +0200",
                1_769_860_800.0,
            ),
            (
                "{time: '%Y-%m-%d %H:%M:%S'}",
                "2026-01-31 12:00:00",
                1_769_860_800.0,
            ),
            ("{time: '%d.%m.%Y'}", "01.02.2026", 1_769_904_000.0),
        ] {
            assert_eq!(number(notation, text), Some(expected), "{notation}: {text}");
        }
    }

    #[test]
    fn a_message_names_the_notation_that_reads_the_text() {
        for (text, expected) in [
            ("28 %", "as: percent"),
            ("150G", "as: bytes"),
            ("1,234", "as: number"),
            ("12,5", "as: decimal_comma"),
            ("846:17:56", "as: duration"),
            ("3d 4h", "as: duration"),
            ("2026-01-31T12:00:00Z", "as: rfc3339"),
            ("Sat, 31 Jan 2026 12:00:00 GMT", "as: http_date"),
            ("GREEN", "`regex`"),
        ] {
            let message = not_a_number(text, false).message;
            assert!(message.contains(expected), "{message}");
        }
        let message = not_a_number("GREEN", true).message;
        assert_eq!(message, "`GREEN` is not a number; add it to `map`");
    }

    #[test]
    fn what_is_written_otherwise_is_refused() {
        for (notation, text) in [
            ("number", "12,5"),
            ("number", "1,2345"),
            ("number", "1,234,5"),
            ("number", "12 apples"),
            ("number", "0xg"),
            ("number", "5m"),
            ("number", ","),
            ("decimal_comma", "1,2,3"),
            ("decimal_comma", "1.5"),
            ("percent", "%"),
            ("percent", "28 % of all"),
            ("bytes", "1.2kQ"),
            ("bytes", "kB"),
            ("bytes", "1.2 Mbit"),
            ("duration", "soon"),
            ("duration", "3x"),
            ("duration", "3 4"),
            ("duration", "1:99"),
            ("duration", "1:2:3:4"),
            ("duration", "P1M"),
            ("duration", "P"),
            ("duration", "-"),
            ("boolean", "maybe"),
            ("rfc3339", "today"),
            ("http_date", "2026-01-31"),
            ("unix_milliseconds", "1e"),
            ("{time: '%d.%m.%Y'}", "01.02.2026 12:00"),
            ("{time: '%H:%M'}", "12:00"),
        ] {
            assert_eq!(number(notation, text), None, "{notation}: {text}");
        }
    }
}
