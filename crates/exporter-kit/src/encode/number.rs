//! The only file that formats numbers.
//!
//! Integers end in `.0`, like in Python's client, and stay exact at any size. Other numbers have the fewest digits that
//! parse as the same `f64`.

use crate::encode::short_number::ShortNumber;
use crate::model::{Number, Timestamp, decimal};

/// Integral floats up to this limit are written without an exponent; beyond it, digits would suggest a false precision.
const MAX_PLAIN: f64 = 1e15;

/// Appends a sample's value.
#[inline]
pub(crate) fn value(out: &mut Vec<u8>, number: Number) {
    append(out, number, b"");
}

/// Appends a sample's value and the end of its line.
#[inline(never)]
pub(super) fn value_line(out: &mut Vec<u8>, number: Number) {
    append(out, number, b"\n");
}

/// A sample's value and the end of its line, if it is a short number.
#[inline(always)]
pub(super) fn short_line(number: Number) -> Option<ShortNumber> {
    match number {
        Number::F64(n) if n.is_sign_positive() => ShortNumber::decimal(n, b"\n"),
        Number::F64(_) => None,
        Number::U64(n) => ShortNumber::whole(n, b"\n"),
        Number::I64(n) => u64::try_from(n)
            .ok()
            .and_then(|n| ShortNumber::whole(n, b"\n")),
    }
}

#[inline(always)]
fn append<const N: usize>(out: &mut Vec<u8>, number: Number, end: &[u8; N]) {
    match number {
        Number::F64(n) => append_float(out, n, end),
        Number::U64(n) => whole(out, n, end),
        Number::I64(n) => whole(out, n, end),
    }
}

#[inline(always)]
fn whole<const N: usize>(out: &mut Vec<u8>, n: impl itoa::Integer, end: &[u8; N]) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(n).as_bytes();
    out.reserve(digits.len() + 2 + N);
    out.extend_from_slice(digits);
    out.extend_from_slice(b".0");
    out.extend_from_slice(end);
}

/// The maximum length of a count and the end of its line.
pub(crate) const COUNT_ROOM: usize = 21;

/// Appends a count without a fraction, as OpenMetrics requires for the counts of buckets and observations.
#[inline]
pub(crate) fn count(out: &mut Vec<u8>, n: u64) {
    append_count(out, n, b"");
}

/// Appends a count and the end of its line.
#[inline]
pub(crate) fn count_line(out: &mut Vec<u8>, n: u64) {
    append_count(out, n, b"\n");
}

#[inline(always)]
fn append_count<const N: usize>(out: &mut Vec<u8>, n: u64, end: &[u8; N]) {
    if n < 100 {
        // Many buckets have few observations.
        let (tens, ones) = (n as u8 / 10, n as u8 % 10);
        if tens > 0 {
            out.push(b'0' + tens);
        }
        out.push(b'0' + ones);
        return out.extend_from_slice(end);
    }
    match ShortNumber::count(n, end) {
        Some(short) => short.append_to(out),
        None => {
            out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            out.extend_from_slice(end);
        }
    }
}

/// Appends a floating-point number.
#[inline]
pub(crate) fn float(out: &mut Vec<u8>, n: f64) {
    append_float(out, n, b"");
}

#[inline(always)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what is not whole or too large is not used"
)]
fn append_float<const N: usize>(out: &mut Vec<u8>, n: f64, end: &[u8; N]) {
    if let Some(short) = ShortNumber::decimal(n.abs(), end) {
        if n.is_sign_negative() {
            out.push(b'-');
        }
        return short.append_to(out);
    }
    let integer = n as i64;
    if integer as f64 == n && n.abs() <= MAX_PLAIN && (integer != 0 || n.is_sign_positive()) {
        return whole(out, integer, end);
    }
    if n.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(n).as_bytes());
    } else {
        out.extend_from_slice(not_finite(n).as_bytes());
    }
    out.extend_from_slice(end);
}

fn not_finite(n: f64) -> &'static str {
    if n.is_nan() {
        "NaN"
    } else if n > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
}

/// Appends the bound of a bucket or a quantile as a canonical number of OpenMetrics: `0.1`, `100000.0`, `1e+06`,
/// `1e-05`, `+Inf`.
///
/// Nearly all bounds are integers or have few decimals; the general algorithm is ten times slower for them.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be whole and in range"
)]
pub(crate) fn canonical(out: &mut Vec<u8>, n: f64) {
    if !n.is_finite() {
        return out.extend_from_slice(not_finite(n).as_bytes());
    }
    if (1e-3..1e6).contains(&n)
        && let Some(short) = ShortNumber::decimal(n, b"")
    {
        return short.append_to(out);
    }
    if (1e6..=MAX_PLAIN).contains(&n) && n.fract() == 0.0 {
        return with_exponent(out, n as u64);
    }
    out.extend_from_slice(rare_canonical(n).as_bytes());
}

/// The canonical form of a number as OpenMetrics and Prometheus 3 write bounds and quantiles; `None` if the text is not
/// a number.
pub(crate) fn canonical_text(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len() + 2);
    canonical(&mut out, decimal::float(text)?);
    String::from_utf8(out).ok()
}

/// Appends an integer of at least two digits and less than 2^53, whose own digits are already the shortest.
fn with_exponent(out: &mut Vec<u8>, n: u64) {
    let mut buffer = itoa::Buffer::new();
    let (first, behind) = buffer.format(n).split_at(1);
    let digits = behind.trim_end_matches('0');
    out.extend_from_slice(first.as_bytes());
    if !digits.is_empty() {
        out.push(b'.');
        out.extend_from_slice(digits.as_bytes());
    }
    out.extend_from_slice(if behind.len() < 10 { b"e+0" } else { b"e+" });
    count(out, behind.len() as u64);
}

fn rare_canonical(n: f64) -> String {
    let scientific = format!("{n:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ if n.fract() == 0.0 => format!("{n:.1}"),
        _ => n.to_string(),
    }
}

/// Appends seconds since the epoch with all decimals of the timestamp, at least three.
pub(crate) fn timestamp_seconds(out: &mut Vec<u8>, time: Timestamp) {
    let (mut seconds, mut nanos) = (time.seconds(), time.subsec_nanos());
    if seconds < 0 && nanos > 0 {
        // The fraction counts up from the rounded-down second; a decimal number counts away from zero.
        seconds += 1;
        nanos = 1_000_000_000 - nanos;
        if seconds == 0 {
            out.push(b'-');
        }
    }
    out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
    let decimals = format!(".{nanos:09}");
    let kept = decimals.trim_end_matches('0').len().max(4);
    out.extend_from_slice(&decimals.as_bytes()[..kept]);
}

/// Appends milliseconds since the epoch, as the text format requires.
///
/// Prometheus rejects a whole text with a time before 1970, so such a time becomes 0.
pub(crate) fn timestamp_millis(out: &mut Vec<u8>, time: Timestamp) {
    let millis = time.as_millis().max(0);
    out.extend_from_slice(itoa::Buffer::new().format(millis).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(number: Number) -> String {
        let mut out = Vec::new();
        value(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whole_numbers_end_in_a_zero_and_stay_exact() {
        assert_eq!(written(Number::F64(45.0)), "45.0");
        assert_eq!(written(Number::F64(-3.0)), "-3.0");
        assert_eq!(written(Number::F64(0.0)), "0.0");
        assert_eq!(written(Number::F64(-0.0)), "-0.0");
        assert_eq!(written(Number::U64((1 << 53) + 1)), "9007199254740993.0");
        assert_eq!(written(Number::U64(u64::MAX)), "18446744073709551615.0");
        assert_eq!(written(Number::I64(i64::MIN)), "-9223372036854775808.0");
    }

    #[test]
    fn other_numbers_read_back_as_themselves() {
        for n in [
            0.1,
            -1.5,
            1e-7,
            1e15,
            1e16,
            1e300,
            f64::MIN_POSITIVE,
            f64::MAX,
            123.456,
            5e-324,
        ] {
            assert_eq!(
                written(Number::F64(n)).parse::<f64>().unwrap().to_bits(),
                n.to_bits()
            );
        }
        assert_eq!(written(Number::F64(f64::INFINITY)), "+Inf");
        assert_eq!(written(Number::F64(f64::NEG_INFINITY)), "-Inf");
        assert_eq!(written(Number::F64(f64::NAN)), "NaN");
    }

    #[test]
    fn bounds_are_canonical() {
        let cases = [
            (0.005, "0.005"),
            (1.0, "1.0"),
            (10.0, "10.0"),
            (1e-5, "1e-05"),
            (1e10, "1e+10"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e5, "100000.0"),
            (123_456.5, "123456.5"),
            (1e-10, "1e-10"),
            (0.0001, "0.0001"),
            (2.5, "2.5"),
            (f64::INFINITY, "+Inf"),
            (-0.5, "-0.5"),
            (0.0, "0.0"),
            (-1e6, "-1e+06"),
            (999_999_999_999_999.0, "9.99999999999999e+14"),
            (1e15, "1e+15"),
            (1e16, "1e+16"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (n, text) in cases {
            let mut out = Vec::new();
            canonical(&mut out, n);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn usual_bounds_are_canonical_as_all_are(digits in -20_000_i64..2_000_000_000, exponent in -9..9) {
            let n = digits as f64 / 10_f64.powi(exponent);
            let mut out = Vec::new();
            canonical(&mut out, n);
            prop_assert_eq!(String::from_utf8(out).unwrap(), rare_canonical(n));
        }
    }

    #[test]
    fn timestamps_are_seconds_with_a_fraction() {
        let cases = [
            (Timestamp::new(1_520_879_607, 789_000_000), "1520879607.789"),
            (Timestamp::new(5, 0), "5.000"),
            (Timestamp::new(5, 1), "5.000000001"),
            (Timestamp::from_millis(-250), "-0.250"),
            (Timestamp::from_millis(-1250), "-1.250"),
        ];
        for (time, text) in cases {
            let mut out = Vec::new();
            timestamp_seconds(&mut out, time);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
