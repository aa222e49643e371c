//! a + b, a − b, a · b, a / b, the larger and the smaller of two. Operands are broadcast first, by
//! [`Expand`](super::view::Expand), so no rule here mentions shapes.

use crate::array::map;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor, shape};
use std::ops::{Add as AddOp, Div as DivOp, Mul as MulOp, Neg, Sub as SubOp};

/// y = a + b.
#[derive(Debug)]
pub(crate) struct Add;
impl<E: Element> Op<E> for Add {
    fn name(&self) -> &'static str {
        "add"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("add", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a + b,
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.wrt(0, Clone::clone);
        at.wrt(1, Clone::clone);
    }
}

/// y = a − b.
#[derive(Debug)]
pub(crate) struct Sub;
impl<E: Element> Op<E> for Sub {
    fn name(&self) -> &'static str {
        "subtract"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("subtract", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a - b,
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.wrt(0, Clone::clone);
        at.wrt(1, |dy| -dy);
    }
}

/// y = a · b, elementwise.
#[derive(Debug)]
pub(crate) struct Mul;
impl<E: Element> Op<E> for Mul {
    fn name(&self) -> &'static str {
        "multiply"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("multiply", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a * b,
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let [a, b] = at.operands();
        at.wrt(0, |dy| dy * &b);
        at.wrt(1, |dy| dy * &a);
    }
}

/// y = a / b, elementwise.
#[derive(Debug)]
pub(crate) struct Div;
impl<E: Element> Op<E> for Div {
    fn name(&self) -> &'static str {
        "divide"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("divide", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a / b,
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let [_, b] = at.operands();
        let y = at.result();
        at.wrt(0, |dy| dy / &b);
        at.wrt(1, |dy| -(dy * &y) / &b); // −a/b² = −y/b
    }
}

/// y = max(a, b), elementwise. Where both are equal the gradient is shared evenly, so max(x, x) has slope 1.
#[derive(Debug)]
pub(crate) struct Maximum;
impl<E: Element> Op<E> for Maximum {
    fn name(&self) -> &'static str {
        "maximum"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("maximum", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a.larger(b),
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let [a, b] = at.operands();
        at.wrt(0, |dy| dy * wins(&a, &b));
        at.wrt(1, |dy| dy * wins(&b, &a));
    }
}

/// y = min(a, b), elementwise. Where both are equal the gradient is shared evenly.
#[derive(Debug)]
pub(crate) struct Minimum;
impl<E: Element> Op<E> for Minimum {
    fn name(&self) -> &'static str {
        "minimum"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        shape::same("minimum", &x[0], &x[1])
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [a, b] = x.arrays();
        map::zip(
            a,
            b,
            #[inline(always)]
            |a, b| a.smaller(b),
        )
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let [a, b] = at.operands();
        at.wrt(0, |dy| dy * wins(&b, &a));
        at.wrt(1, |dy| dy * wins(&a, &b));
    }
}

/// 1 where a > b, ½ where they are equal, 0 where a < b: constant almost everywhere, so no gradient flows through it.
fn wins<E: Element>(a: &Tensor<E>, b: &Tensor<E>) -> Tensor<E> {
    let half = E::from_f64(0.5);
    Tensor::constant(map::zip(a.array(), b.array(), |a, b| {
        if a > b {
            E::ONE
        } else if a == b {
            half
        } else {
            E::ZERO
        }
    }))
}

/// Applies an operation of two operands once they have a common shape.
#[track_caller]
fn broadcast<E: Element>(op: impl Op<E>, a: &Tensor<E>, b: &Tensor<E>) -> Tensor<E> {
    if a.shape() == b.shape() {
        return Tensor::apply(op, &[a, b]);
    }
    let common = shape::insist(shape::broadcast(op.name(), &a.shape(), &b.shape()));
    Tensor::apply(op, &[&a.expand(common), &b.expand(common)])
}

impl<E: Element> Tensor<E> {
    /// The larger of two, elementwise; broadcasts. NaN if either is NaN; equal elements share the gradient evenly.
    #[track_caller]
    pub fn maximum(&self, other: &Tensor<E>) -> Tensor<E> {
        broadcast(Maximum, self, other)
    }

    /// The smaller of two, elementwise; broadcasts. NaN if either is NaN; equal elements share the gradient evenly.
    #[track_caller]
    pub fn minimum(&self, other: &Tensor<E>) -> Tensor<E> {
        broadcast(Minimum, self, other)
    }
}

/// The four operators between tensors, owned or borrowed, and with a number on the right.
macro_rules! operators {
    ($($trait:ident $method:ident $op:ident, $x:ident $c:ident => $with_number:expr;)*) => {$(
        impl<E: Element> $trait<&Tensor<E>> for &Tensor<E> {
            type Output = Tensor<E>;
            #[track_caller]
            fn $method(self, other: &Tensor<E>) -> Tensor<E> {
                broadcast($op, self, other)
            }
        }
        impl<E: Element> $trait<Tensor<E>> for &Tensor<E> {
            type Output = Tensor<E>;
            #[track_caller]
            fn $method(self, other: Tensor<E>) -> Tensor<E> {
                broadcast($op, self, &other)
            }
        }
        impl<E: Element> $trait<&Tensor<E>> for Tensor<E> {
            type Output = Tensor<E>;
            #[track_caller]
            fn $method(self, other: &Tensor<E>) -> Tensor<E> {
                broadcast($op, &self, other)
            }
        }
        impl<E: Element> $trait<Tensor<E>> for Tensor<E> {
            type Output = Tensor<E>;
            #[track_caller]
            fn $method(self, other: Tensor<E>) -> Tensor<E> {
                broadcast($op, &self, &other)
            }
        }
        impl<E: Element> $trait<f64> for &Tensor<E> {
            type Output = Tensor<E>;
            fn $method(self, $c: f64) -> Tensor<E> {
                let $x = self;
                $with_number
            }
        }
        impl<E: Element> $trait<f64> for Tensor<E> {
            type Output = Tensor<E>;
            fn $method(self, $c: f64) -> Tensor<E> {
                let $x = &self;
                $with_number
            }
        }
    )*};
}

operators! {
    AddOp add Add, x c => x.affine(1.0, c);
    SubOp sub Sub, x c => x.affine(1.0, -c);
    MulOp mul Mul, x c => x.affine(c, 0.0);
    DivOp div Div, x c => x.affine(1.0 / c, 0.0);
}

/// The four operators with a number on the left, so that `1.0 - &x * 0.5` reads as mathematics.
macro_rules! operators_from_number {
    ($($trait:ident $method:ident, $c:ident $x:ident => $value:expr;)*) => {$(
        impl<E: Element> $trait<&Tensor<E>> for f64 {
            type Output = Tensor<E>;
            fn $method(self, $x: &Tensor<E>) -> Tensor<E> {
                let $c = self;
                $value
            }
        }
        impl<E: Element> $trait<Tensor<E>> for f64 {
            type Output = Tensor<E>;
            fn $method(self, x: Tensor<E>) -> Tensor<E> {
                let ($c, $x) = (self, &x);
                $value
            }
        }
    )*};
}

operators_from_number! {
    AddOp add, c x => x.affine(1.0, c);
    SubOp sub, c x => x.affine(-1.0, c);
    MulOp mul, c x => x.affine(c, 0.0);
    DivOp div, c x => x.powi(-1).affine(c, 0.0);
}

impl<E: Element> Neg for &Tensor<E> {
    type Output = Tensor<E>;
    fn neg(self) -> Tensor<E> {
        self.affine(-1.0, 0.0)
    }
}

impl<E: Element> Neg for Tensor<E> {
    type Output = Tensor<E>;
    fn neg(self) -> Tensor<E> {
        self.affine(-1.0, 0.0)
    }
}
