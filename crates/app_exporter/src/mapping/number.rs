//! Numbers from cells: factors and sums. Integers stay exact.

use std::cmp::Ordering;

use exporter_kit::Number;

use crate::decode::{Cell, parse_number};

/// A factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    One,
    /// Integers stay integers.
    Times(i64),
    /// 0.001 has no exact binary form, but 1000 has: dividing by it is correct to the last digit.
    Divide(i64),
    Factor(f64),
}

impl Scale {
    pub(super) fn new(factor: f64) -> Self {
        let inverse = 1.0 / factor;
        match (whole(factor), whole(inverse.round())) {
            (Some(1), _) => Self::One,
            (Some(times), _) => Self::Times(times),
            // The nearest number to 1/1000 is written 0.001, so this recognizes what the user meant.
            (None, Some(by)) if 1.0 / inverse.round() == factor => Self::Divide(by),
            _ => Self::Factor(factor),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a factor is whole and at most 2^53, so it is exact"
    )]
    pub(super) fn apply(self, number: Number) -> Number {
        match self {
            Self::One => number,
            Self::Times(by) => integer(number)
                .and_then(|number| from_integer(number * i128::from(by)))
                .unwrap_or(Number::F64(number.as_f64() * by as f64)),
            Self::Divide(by) => integer(number)
                .filter(|number| number % i128::from(by) == 0)
                .and_then(|number| from_integer(number / i128::from(by)))
                .unwrap_or(Number::F64(number.as_f64() / by as f64)),
            Self::Factor(by) => Number::F64(number.as_f64() * by),
        }
    }
}

/// The number in a readable cell. `None` for an empty cell.
///
/// # Errors
/// The text that is not a number.
pub(super) fn of_cell(cell: &Cell) -> Result<Option<Number>, &str> {
    match cell {
        Cell::Null | Cell::Unreadable(_) => Ok(None),
        Cell::Bool(bool) => Ok(Some(Number::U64(u64::from(*bool)))),
        Cell::Number(number) => Ok(Some(*number)),
        Cell::Text(text) => parse_number(text).map(Some).ok_or(text),
    }
}

/// A number of the configuration. 1 is an integer.
pub(super) fn of_float(float: f64) -> Number {
    whole(float).map_or(Number::F64(float), Number::I64)
}

pub(super) fn sum(a: Number, b: Number) -> Number {
    let exact = integer(a).zip(integer(b));
    exact
        .and_then(|(a, b)| from_integer(a + b))
        .unwrap_or(Number::F64(a.as_f64() + b.as_f64()))
}

/// The greater of the two; NaN is less than any number.
pub(super) fn max(a: Number, b: Number) -> Number {
    match (a.as_f64().is_nan(), b.as_f64().is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if order(a, b) == Ordering::Less => b,
        _ => a,
    }
}

/// The lesser of the two; NaN is greater than any number.
pub(super) fn min(a: Number, b: Number) -> Number {
    match (a.as_f64().is_nan(), b.as_f64().is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if order(a, b) == Ordering::Greater => b,
        _ => a,
    }
}

/// The order of two numbers, exact for integers.
fn order(a: Number, b: Number) -> Ordering {
    match integer(a).zip(integer(b)) {
        Some((a, b)) => a.cmp(&b),
        None => a.as_f64().total_cmp(&b.as_f64()),
    }
}

fn integer(number: Number) -> Option<i128> {
    match number {
        Number::U64(number) => Some(number.into()),
        Number::I64(number) => Some(number.into()),
        Number::F64(_) => None,
    }
}

fn from_integer(integer: i128) -> Option<Number> {
    let unsigned = u64::try_from(integer).map(Number::U64);
    unsigned
        .or_else(|_| i64::try_from(integer).map(Number::I64))
        .ok()
}

/// The float as an integer, if it is an exact one.
#[allow(
    clippy::cast_possible_truncation,
    reason = "it is whole and of at most 53 bits"
)]
fn whole(float: f64) -> Option<i64> {
    const MOST: f64 = 9_007_199_254_740_992.0;
    (float.fract() == 0.0 && float.abs() <= MOST).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_factor_is_exact_where_it_can_be() {
        assert_eq!(Scale::new(1.0), Scale::One);
        assert_eq!(Scale::new(0.001), Scale::Divide(1000));
        assert_eq!(Scale::new(1000.0), Scale::Times(1000));
        assert_eq!(Scale::new(0.3), Scale::Factor(0.3));
        let milliseconds = Scale::new(0.001);
        assert_eq!(milliseconds.apply(Number::U64(1234)), Number::F64(1.234));
        assert_eq!(
            milliseconds.apply(Number::U64(u64::MAX - 615)),
            Number::U64(18_446_744_073_709_551)
        );
        assert_eq!(
            Scale::new(-1.0).apply(Number::U64(1 << 60)),
            Number::I64(-(1 << 60))
        );
        assert_eq!(
            Scale::new(2.0).apply(Number::U64(u64::MAX)),
            Number::F64(36_893_488_147_419_103_230.0)
        );
    }

    #[test]
    fn a_text_is_what_its_digits_say() {
        assert_eq!(of_cell(&Cell::Bool(false)), Ok(Some(Number::U64(0))));
        assert_eq!(of_cell(&Cell::text("12")), Ok(Some(Number::U64(12))));
        assert_eq!(of_cell(&Cell::Null), Ok(None));
        assert_eq!(of_cell(&Cell::text("DOWN")), Err("DOWN"));
    }

    fn any_number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<u64>().prop_map(Number::U64),
            any::<i64>().prop_map(Number::I64),
            any::<f64>().prop_map(Number::F64),
        ]
    }

    proptest! {
        #[test]
        fn sums_of_whole_numbers_are_exact(a in any::<i64>(), b in any::<i64>()) {
            let exact = i128::from(a) + i128::from(b);
            let found = sum(Number::I64(a), Number::I64(b));
            match from_integer(exact) {
                Some(expected) => prop_assert_eq!(found, expected),
                None => prop_assert!(matches!(found, Number::F64(_))),
            }
        }

        #[test]
        fn sum_and_max_do_not_depend_on_the_order(a in any_number(), b in any_number()) {
            prop_assert_eq!(sum(a, b), sum(b, a));
            prop_assert_eq!(max(a, b), max(b, a));
            prop_assert_eq!(min(a, b), min(b, a));
        }

        #[test]
        fn one_is_no_factor_and_minus_one_turns_back(number in any_number()) {
            prop_assert_eq!(Scale::new(1.0).apply(number), number);
            let minus = Scale::new(-1.0);
            // The least i64 has no opposite among them, but u64 has it.
            prop_assert_eq!(minus.apply(minus.apply(number)).as_f64().to_bits(), number.as_f64().to_bits());
        }
    }
}
