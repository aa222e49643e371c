//! Functions of one number, applied to each element.
//!
//! A function states its value for numbers and its slope once, over anything that [`Real`] describes. Numbers take the
//! slope in one fused pass, dx = dy · slope(x, y); tensors take the same text when the graph is kept, so the second
//! derivative is not a second piece of writing.

use crate::array::map;
use crate::autograd::Graph;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};
use std::fmt::Debug;

/// What a slope may be written in: numbers and tensors alike.
pub trait Real: Sized + Clone {
    /// a · x + b.
    fn affine(&self, scale: f64, shift: f64) -> Self;
    /// The sum of two.
    fn plus(&self, other: &Self) -> Self;
    /// The product of two.
    fn times(&self, other: &Self) -> Self;
    /// eˣ.
    fn exponential(&self) -> Self;
    /// xᵖ.
    fn power(&self, p: f64) -> Self;
    /// xⁿ.
    fn whole_power(&self, n: i32) -> Self;
    /// The error function.
    fn error_function(&self) -> Self;
    /// tanh x.
    fn hyperbolic_tangent(&self) -> Self;
    /// 1 within the open interval, 0 outside: constant almost everywhere, so no gradient flows through it.
    fn within(&self, low: f64, high: f64) -> Self;
}

/// A number as a [`Real`]; the wrapper keeps the names of [`Element`]'s own methods free.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Number<E>(pub E);

impl<E: Element> Real for Number<E> {
    #[inline(always)]
    fn affine(&self, scale: f64, shift: f64) -> Self {
        Number(self.0 * E::from_f64(scale) + E::from_f64(shift))
    }
    #[inline(always)]
    fn plus(&self, other: &Self) -> Self {
        Number(self.0 + other.0)
    }
    #[inline(always)]
    fn times(&self, other: &Self) -> Self {
        Number(self.0 * other.0)
    }
    #[inline(always)]
    fn exponential(&self) -> Self {
        Number(self.0.exp())
    }
    #[inline(always)]
    fn power(&self, p: f64) -> Self {
        Number(self.0.powf(E::from_f64(p)))
    }
    #[inline(always)]
    fn whole_power(&self, n: i32) -> Self {
        Number(self.0.powi(n))
    }
    #[inline(always)]
    fn error_function(&self) -> Self {
        Number(self.0.erf())
    }
    #[inline(always)]
    fn hyperbolic_tangent(&self) -> Self {
        Number(self.0.tanh())
    }
    #[inline(always)]
    fn within(&self, low: f64, high: f64) -> Self {
        Number(if self.0 > E::from_f64(low) && self.0 < E::from_f64(high) { E::ONE } else { E::ZERO })
    }
}

impl<E: Element> Real for Tensor<E> {
    fn affine(&self, scale: f64, shift: f64) -> Self {
        Tensor::affine(self, scale, shift)
    }
    fn plus(&self, other: &Self) -> Self {
        self + other
    }
    fn times(&self, other: &Self) -> Self {
        self * other
    }
    fn exponential(&self) -> Self {
        self.exp()
    }
    fn power(&self, p: f64) -> Self {
        self.powf(p)
    }
    fn whole_power(&self, n: i32) -> Self {
        self.powi(n)
    }
    fn error_function(&self) -> Self {
        self.erf()
    }
    fn hyperbolic_tangent(&self) -> Self {
        self.tanh()
    }
    fn within(&self, low: f64, high: f64) -> Self {
        Tensor::constant(map::map(self.array(), |x| Number(x).within(low, high).0))
    }
}

/// A differentiable function of one number.
pub trait Function: Debug + Send + Sync + 'static {
    /// The name for messages.
    fn name(&self) -> &'static str;
    /// y = f(x).
    fn value<E: Element>(&self, x: E) -> E;
    /// dy/dx, from x and y.
    fn slope<R: Real>(&self, x: &R, y: &R) -> R;
}

/// y = f(x), elementwise.
#[derive(Debug)]
pub(crate) struct Pointwise<F>(F);

impl<E: Element, F: Function> Op<E> for Pointwise<F> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        map::map(
            x.array(0),
            #[inline(always)]
            |x| self.0.value(x),
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let ([x], y, graph) = (at.operands(), at.result(), at.graph());
        at.wrt(0, |dy| match graph {
            Graph::Keep => dy * self.0.slope(&x, &y),
            Graph::Drop => Tensor::constant(map::zip3(
                dy.array(),
                x.array(),
                y.array(),
                #[inline(always)]
                |dy, x, y| dy * self.0.slope(&Number(x), &Number(y)).0,
            )),
        });
    }
}

/// y = a·x + b.
#[derive(Debug)]
pub(crate) struct Affine {
    scale: f64,
    shift: f64,
}
impl<E: Element> Op<E> for Affine {
    fn name(&self) -> &'static str {
        "affine"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let (scale, shift) = (E::from_f64(self.scale), E::from_f64(self.shift));
        map::map(
            x.array(0),
            #[inline(always)]
            |x| x * scale + shift,
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.wrt(0, |dy| dy.affine(self.scale, 0.0));
    }
}

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

/// y = xᵖ for a real exponent; dy/dx = p·xᵖ⁻¹. NaN for negative x unless p is whole.
#[derive(Debug)]
pub(crate) struct Powf {
    exponent: f64,
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
    exponent: i32,
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
    low: f64,
    high: f64,
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

/// The methods that apply the functions above.
macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident($($argument:ident: $type:ty),*) => $function:expr;)*) => {
        impl<E: Element> Tensor<E> {
            $($(#[$doc])*
            pub fn $method(&self $(, $argument: $type)*) -> Tensor<E> {
                Tensor::apply(Pointwise($function), &[self])
            })*

            /// a·x + b for numbers a and b, elementwise.
            pub fn affine(&self, scale: f64, shift: f64) -> Tensor<E> {
                Tensor::apply(Affine { scale, shift }, &[self])
            }

            /// x², elementwise.
            pub fn square(&self) -> Tensor<E> {
                self * self
            }

            /// A function of one's own, elementwise.
            pub fn pointwise(&self, function: impl Function) -> Tensor<E> {
                Tensor::apply(Pointwise(function), &[self])
            }
        }
    };
}

methods! {
    /// eˣ, elementwise.
    exp() => Exp;
    /// The natural logarithm, elementwise.
    ln() => Ln;
    /// √x, elementwise.
    sqrt() => Sqrt;
    /// The hyperbolic tangent, elementwise.
    tanh() => Tanh;
    /// The logistic function 1/(1 + e⁻ˣ), elementwise.
    sigmoid() => Sigmoid;
    /// max(x, 0), elementwise; its slope at 0 is 0.
    relu() => Relu;
    /// |x|, elementwise; its slope at 0 is 0.
    abs() => Abs;
    /// The error function, elementwise.
    erf() => Erf;
    /// x·Φ(x), elementwise: the exact Gaussian error linear unit (Hendrycks and Gimpel, 2016).
    gelu() => Gelu;
    /// The tanh approximation of GELU, elementwise, as GPT-2 has it.
    gelu_tanh() => GeluTanh;
    /// xᵖ for a real exponent, elementwise; NaN for negative x unless p is whole.
    powf(exponent: f64) => Powf { exponent };
    /// xⁿ for a whole exponent, elementwise.
    powi(exponent: i32) => Powi { exponent };
    /// x held within an interval, elementwise; its slope is 1 inside, 0 outside and at the ends.
    clamp(low: f64, high: f64) => Clamp { low, high };
}
