//! The elementwise functions: the value, the slopes and the gradient check of each in one place.
//!
//! One more is one more block here.

use super::pointwise::{Function, Real, elementwise};
use crate::{Element, Tensor};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// √(2/π), and the same times 0.044715: the two coefficients inside the approximation of GELU.
const TANH_LINEAR: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const TANH_CUBIC: f64 = 0.044715 * TANH_LINEAR;
/// Where the sigmoid-like units have reached their limits in double precision too: below −FAR each is 0 and has slope
/// 0, above FAR it is x and has slope 1. Farther out, x² would overflow and 0 · ∞ be NaN.
const FAR: f64 = 1000.0;

elementwise! {
    /// eˣ, elementwise.
    Exp: y = exp(x) {
        value: x.exp(),
        slopes: [y.clone()],
        check: [any],
    }

    /// The natural logarithm, elementwise.
    Ln: y = ln(x) {
        value: x.ln(),
        slopes: [x.whole_power(-1)],
        check: [positive],
    }

    /// √x, elementwise; its slope at 0 is infinite.
    Sqrt: y = sqrt(x) {
        value: x.sqrt(),
        slopes: [y.whole_power(-1).affine(0.5, 0.0)],
        check: [positive],
    }

    /// The hyperbolic tangent, elementwise; its slope is 1 − y².
    Tanh: y = tanh(x) {
        value: x.tanh(),
        slopes: [y.times(y).affine(-1.0, 1.0)],
        check: [any],
    }

    /// The logistic function 1/(1 + e⁻ˣ), elementwise; its slope is y(1 − y).
    Sigmoid: y = sigmoid(x) {
        value: x.sigmoid(),
        slopes: [y.times(&y.affine(-1.0, 1.0))],
        check: [any],
    }

    /// max(x, 0), elementwise; its slope at 0 is 0.
    Relu: y = relu(x) {
        value: x.larger(E::ZERO),
        slopes: [x.within(0.0, f64::INFINITY)],
        check: [nonzero],
    }

    /// |x|, elementwise; its slope at 0 is 0.
    Abs: y = abs(x) {
        value: x.abs(),
        slopes: [x.within(0.0, f64::INFINITY).plus(&x.within(f64::NEG_INFINITY, 0.0).affine(-1.0, 0.0))],
        check: [nonzero],
    }

    /// The error function 2/√π ∫₀ˣ e^(−t²) dt, elementwise; its slope is 2/√π e^(−x²).
    Erf: y = erf(x) {
        value: x.erf(),
        slopes: [x.times(x).affine(-1.0, 0.0).exponential().affine(FRAC_2_SQRT_PI, 0.0)],
        check: [any],
    }

    /// x·Φ(x) with Φ the normal distribution function, elementwise: the exact Gaussian error linear unit (Hendrycks and
    /// Gimpel, 2016). Its slope is Φ(x) + x·φ(x).
    Gelu: y = gelu(x) {
        value: {
            let (half, x) = (E::from_f64(0.5), x.larger(E::from_f64(-FAR)));
            x * (half * (x * E::from_f64(FRAC_1_SQRT_2)).erf() + half)
        },
        slopes: [{
            let x = x.held(-FAR, FAR);
            let distribution = x.affine(FRAC_1_SQRT_2, 0.0).error_function().affine(0.5, 0.5);
            let density = x.times(&x).affine(-0.5, 0.0).exponential().affine(0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2, 0.0);
            distribution.plus(&x.times(&density))
        }],
        check: [any],
    }

    /// ½x(1 + tanh u) with u = √(2/π)·(x + 0.044715x³), elementwise: the approximation of GELU that GPT-2 uses.
    /// Computed as x·σ(2u), which is the same and keeps its digits where x is negative.
    GeluTanh: y = gelu_tanh(x) {
        value: {
            let x = x.larger(E::from_f64(-FAR));
            let twice_u = x * (E::from_f64(2.0 * TANH_CUBIC) * (x * x) + E::from_f64(2.0 * TANH_LINEAR));
            x * twice_u.sigmoid()
        },
        slopes: [{
            let x = x.held(-FAR, FAR);
            let square = x.times(&x);
            let sigmoid = x.times(&square.affine(2.0 * TANH_CUBIC, 2.0 * TANH_LINEAR)).logistic();
            let du = square.affine(6.0 * TANH_CUBIC, 2.0 * TANH_LINEAR);
            let through = x.times(&sigmoid.times(&sigmoid.affine(-1.0, 1.0))).times(&du);
            sigmoid.plus(&through)
        }],
        check: [any],
    }

    /// x·σ(x), elementwise: the sigmoid linear unit, also called swish (Hendrycks and Gimpel, 2016; Ramachandran, Zoph
    /// and Le, 2017). Its slope is σ(x) + y·(1 − σ(x)).
    Silu: y = silu(x) {
        value: {
            let x = x.larger(E::from_f64(-FAR));
            x * x.sigmoid()
        },
        slopes: [{
            let (x, y) = (x.held(-FAR, FAR), y.held(-FAR, FAR));
            let sigmoid = x.affine(0.5, 0.0).hyperbolic_tangent().affine(0.5, 0.5);
            sigmoid.plus(&y.times(&sigmoid.affine(-1.0, 1.0)))
        }],
        check: [any],
    }

    /// ln(1 + eˣ), elementwise: PyTorch's `softplus` with β = 1, a smooth relu. Written as max(x, 0) + ln(1 + e^−|x|),
    /// so that nothing overflows and small values keep their digits. Its slope is the logistic function.
    ///
    /// ```
    /// use rungs_tensor::{Array, Tensor};
    ///
    /// let x = Tensor::variable(Array::<f64>::from_vec(vec![-100.0, 0.0, 1e4], 3));
    /// let y = x.softplus();
    /// assert_eq!(y.to_vec(), [(-100f64).exp(), 2f64.ln(), 1e4]);
    /// let slope = y.sum().backward().wrt(&x).unwrap().to_vec();
    /// assert!((slope[0] / (-100f64).exp() - 1.0).abs() < 1e-15);
    /// assert_eq!(slope[1..], [0.5, 1.0]);
    /// ```
    Softplus: y = softplus(x) {
        value: x.larger(E::ZERO) + E::from_f64((-x.abs()).exp().to_f64().ln_1p()),
        slopes: [x.logistic()],
        check: [any],
    }

    /// xᵖ for a real exponent, elementwise; NaN for negative x unless p is whole. Its slope is p·xᵖ⁻¹, 0 everywhere for
    /// p = 0.
    Powf: y = powf(x; exponent: f64) {
        value: x.powf(E::from_f64(exponent)),
        slopes: [match exponent {
            0.0 => x.within(1.0, -1.0), // no number lies there: zero
            _ => x.power(exponent - 1.0).affine(exponent, 0.0),
        }],
        check: [positive] for [-1.5, 0.0, 0.5, 1.0, 2.0, 3.25],
    }

    /// xⁿ for a whole exponent, elementwise. Its slope is n·xⁿ⁻¹, 0 everywhere for n = 0.
    Powi: y = powi(x; exponent: i32) {
        value: x.powi(exponent),
        slopes: [match exponent {
            0 => x.within(1.0, -1.0), // no number lies there: zero
            _ => x.whole_power(exponent - 1).affine(f64::from(exponent), 0.0),
        }],
        check: [nonzero] for -2..=4,
    }

    /// x held within an interval, elementwise; its slope is 1 inside, 0 outside and at the ends (PyTorch's is 1 at
    /// the ends too).
    Clamp: y = clamp(x; low: f64, high: f64) {
        value: x.larger(E::from_f64(low)).smaller(E::from_f64(high)),
        slopes: [x.within(low, high)],
        // Both ends lie where `near_halves` draws nothing, with elements below, inside and above.
        check: [near_halves] for [(-0.75, 1.25), (0.25, f64::INFINITY)],
    }

    /// The larger of two, elementwise; broadcasts. NaN if either is NaN. Where both are equal the gradient is shared
    /// evenly, so max(x, x) has slope 1.
    Maximum: y = maximum(a, b) {
        value: a.larger(b),
        slopes: [a.exceeds(b), b.exceeds(a)],
        check: [near_halves, between],
    }

    /// The smaller of two, elementwise; broadcasts. NaN if either is NaN. Where both are equal the gradient is shared
    /// evenly.
    Minimum: y = minimum(a, b) {
        value: a.smaller(b),
        slopes: [b.exceeds(a), a.exceeds(b)],
        check: [near_halves, between],
    }

    /// The angle of the point (x, y) in radians, from −π to π, elementwise; broadcasts. Its slopes are x/(x² + y²) by y
    /// and −y/(x² + y²) by x. At the origin, where the angle depends on the signs of the zeros, both are 0 by
    /// definition.
    ///
    /// ```
    /// use rungs_tensor::{Array, Tensor};
    /// use std::f64::consts::{FRAC_PI_2, PI};
    ///
    /// let [y, x] = [[0.0, 2.0, 0.0], [-1.0, 0.0, 0.0]].map(|v| Tensor::variable(Array::from_vec(v.to_vec(), 3)));
    /// let angle = y.atan2(&x);
    /// assert_eq!(angle.to_vec(), [PI, FRAC_PI_2, 0.0]);
    /// let gradients = angle.sum().backward();
    /// assert_eq!(gradients.wrt(&y).unwrap().to_vec(), [-1.0, 0.0, 0.0]);
    /// assert_eq!(gradients.wrt(&x).unwrap().to_vec(), [0.0, -0.5, 0.0]);
    /// ```
    Atan2: angle = atan2(y, x) {
        value: E::from_f64(y.to_f64().atan2(x.to_f64())),
        slopes: {
            let squared = x.times(x).plus(&y.times(y));
            let is_zero = squared.within(0.0, f64::INFINITY).affine(-1.0, 1.0); // 0 · 1/(0 + 1) = 0
            let inverse = squared.plus(&is_zero).whole_power(-1);
            [x.times(&inverse), y.times(&inverse).affine(-1.0, 0.0)]
        },
        check: [nonzero, nonzero],
    }
}
