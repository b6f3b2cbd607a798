//! Parses numbers and times in the text formats' notation: decimal, without separators.

use crate::model::{Number, Timestamp};

/// A floating-point number, `Inf`, `Infinity` and `NaN` in any case; no hexadecimal, no underscore. Digits beyond the
/// range of an `f64` are not a number, as in Prometheus.
pub(crate) fn float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    match digits.as_bytes().first()? {
        b'0'..=b'9' | b'.' => text.parse().ok().filter(|n: &f64| n.is_finite()),
        b'i' | b'I' => text.parse().ok(),
        // NaN has no sign.
        b'n' | b'N' if digits.len() == text.len() => text.parse().ok(),
        _ => None,
    }
}

/// A number; integers stay exact: `9007199254740993.0` is not rounded.
pub(crate) fn number(text: &str) -> Option<Number> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if !whole.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => "",
        None => text,
    };
    let last_is_digit = whole.bytes().last().is_some_and(|b| b.is_ascii_digit());
    if last_is_digit && whole.len() <= 20 {
        if let Ok(n) = whole.parse::<u64>() {
            return Some(Number::U64(n));
        }
        // -0 is a float; integers can't represent it.
        if let Some(n) = whole.parse::<i64>().ok().filter(|n| *n != 0) {
            return Some(Number::I64(n));
        }
    }
    float(text).map(Number::F64)
}

/// A time with more digits than a [`Timestamp`], to preserve order beyond nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// In units of 10^-18 seconds since the epoch.
    attos: i128,
}

const DIGITS: i64 = 18;
const ATTOS_PER_NANO: i128 = 1_000_000_000;

impl Moment {
    pub(crate) fn from_millis(millis: i64) -> Self {
        let attos = i128::from(millis) * 1_000_000 * ATTOS_PER_NANO;
        Self { attos }
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        let nanos = self.attos.div_euclid(ATTOS_PER_NANO);
        let seconds = nanos.div_euclid(1_000_000_000);
        let seconds = seconds.clamp(i64::MIN.into(), i64::MAX.into());
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0);
        Timestamp::new(seconds, nanos)
    }
}

/// Seconds since the epoch as a decimal number, not NaN, not infinite. Digits below 10^-18 are cut off; times out of
/// range become the last representable time.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    float(text).filter(|n| n.is_finite())?;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let digits = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let point = digits.find('.').unwrap_or(digits.len());
    // The power of ten, in attoseconds, of the first digit.
    let mut power = i64::try_from(point).ok()? - 1 + i64::from(exponent) + DIGITS;
    let mut attos: i128 = 0;
    for digit in digits.bytes().filter(u8::is_ascii_digit) {
        if digit != b'0' && power >= 0 {
            let unit = 10i128.saturating_pow(u32::try_from(power).ok()?);
            attos = attos.saturating_add(unit.saturating_mul(i128::from(digit - b'0')));
        }
        power -= 1;
    }
    if mantissa.starts_with('-') {
        attos = -attos;
    }
    Some(Moment { attos })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_exact() {
        assert!(matches!(
            number("9007199254740993.0"),
            Some(Number::U64(9_007_199_254_740_993))
        ));
        assert!(matches!(number("-5"), Some(Number::I64(-5))));
        assert!(matches!(number("-0.0"), Some(Number::F64(n)) if n.is_sign_negative()));
        assert!(matches!(
            number("18446744073709551616"),
            Some(Number::F64(_))
        ));
        assert!(matches!(
            number("000000000000000000000000000001"),
            Some(Number::F64(1.0))
        ));
    }

    #[test]
    fn only_decimal_numbers_are_numbers() {
        for text in [
            ".5",
            "5.",
            "+1e5",
            "1E-5",
            "inf",
            "-Inf",
            "+INFINITY",
            "NaN",
            "nan",
        ] {
            assert!(number(text).is_some(), "{text}");
        }
        for text in [
            "", ".", "+", "-", "1_0", "0x1", "0b1", "1e", "+nan", "1 ", " 1", "١", "1f", "e5",
            "--1", "+-1", "1e400", "-1e400",
        ] {
            assert!(number(text).is_none(), "{text}");
        }
    }

    #[test]
    fn moments_keep_their_order_beyond_nanoseconds() {
        let time = |text| moment(text).unwrap();
        assert!(time("0.0000000000") < time("0.0000000001"));
        assert_eq!(time("1.5e3"), time("1500"));
        assert_eq!(time("-0.25").timestamp(), Timestamp::from_millis(-250));
        assert_eq!(
            time("1520879607.789").timestamp(),
            Timestamp::from_millis(1_520_879_607_789)
        );
        assert_eq!(time("9223372036854775807").timestamp().seconds(), i64::MAX);
        assert_eq!(
            time("12345678901234567890.5").timestamp().seconds(),
            i64::MAX
        );
        assert_eq!(time("-1e300").timestamp().seconds(), i64::MIN);
        for text in ["NaN", "Inf", "1e400", "1.1.1", "1e99999999999"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
