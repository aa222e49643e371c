//! Functions of one number, applied to each element.
//!
//! A function states its value for numbers and its slope once, over anything that [`Real`] describes. Numbers take the
//! slope in one fused pass, dx = dy · slope(x, y); tensors take the same text when the graph is kept, so the second
//! derivative is not a second piece of writing.

mod activation;
mod elementary;

use crate::array::map;
use crate::autograd::Graph;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor};
use activation::{Gelu, GeluTanh, Relu, Silu};
use elementary::{Abs, Clamp, Erf, Exp, Ln, Powf, Powi, Sigmoid, Sqrt, Tanh};
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

/// The methods that apply the functions.
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
    /// x·σ(x), elementwise: the sigmoid linear unit, also called swish.
    silu() => Silu;
    /// xᵖ for a real exponent, elementwise; NaN for negative x unless p is whole.
    powf(exponent: f64) => Powf { exponent };
    /// xⁿ for a whole exponent, elementwise.
    powi(exponent: i32) => Powi { exponent };
    /// x held within an interval, elementwise; its slope is 1 inside, 0 outside and at the ends.
    clamp(low: f64, high: f64) => Clamp { low, high };
}
