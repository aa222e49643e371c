//! What stands between two linear layers.

use super::function::{Function, Real};
use crate::Element;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// y = max(x, 0); dy/dx is 1 for x > 0, else 0 (at 0 too).
#[derive(Debug)]
pub(crate) struct Relu;
impl Function for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x.larger(E::ZERO)
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        x.within(0.0, f64::INFINITY)
    }
}

/// y = x·Φ(x), with Φ the normal distribution function (Hendrycks and Gimpel, 2016); dy/dx = Φ(x) + x·φ(x).
#[derive(Debug)]
pub(crate) struct Gelu;
impl Function for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let half = E::from_f64(0.5);
        x * (half * (x * E::from_f64(FRAC_1_SQRT_2)).erf() + half)
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        let distribution = x.affine(FRAC_1_SQRT_2, 0.0).error_function().affine(0.5, 0.5);
        let density = x.times(x).affine(-0.5, 0.0).exponential().affine(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2, 0.0);
        distribution.plus(&x.times(&density))
    }
}

/// √(2/π), and the same times 0.044715: the two coefficients inside the approximation of GELU.
const TANH_LINEAR: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const TANH_CUBIC: f64 = 0.044715 * TANH_LINEAR;

/// y = ½x(1 + tanh u), u = √(2/π)·(x + 0.044715x³): the approximation of GELU that GPT-2 uses.
#[derive(Debug)]
pub(crate) struct GeluTanh;
impl Function for GeluTanh {
    fn name(&self) -> &'static str {
        "gelu_tanh"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        let half = E::from_f64(0.5);
        let u = x * (E::from_f64(TANH_CUBIC) * (x * x) + E::from_f64(TANH_LINEAR));
        half * x * (u.tanh() + E::ONE)
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, _: &R) -> R {
        let square = x.times(x);
        let t = x.times(&square.affine(TANH_CUBIC, TANH_LINEAR)).hyperbolic_tangent();
        let du = square.affine(3.0 * TANH_CUBIC, TANH_LINEAR);
        let through = x.times(&t.times(&t).affine(-0.5, 0.5)).times(&du);
        t.affine(0.5, 0.5).plus(&through)
    }
}

/// y = x·σ(x), the sigmoid linear unit, also called swish (Hendrycks and Gimpel, 2016; Ramachandran, Zoph and Le,
/// 2017); dy/dx = σ(x) + y·(1 − σ(x)).
#[derive(Debug)]
pub(crate) struct Silu;
impl Function for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }
    #[inline(always)]
    fn value<E: Element>(&self, x: E) -> E {
        x * x.sigmoid()
    }
    #[inline(always)]
    fn slope<R: Real>(&self, x: &R, y: &R) -> R {
        let sigmoid = x.affine(0.5, 0.0).hyperbolic_tangent().affine(0.5, 0.5);
        sigmoid.plus(&y.times(&sigmoid.affine(-1.0, 1.0)))
    }
}
