//! The functions of every textbook.

use super::function::{Function, Real};
use crate::Element;
use std::f64::consts::FRAC_2_SQRT_PI;

/// y = eˣ; dy/dx = y.
#[derive(Debug)]
pub(crate) struct Exp;
impl Function for Exp {
    fn name(&self) -> &'static str {
        "exp"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.exp()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, _: &R, y: &R) -> R {
        y.clone()
    }
}

/// y = ln x; dy/dx = 1/x.
#[derive(Debug)]
pub(crate) struct Ln;
impl Function for Ln {
    fn name(&self) -> &'static str {
        "ln"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.ln()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.whole_power(-1)
    }
}

/// y = √x; dy/dx = 1/(2y), infinite at 0.
#[derive(Debug)]
pub(crate) struct Sqrt;
impl Function for Sqrt {
    fn name(&self) -> &'static str {
        "sqrt"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.sqrt()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, _: &R, y: &R) -> R {
        y.whole_power(-1).affine(0.5, 0.0)
    }
}

/// y = tanh x; dy/dx = 1 − y².
#[derive(Debug)]
pub(crate) struct Tanh;
impl Function for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.tanh()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, _: &R, y: &R) -> R {
        y.times(y).affine(-1.0, 1.0)
    }
}

/// y = 1/(1 + e⁻ˣ); dy/dx = y(1 − y).
#[derive(Debug)]
pub(crate) struct Sigmoid;
impl Function for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.sigmoid()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, _: &R, y: &R) -> R {
        y.times(&y.affine(-1.0, 1.0))
    }
}

/// y = |x|; dy/dx is the sign of x, 0 at 0.
#[derive(Debug)]
pub(crate) struct Abs;
impl Function for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.abs()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.within(0.0, f64::INFINITY).plus(&x.within(f64::NEG_INFINITY, 0.0).affine(-1.0, 0.0))
    }
}

/// y = 2/√π ∫₀ˣ e^(−t²) dt; dy/dx = 2/√π e^(−x²).
#[derive(Debug)]
pub(crate) struct Erf;
impl Function for Erf {
    fn name(&self) -> &'static str {
        "erf"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.erf()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.times(x).affine(-1.0, 0.0).exponential().affine(FRAC_2_SQRT_PI, 0.0)
    }
}

/// y = xᵖ for a real exponent; dy/dx = p·xᵖ⁻¹. NaN for negative x unless p is whole.
#[derive(Debug)]
pub(crate) struct Powf {
    pub(super) exponent: f64,
}
impl Function for Powf {
    fn name(&self) -> &'static str {
        "powf"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.powf(E::from_f64(self.exponent))
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.power(self.exponent - 1.0).affine(self.exponent, 0.0)
    }
}

/// y = xⁿ for a whole exponent; dy/dx = n·xⁿ⁻¹, 0 everywhere for n = 0.
#[derive(Debug)]
pub(crate) struct Powi {
    pub(super) exponent: i32,
}
impl Function for Powi {
    fn name(&self) -> &'static str {
        "powi"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.powi(self.exponent)
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        if self.exponent == 0 {
            return x.within(1.0, -1.0); // no number lies there: zero
        }
        x.whole_power(self.exponent - 1).affine(f64::from(self.exponent), 0.0)
    }
}

/// y = x held within an interval; dy/dx is 1 inside, 0 outside and at its ends.
#[derive(Debug)]
pub(crate) struct Clamp {
    pub(super) low: f64,
    pub(super) high: f64,
}
impl Function for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.larger(E::from_f64(self.low)).smaller(E::from_f64(self.high))
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.within(self.low, self.high)
    }
}
