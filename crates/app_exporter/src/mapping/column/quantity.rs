//! Numbers with separators, percentages and sizes.

use exporter_kit::Number;

use crate::decode::parse_number;
use crate::mapping::number;

/// The decimal separator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Separators {
    Point,
    Comma,
}

/// The meaning of `k`, `M`, `G` and so on. `Ki`, `Mi` and `Gi` are always powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Prefixes {
    Decimal,
    Binary,
}

/// A number with separators of thousands, a prefix such as `k`, or hexadecimal digits.
pub(super) fn number(text: &str, separators: Separators) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().map(Number::U64);
    }
    let (digits, suffix) = split(text);
    let number = grouped(digits, separators)?;
    let factor = match suffix {
        "" => return Some(number),
        // A small `m` is rather a thousandth, or a minute.
        "m" => return None,
        prefix => factor(prefix, 1000.0)?,
    };
    Some(number::of_float(number.as_f64() * factor))
}

/// A percentage as a ratio.
pub(super) fn percent(text: &str) -> Option<Number> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    let number = grouped(digits.trim(), Separators::Point)?;
    Some(number::of_float(number.as_f64() / 100.0))
}

/// A size in bytes.
pub(super) fn bytes(text: &str, prefixes: Prefixes) -> Option<Number> {
    let (digits, suffix) = split(text);
    let number = grouped(digits, Separators::Point)?;
    let suffix = suffix.to_ascii_lowercase();
    let unit = ["bytes", "byte", "b"];
    let prefix = unit.iter().find_map(|unit| suffix.strip_suffix(unit));
    let prefix = prefix.unwrap_or(&suffix).trim_end();
    let (prefix, base) = match (prefix.strip_suffix('i'), prefixes) {
        (Some(prefix), _) => (prefix, 1024.0),
        (None, Prefixes::Binary) => (prefix, 1024.0),
        (None, Prefixes::Decimal) => (prefix, 1000.0),
    };
    match prefix {
        "" => Some(number),
        prefix => Some(number::of_float(number.as_f64() * factor(prefix, base)?)),
    }
}

/// Splits a text behind its digits and separators.
fn split(text: &str) -> (&str, &str) {
    let end = text.rfind(|char: char| char.is_ascii_digit());
    let (digits, suffix) = text.split_at(end.map_or(0, |end| end + 1));
    (digits, suffix.trim())
}

fn factor(prefix: &str, base: f64) -> Option<f64> {
    let power = match prefix {
        "k" | "K" => 1,
        "m" | "M" => 2,
        "g" | "G" => 3,
        "t" | "T" => 4,
        "p" | "P" => 5,
        "e" | "E" => 6,
        _ => return None,
    };
    Some(base.powi(power))
}

/// A number whose integer part may be in groups of three digits.
fn grouped(text: &str, separators: Separators) -> Option<Number> {
    let (decimal, thousands) = match separators {
        Separators::Point => ('.', ','),
        Separators::Comma => (',', '.'),
    };
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_separator =
        |char: char| char == thousands || [' ', '\u{a0}', '\u{202f}', '\'', '_'].contains(&char);
    let mut groups = whole.split(is_separator);
    let mut plain = groups.next()?.to_owned();
    for group in groups {
        if group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        plain.push_str(group);
    }
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    // `inf` and `nan` are not written with digits.
    let has_digit = plain.contains(|char: char| char.is_ascii_digit());
    parse_number(&plain).filter(|_| has_digit)
}
