//! Recorded numbers.

use std::fmt;
use std::time::Duration;

/// A recorded number: integers stay integers, and exact beyond 2^53.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// An integer that is not negative.
    U64(u64),
    /// An integer.
    I64(i64),
    /// Any other number, infinity and NaN included.
    F64(f64),
}

impl Number {
    /// The nearest floating-point number.
    #[allow(clippy::cast_precision_loss, reason = "rounding is what this does")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::U64(n) => n as f64,
            Self::I64(n) => n as f64,
            Self::F64(n) => n,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U64(n) => n.fmt(f),
            Self::I64(n) => n.fmt(f),
            Self::F64(n) => n.fmt(f),
        }
    }
}

/// Compares numbers by value, whatever their types: `Number::U64(3) == 3.0`. NaN equals NaN, so that expositions can be
/// compared.
impl<T: IntoNumber + Copy> PartialEq<T> for Number {
    fn eq(&self, other: &T) -> bool {
        match (*self, other.into_number()) {
            (Self::U64(a), Self::U64(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::U64(a), Self::I64(b)) | (Self::I64(b), Self::U64(a)) => {
                i64::try_from(a).is_ok_and(|a| a == b)
            }
            (a, b) => {
                let (a, b) = (a.as_f64(), b.as_f64());
                a == b || (a.is_nan() && b.is_nan())
            }
        }
    }
}

/// Types that can be recorded as a number: the integers, the floats, `bool` and [`Duration`] (in seconds).
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number that a metric can record",
    note = "convert it to f64 or u64"
)]
pub trait IntoNumber: sealed::Sealed {
    /// Converts to a number; integers stay integers.
    fn into_number(self) -> Number;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! into_number {
    ($($type:ty => |$n:ident| $number:expr;)*) => { $(
        impl sealed::Sealed for $type {}
        impl IntoNumber for $type {
            #[inline]
            fn into_number(self) -> Number {
                let $n = self;
                $number
            }
        }
    )* };
}

into_number! {
    u8 => |n| Number::U64(n.into());
    u16 => |n| Number::U64(n.into());
    u32 => |n| Number::U64(n.into());
    u64 => |n| Number::U64(n);
    usize => |n| Number::U64(n as u64);
    i8 => |n| Number::I64(n.into());
    i16 => |n| Number::I64(n.into());
    i32 => |n| Number::I64(n.into());
    i64 => |n| Number::I64(n);
    isize => |n| Number::I64(n as i64);
    f32 => |n| Number::F64(n.into());
    f64 => |n| Number::F64(n);
    bool => |n| Number::U64(n.into());
    Duration => |n| Number::F64(n.as_secs_f64());
    Number => |n| n;
}
