//! Durations of Go: `1m30s`, `1.5h`, `300ms`.

use std::time::Duration;

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    // The micro sign and the Greek letter.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration; `0` needs no unit. `None` if the text is invalid, negative, or longer than Go's maximum of 292
/// years.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanoseconds: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|char: char| char == '.' || char.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let mut part = match whole {
            "" => 0,
            whole => whole.parse::<u64>().ok()?.checked_mul(*unit)?,
        };
        let mut scale = *unit;
        for digit in fraction.bytes() {
            scale /= 10;
            part = part.checked_add(u64::from(digit - b'0') * scale)?;
        }
        nanoseconds = nanoseconds.checked_add(part)?;
        rest = after;
    }
    (nanoseconds <= i64::MAX as u64).then(|| Duration::from_nanos(nanoseconds))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|char: char| !char.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_reads() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0s", 0),
            ("+5s", 5_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1m30s", 90_000_000_000),
            ("3us2\u{b5}s1\u{3bc}s", 6_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            ("9223372036854775807ns", i64::MAX as u64),
        ] {
            assert_eq!(
                parse(text),
                Some(Duration::from_nanos(nanoseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_go_refuses_and_what_is_negative() {
        for text in [
            "",
            "3",
            "-5s",
            "s",
            ".",
            ".s",
            "+",
            "1d",
            "1 s",
            "1s ",
            "1x",
            "1.2.3s",
            "9223372036854775808ns",
            "99999999999999999999h",
            "\u{661}s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
