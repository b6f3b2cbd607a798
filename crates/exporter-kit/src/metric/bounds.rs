//! The bounds of a histogram's buckets, and the bucket that a value falls in.

use std::sync::Arc;

/// Bounds with a finer division than theirs beside them: the place of a value in it is arithmetic, and leaves one bound to
/// compare with. A search would take a comparison for each halving, at every observation.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// Rising, the last one +Inf; empty if there are no classic buckets.
    upper: Arc<[f64]>,
    /// The least and the greatest finite bound.
    ends: [f64; 2],
    /// A positive float's bits are in the order of the floats. Shifted by this, they number the cells.
    shift: u32,
    /// The number of the least bound's cell.
    first: u64,
    /// From the least bound's to the greatest one's, or empty: then bounds are searched.
    cells: Box<[Cell]>,
}

/// The values whose first bits are the same. Invariant: at most one bound is among them.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// That bound, or +Inf.
    bound: f64,
    /// The bucket of the values above it.
    above: usize,
}

/// How many cells are no waste of memory: 8 KiB for a metric, however many series it has.
const MAX_CELLS: u64 = 512;

const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;

impl Bounds {
    /// Invariant: `upper` rises and ends with +Inf, or is empty.
    pub(crate) fn new(upper: Vec<f64>) -> Self {
        let (ends, (shift, first, cells)) = match finite(&upper) {
            [least, .., greatest] if *least > 0.0 => ([*least, *greatest], divide(&upper)),
            [only] if *only > 0.0 => ([*only; 2], divide(&upper)),
            _ => Default::default(),
        };
        Self {
            upper: upper.into(),
            ends,
            shift,
            first,
            cells,
        }
    }

    pub(crate) const fn upper(&self) -> &Arc<[f64]> {
        &self.upper
    }

    /// The index of the first bound that is not less; NaN belongs to +Inf.
    #[inline]
    pub(crate) fn bucket(&self, value: f64) -> usize {
        let [least, greatest] = self.ends;
        // Written so that NaN becomes the greatest.
        let near = if value < greatest { value } else { greatest };
        let near = if near > least { near } else { least };
        let at = (near.to_bits() >> self.shift).wrapping_sub(self.first);
        match usize::try_from(at).ok().and_then(|at| self.cells.get(at)) {
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

/// The coarsest division that keeps bounds apart, if it is coarse enough: its shift, its first cell's number, its cells.
fn divide(upper: &[f64]) -> (u32, u64, Box<[Cell]>) {
    let finite = finite(upper);
    (0..=MANTISSA_BITS)
        .rev()
        .map(|shift| {
            let numbers: Vec<u64> = finite
                .iter()
                .map(|bound| bound.to_bits() >> shift)
                .collect();
            (shift, numbers)
        })
        .take_while(|(_, numbers)| numbers[numbers.len() - 1] - numbers[0] < MAX_CELLS)
        .find(|(_, numbers)| numbers.is_sorted_by(|one, next| one < next))
        .map(|(shift, numbers)| {
            let mut cells = Vec::new();
            for (i, number) in numbers.iter().enumerate() {
                let between = Cell {
                    bound: f64::INFINITY,
                    above: i + 1,
                };
                cells.resize((number - numbers[0]) as usize, between);
                cells.push(Cell {
                    bound: finite[i],
                    above: i + 1,
                });
            }
            (shift, numbers[0], cells.into_boxed_slice())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;
    use crate::metric::histogram::DEFAULT_BUCKETS;

    fn bounds(finite: &[f64]) -> Bounds {
        Bounds::new([finite, &[f64::INFINITY]].concat())
    }

    /// Values on, beside and far from every bound.
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
        let linear: Vec<f64> = (1..=20).map(|i| f64::from(i) * 5.0).collect();
        let exponential: Vec<f64> = (0..40).map(|i| 1e-6 * 1.5_f64.powi(i)).collect();
        for finite in [&DEFAULT_BUCKETS[..], &[1.0], &linear, &exponential] {
            let cells = bounds(finite).cells.len();
            assert!((1..=100).contains(&cells), "{cells} cells for {finite:?}");
            check(finite);
        }
    }

    #[test]
    fn bounds_that_no_division_suits_are_searched() {
        let beside = [1.0, 1.0_f64.next_up(), 1e300];
        for finite in [&[][..], &[0.0], &[-1.0, 0.0, 1.0], &beside] {
            assert_eq!(bounds(finite).cells.len(), 0);
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
