//! Numbers with few digits, which most metrics have.
//!
//! Formats them without a loop. The steps depend on each other as little as possible, so that the processor can overlap
//! them.

/// Numbers below this have at most eight digits before the point.
const LIMIT: u32 = 100_000_000;

/// 2^52: floats from here to twice this value are exactly the integers, and their bits count them.
const INTEGERS_FROM: f64 = 4_503_599_627_370_496.0;

/// A point, room for two digits, and zeros.
const POINT_AND_ZEROS: u64 = u64::from_le_bytes(*b".\0\x0000000");

const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);

/// The texts of 00 to 99, padded with zeros to a power of two, so that an index needs no check.
static PAIRS: [u16; 128] = {
    let mut pairs = [0; 128];
    let mut n = 0;
    while n < 100 {
        pairs[n] = u16::from_le_bytes([b'0' + n as u8 / 10, b'0' + n as u8 % 10]);
        n += 1;
    }
    pairs
};

/// Two texts of at most 8 bytes each, the first byte lowest, with their lengths.
#[derive(Clone, Copy)]
pub(super) struct ShortNumber {
    first: (u64, u32),
    behind: (u64, u32),
}

impl ShortNumber {
    /// A count below 10^8, without a point, followed by `end` of at most one byte.
    #[inline(always)]
    pub(super) fn count<const N: usize>(n: u64, end: &[u8; N]) -> Option<Self> {
        if n >= u64::from(LIMIT) {
            return None;
        }
        Some(Self {
            first: digits(n as u32),
            behind: with_end(ZEROS, 0, end),
        })
    }

    /// An integer from 0 to below 10^8 with a point, followed by `end`.
    #[inline(always)]
    pub(super) fn whole<const N: usize>(n: u64, end: &[u8; N]) -> Option<Self> {
        if n >= u64::from(LIMIT) {
            return None;
        }
        let decimals = POINT_AND_ZEROS + (pair(0) << 8);
        Some(Self {
            first: digits(n as u32),
            behind: with_end(decimals, 2, end),
        })
    }

    /// A number from 0 to below 10^8 with at most three decimals, in the fewest digits and with a point, followed by
    /// `end`. Returns `None` for any other number, and for some of these.
    #[inline(always)]
    pub(super) fn decimal<const N: usize>(n: f64, end: &[u8; N]) -> Option<Self> {
        // A sum of this size has no room for a fraction, so its last digits are the thousandths.
        let sum = n * 1000.0 + INTEGERS_FROM;
        // A quotient is rounded like a parsed number. Two different texts of so few digits never parse as the same
        // float, so an equal result proves that no text is shorter.
        let comes_back = (sum - INTEGERS_FROM) / 1000.0 == n;
        if !comes_back || n >= f64::from(LIMIT) {
            return None;
        }
        let thousandths = sum.to_bits() - INTEGERS_FROM.to_bits();
        let whole = (thousandths / 1000) as u32;
        let decimals = (thousandths as u32).wrapping_sub(whole.wrapping_mul(1000));
        let tens = (decimals * 205) >> 11;
        let last = decimals - tens * 10;
        let pair = pair(tens);
        let text = POINT_AND_ZEROS + (pair << 8) + (u64::from(last) << 24);
        // The first decimal stays, even if it is 0.
        let rest_is_zero = last == 0 && pair >> 8 == u64::from(b'0');
        let length = 4 - u32::from(last == 0) - u32::from(rest_is_zero);
        Some(Self {
            first: digits(whole),
            behind: with_end(text, length, end),
        })
    }

    /// Appends both texts. Always writes all eight bytes: that is faster than writing only the used ones.
    #[inline(always)]
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        for (text, length) in [self.first, self.behind] {
            let end = out.len() + length as usize;
            out.extend_from_slice(&text.to_le_bytes());
            out.truncate(end);
        }
    }
}

/// The digits of a number below 10^8, as text and its length.
#[inline(always)]
fn digits(n: u32) -> (u64, u32) {
    let high = n / 10_000;
    let low = n - high * 10_000;
    let (first, third) = (high / 100, low / 100);
    let (second, fourth) = (high - first * 100, low - third * 100);
    let text = pair(first) | pair(second) << 16 | pair(third) << 32 | pair(fourth) << 48;
    // The last digit stays, even if it is 0.
    let zeros = ((text ^ ZEROS) | 1 << 56).trailing_zeros() & !7;
    (text >> zeros, 8 - zeros / 8)
}

/// The text of a number below 100.
#[inline(always)]
fn pair(n: u32) -> u64 {
    PAIRS[n as usize % PAIRS.len()].into()
}

/// Replaces the zero digit after the first `length` bytes of a text by `end`, of at most one byte. The bytes after it
/// are arbitrary.
#[inline(always)]
fn with_end<const N: usize>(text: u64, length: u32, end: &[u8; N]) -> (u64, u32) {
    match end.first() {
        Some(end) => {
            let change = u64::from(*end).wrapping_sub(u64::from(b'0')) << (length * 8);
            (text.wrapping_add(change), length + 1)
        }
        None => (text, length),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(short: Option<ShortNumber>) -> Option<String> {
        let mut out = Vec::new();
        short?.append_to(&mut out);
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_limits_are_written_as_they_should_be() {
        assert_eq!(text(ShortNumber::count(0, b"")).unwrap(), "0");
        assert_eq!(
            text(ShortNumber::count(99_999_999, b"")).unwrap(),
            "99999999"
        );
        assert_eq!(text(ShortNumber::count(100_000_000, b"")), None);
        assert_eq!(text(ShortNumber::whole(0, b"\n")).unwrap(), "0.0\n");
        assert_eq!(
            text(ShortNumber::whole(99_999_999, b"")).unwrap(),
            "99999999.0"
        );
        assert_eq!(text(ShortNumber::whole(100_000_000, b"")), None);
        let decimals = [
            (0.0, "0.0"),
            (0.001, "0.001"),
            (0.01, "0.01"),
            (0.1, "0.1"),
            (45.0, "45.0"),
            (100.05, "100.05"),
            (99_999_999.999, "99999999.999"),
        ];
        for (n, expected) in decimals {
            assert_eq!(text(ShortNumber::decimal(n, b"")).unwrap(), expected);
        }
        for n in [
            100_000_000.0,
            0.000_1,
            0.1 + 0.2,
            1e300,
            f64::INFINITY,
            f64::NAN,
            5e-324,
        ] {
            assert_eq!(text(ShortNumber::decimal(n, b"")), None, "{n}");
        }
        assert_eq!(text(ShortNumber::count(7, b"\n")).unwrap(), "7\n");
        assert_eq!(
            text(ShortNumber::decimal(12_345_678.125, b"\n")).unwrap(),
            "12345678.125\n"
        );
    }

    proptest! {
        #[test]
        fn counts_are_the_standard_librarys(n: u64, shift in 0..64) {
            let n = n >> shift;
            prop_assert_eq!(text(ShortNumber::count(n, b"")), (n < u64::from(LIMIT)).then(|| n.to_string()));
        }

        #[test]
        fn decimals_are_the_shortest_that_read_back(thousandths in 0..u64::from(LIMIT) * 1000, shift in 0..37) {
            let n = (thousandths >> shift) as f64 / 1000.0;
            prop_assert_eq!(text(ShortNumber::decimal(n, b"")).unwrap(), format!("{n:?}"));
        }

        #[test]
        fn what_is_no_short_decimal_is_left_alone(bits: u64) {
            let n = f64::from_bits(bits).abs();
            if let Some(text) = text(ShortNumber::decimal(n, b"")) {
                prop_assert_eq!(text, format!("{n:?}"));
            }
        }
    }
}
