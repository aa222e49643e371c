//! The numbers an array may hold: `f32` to train, `f64` to check.
//!
//! Everything above this file is written once, for any [`Element`]. The trait is sealed: an element brings its own
//! products ([`Routines`], for speed) and its own vectorisable functions ([`math`]), and both must keep the engine's
//! promises about bits.

use crate::fast::routines::Routines;
use crate::math;
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

/// A real number type: [`f32`] or [`f64`].
pub trait Element:
    Routines
    + Copy
    + Default
    + Debug
    + Display
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + 'static
{
    /// The type's name, `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// −∞, the identity of the maximum.
    const NEGATIVE_INFINITY: Self;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// eˣ.
    fn exp(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// The logistic function, 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self;
    /// The error function, 2/√π ∫₀ˣ e^(−t²) dt.
    fn erf(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// xᵖ for a real exponent.
    fn powf(self, p: Self) -> Self;
    /// xⁿ for a whole exponent.
    fn powi(self, n: i32) -> Self;
    /// x·a + b, rounded once; slow on a processor that has no instruction for it.
    fn mul_add(self, a: Self, b: Self) -> Self;

    /// The larger of two; NaN if either is NaN, unlike the standard library's `max`.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other || self.is_nan() { self } else { other }
    }
    /// The smaller of two; NaN if either is NaN.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self < other || self.is_nan() { self } else { other }
    }
    /// Whether this is NaN, the only value that differs from itself.
    #[inline(always)]
    #[allow(clippy::eq_op)]
    fn is_nan(self) -> bool {
        self != self
    }
}

/// Functions of a number, by the path of each.
macro_rules! functions {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $result:ty = $function:path;)*) => {
        $(#[inline(always)]
        fn $method(self $(, $argument: $kind)*) -> $result {
            $function(self $(, $argument)*)
        })*
    };
}

/// A kind of numbers, with those of its functions that are not the standard library's.
macro_rules! element {
    ($type:ident: $exp:path, $tanh:path, $sigmoid:path, $erf:path) => {
        impl Element for $type {
            const NAME: &'static str = stringify!($type);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEGATIVE_INFINITY: Self = $type::NEG_INFINITY;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $type
            }
            functions! {
                to_f64() -> f64 = f64::from;
                is_finite() -> bool = $type::is_finite;
                exp() -> Self = $exp;
                ln() -> Self = $type::ln;
                sqrt() -> Self = $type::sqrt;
                tanh() -> Self = $tanh;
                sigmoid() -> Self = $sigmoid;
                erf() -> Self = $erf;
                abs() -> Self = $type::abs;
                powf(p: Self) -> Self = $type::powf;
                powi(n: i32) -> Self = $type::powi;
                mul_add(a: Self, b: Self) -> Self = $type::mul_add;
            }
        }
    };
}

element!(f32: math::exp, math::tanh, math::sigmoid, math::erf);
element!(f64: f64::exp, f64::tanh, math::sigmoid_f64, libm::erf);
