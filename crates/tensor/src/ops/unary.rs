//! Functions of one number, applied to each element.
//!
//! A function states its value for numbers and its slope once, over anything that [`Real`] describes. Numbers take the
//! slope in one fused pass, dx = dy · slope(x, y); tensors take the same text when the graph is kept, so the second
//! derivative is not a second piece of writing.

mod activation;
mod elementary;
mod function;

use crate::array::map;
use crate::autograd::Graph;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor};
use activation::{Gelu, GeluTanh, Relu, Silu};
use elementary::{Abs, Clamp, Erf, Exp, Ln, Powf, Powi, Sigmoid, Sqrt, Tanh};
use function::Number;

pub use function::{Function, Real};

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
