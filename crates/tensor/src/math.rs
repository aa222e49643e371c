//! Elementary functions in single precision, written so that a loop over them becomes vector code.
//!
//! None has a branch, a table or a call: cases are chosen by selecting between values, which every vector unit can
//! do. None uses a fused multiply-add, so that the portable, AVX2 and AVX-512 code of [`simd`](crate::simd) give the
//! same bits. The polynomials are Chebyshev fits, made for this file, of the expressions in their comments; the tests
//! bound each function's error against double precision, in units in the last place (ulp).

/// Horner's rule, highest coefficient first.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for c in coefficients {
        sum = sum * x + c;
    }
    sum
}

/// 2ⁿ for a whole number n from −126 to 127, by writing the exponent's bits.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// eˣ: x = n·ln 2 + r with |r| ≤ ln 2 / 2, then eˣ = 2ⁿ·eʳ.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4; // few enough bits that n·LN2_HIGH is exact
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³: adding it rounds to a whole number
    // Beyond these limits the result is 0 or ∞ whatever x is; NaN falls through both comparisons.
    let clamped = if x > 89.0 { 89.0 } else { x };
    let clamped = if clamped < -104.0 { -104.0 } else { clamped };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (clamped - n * LN2_HIGH) - n * LN2_LOW;
    // (eʳ − 1 − r) / r²
    let p = polynomial(r, [1.392_617_6e-3, 8.363_173e-3, 4.166_655_5e-2, 0.166_665_77, 0.5]);
    let er = (p * (r * r) + r) + 1.0;
    // Two factors, so that neither overflows before the product does and small results become subnormal.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    let result = er * power_of_two(half.clamp(-126, 127)) * power_of_two((n - half).clamp(-126, 127));
    if x.is_nan() { x } else { result }
}

/// tanh x: an odd polynomial near 0, where 1 − 2/(e²ˣ + 1) would cancel, that formula elsewhere.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let s = x * x;
    // (tanh x − x) / x³ in s = x²
    let p = polynomial(s, [-6.096_714e-3, 2.099_718e-2, -5.385_091e-2, 0.133_327_7, -0.333_333_3]);
    let small = x * (s * p + 1.0);
    let large = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { small } else { large }
}

/// The logistic function, 1 / (1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The logistic function in double precision, by the same formula.
#[inline(always)]
pub(crate) fn sigmoid_f64(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The error function: x·P(x²) up to 1, then 1 − e^Q(x), where Q fits ln erfc on [1, 4]; beyond 4 it is 1.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let s = x * x;
    let p = polynomial(
        s,
        [
            -9.667_045e-6,
            1.126_595_9e-4,
            -8.484_080_4e-4,
            5.221_032e-3,
            -2.686_543e-2,
            0.112_837_82,
            -0.376_126_38,
            std::f32::consts::FRAC_2_SQRT_PI,
        ],
    );
    let t = if a > 4.0 { 4.0 } else { a };
    let q = polynomial(
        t,
        [
            -7.582_682e-8,
            3.321_684_6e-6,
            -6.229_835e-5,
            6.858_367e-4,
            -5.064_947e-3,
            2.709_952_3e-2,
            -0.111_055_02,
            -0.630_953,
            -1.130_675_1,
            4.163_292_2e-4,
        ],
    );
    let large = (1.0 - exp(q)).copysign(x);
    let large = if a > 4.0 { 1f32.copysign(x) } else { large };
    let value = if a < 1.0 { x * p } else { large };
    if x.is_nan() { x } else { value }
}

#[cfg(test)]
mod tests {
    /// The largest error of `f` over `range`, in units in the last place of the exact result.
    fn worst_ulp(f: fn(f32) -> f32, exact: fn(f64) -> f64, low: f32, high: f32) -> f64 {
        let steps = 400_000;
        (0..=steps)
            .map(|i| low + (high - low) * i as f32 / steps as f32)
            .map(|x| {
                let want = exact(f64::from(x));
                let spacing = f64::from((want.abs() as f32).max(f32::MIN_POSITIVE)) * f64::from(f32::EPSILON);
                (f64::from(f(x)) - want).abs() / spacing
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn within_two_ulp_of_double_precision() {
        assert!(worst_ulp(super::exp, f64::exp, -87.0, 88.7) < 1.5);
        assert!(worst_ulp(super::tanh, f64::tanh, -10.0, 10.0) < 2.0);
        assert!(worst_ulp(super::sigmoid, super::sigmoid_f64, -80.0, 80.0) < 2.5);
        assert!(worst_ulp(super::erf, libm::erf, -6.0, 6.0) < 2.0);
        assert!(worst_ulp(super::tanh, f64::tanh, -1e-3, 1e-3) < 1.0);
        assert!(worst_ulp(super::erf, libm::erf, -1e-3, 1e-3) < 1.5);
    }

    #[test]
    fn the_ends_of_the_line() {
        let infinity = f32::INFINITY;
        assert_eq!(super::exp(infinity), infinity);
        assert_eq!(super::exp(100.0), infinity);
        assert_eq!(super::exp(-infinity), 0.0);
        assert_eq!(super::exp(0.0), 1.0);
        assert!(super::exp(-100.0) > 0.0, "e^-100 is a subnormal number, not zero");
        for f in [super::tanh, super::erf] {
            assert_eq!(f(infinity), 1.0);
            assert_eq!(f(-infinity), -1.0);
            assert_eq!(f(0.0), 0.0);
            assert!(f(-0.0).is_sign_negative());
        }
        assert_eq!((super::sigmoid(infinity), super::sigmoid(-infinity)), (1.0, 0.0));
        for f in [super::exp, super::tanh, super::sigmoid, super::erf] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
