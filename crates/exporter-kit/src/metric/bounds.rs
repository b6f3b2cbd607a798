//! The bounds of a histogram's buckets, and the bucket of a value.

use std::sync::Arc;

/// Bucket bounds with a finer division beside them. Arithmetic finds a value's cell in the division, which leaves one
/// bound to compare with. A binary search would compare several bounds for every observation.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// In rising order, the last one +Inf; empty without classic buckets.
    upper: Arc<[f64]>,
    division: Division,
}

/// A division into cells, numbered by a float's leading bits. The bits of positive floats sort like the floats.
#[derive(Debug, Default)]
struct Division {
    /// The number of ignored low bits.
    shift: u32,
    /// The number of the first cell, which also covers all lower values.
    first: u64,
    /// The smallest value of the first cell, and the largest finite bound. Look-ups clamp values to this range.
    ends: [f64; 2],
    /// The cells; empty if no division suits the bounds.
    cells: Box<[BoundCell]>,
}

/// The values with the same leading bits. Invariant: they include at most one bound.
#[derive(Clone, Copy, Debug)]
struct BoundCell {
    /// The bound in this cell, or +Inf.
    bound: f64,
    /// The bucket of the values above the bound.
    above: usize,
}

/// The maximum number of cells: 8 KiB for a metric, independent of its number of series.
const MAX_CELLS: u64 = 512;

const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;

impl Bounds {
    /// Invariant: `upper` rises and ends with +Inf, or is empty.
    pub(crate) fn new(upper: Vec<f64>) -> Self {
        Self {
            division: Division::of(finite(&upper)),
            upper: if upper.is_empty() {
                // Shared by all families without buckets.
                Arc::default()
            } else {
                upper.into()
            },
        }
    }

    pub(crate) const fn upper(&self) -> &Arc<[f64]> {
        &self.upper
    }

    /// Returns the index of the first bound that is not less than `value`; NaN belongs to +Inf.
    #[inline]
    pub(crate) fn bucket(&self, value: f64) -> usize {
        match self.division.cell(value) {
            Some(cell) => cell.above - usize::from(value <= cell.bound),
            None => self.search(value),
        }
    }

    #[inline(never)]
    fn search(&self, value: f64) -> usize {
        let finite = finite(&self.upper);
        if value.is_nan() {
            finite.len()
        } else {
            finite.partition_point(|bound| *bound < value)
        }
    }
}

fn finite(upper: &[f64]) -> &[f64] {
    &upper[..upper.len().saturating_sub(1)]
}

impl Division {
    /// Returns the coarsest division that separates the bounds, or an empty one if that needs too many cells.
    fn of(finite: &[f64]) -> Self {
        (0..=MANTISSA_BITS)
            .rev()
            .map_while(|shift| Some((shift, numbers(finite, shift)?)))
            .take_while(|(_, numbers)| numbers[numbers.len() - 1] - numbers[0] < MAX_CELLS)
            .find(|(_, numbers)| numbers.is_sorted_by(|one, next| one < next))
            .map(|(shift, numbers)| Self::with(finite, shift, &numbers))
            .unwrap_or_default()
    }

    fn with(finite: &[f64], shift: u32, numbers: &[u64]) -> Self {
        let first = numbers[0];
        let mut cells = Vec::new();
        for (i, (bound, number)) in finite.iter().zip(numbers).enumerate() {
            let cell = |bound| BoundCell {
                bound,
                above: i + 1,
            };
            cells.resize((number - first) as usize, cell(f64::INFINITY));
            cells.push(cell(*bound));
        }
        Self {
            shift,
            first,
            ends: [f64::from_bits(first << shift), finite[finite.len() - 1]],
            cells: cells.into(),
        }
    }

    #[inline]
    fn cell(&self, value: f64) -> Option<&BoundCell> {
        let [least, greatest] = self.ends;
        // This form maps NaN to the largest value.
        let value = if value < greatest { value } else { greatest };
        let value = if value > least { value } else { least };
        let number = value.to_bits() >> self.shift;
        let at = usize::try_from(number.wrapping_sub(self.first)).ok()?;
        self.cells.get(at)
    }
}

/// Returns the numbers of the bounds' cells. Bounds of zero or less do not have a number: one such bound can take the
/// cell before the others.
fn numbers(finite: &[f64], shift: u32) -> Option<Vec<u64>> {
    let of = |bound: &f64| bound.to_bits() >> shift;
    let positive = finite.partition_point(|bound| *bound <= 0.0);
    let first = of(finite.get(positive)?);
    let before = match positive {
        0 => None,
        1 => Some(first.checked_sub(1)?),
        _ => return None,
    };
    let numbers = finite[positive..].iter().map(of);
    Some(before.into_iter().chain(numbers).collect())
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;
    use crate::metric::buckets::DEFAULT_BUCKETS;

    fn bounds(finite: &[f64]) -> Bounds {
        Bounds::new([finite, &[f64::INFINITY]].concat())
    }

    /// Checks values equal to, next to and far from every bound.
    fn check(finite: &[f64]) {
        let bounds = bounds(finite);
        let special = [
            0.0,
            -0.0,
            -1.0,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            f64::MIN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let near = finite
            .iter()
            .flat_map(|bound| [bound.next_down(), *bound, bound.next_up(), -bound]);
        for value in near.chain(special) {
            let expected = finite.iter().filter(|bound| **bound < value).count();
            assert_eq!(bounds.bucket(value), expected, "{value} in {finite:?}");
        }
        for nan in [f64::NAN, -f64::NAN] {
            assert_eq!(bounds.bucket(nan), finite.len(), "{nan} in {finite:?}");
        }
    }

    #[test]
    fn usual_bounds_are_not_searched() {
        let linear: Vec<f64> = (0..=20).map(|i| f64::from(i) * 5.0).collect();
        let exponential: Vec<f64> = (0..40).map(|i| 1e-6 * 1.5_f64.powi(i)).collect();
        let below = [-1.0, 1e-3, 1.0];
        for finite in [&DEFAULT_BUCKETS[..], &[1.0], &linear, &exponential, &below] {
            let cells = bounds(finite).division.cells.len();
            assert!((1..=100).contains(&cells), "{cells} cells for {finite:?}");
            check(finite);
        }
    }

    #[test]
    fn bounds_that_no_division_suits_are_searched() {
        let beside = [1.0, 1.0_f64.next_up(), 1e300];
        for finite in [&[][..], &[0.0], &[-1.0, 0.0, 1.0], &[0.0, 5e-324], &beside] {
            assert_eq!(bounds(finite).division.cells.len(), 0);
            check(finite);
        }
        assert_eq!(Bounds::new(Vec::new()).bucket(1.0), 0);
    }

    proptest! {
        #[test]
        fn a_value_falls_where_a_search_finds_it(
            digits in btree_set(-50..5000_i32, 1..60),
            exponent in -30..30_i32,
            values in proptest::collection::vec(any::<f64>(), 1..20),
        ) {
            let finite: Vec<f64> = digits.iter().map(|digits| f64::from(*digits) * 10_f64.powi(exponent)).collect();
            check(&finite);
            let bounds = bounds(&finite);
            for value in values {
                let expected = finite.iter().filter(|bound| **bound < value).count();
                prop_assert!(value.is_nan() || bounds.bucket(value) == expected);
            }
        }
    }
}
