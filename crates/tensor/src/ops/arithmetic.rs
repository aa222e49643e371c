//! a + b, a − b, a · b, a / b, between tensors and with numbers. Operands are broadcast first, by
//! [`Expand`](super::view::Expand), so no rule here mentions shapes.

use crate::array::map::map;
use crate::fast::simd::inlined;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor, shape};
use std::ops::Neg;

/// Applies an elementwise operation once its operands have a common shape.
#[track_caller]
pub(super) fn broadcast<E: Element, const N: usize>(op: impl Op<E>, x: [&Tensor<E>; N]) -> Tensor<E> {
    if x.iter().all(|other| other.shape() == x[0].shape()) {
        return Tensor::apply(op, &x);
    }
    let mut common = x[0].shape();
    for x in &x[1..] {
        common = shape::insist(shape::broadcast(op.name(), &common, &x.shape()));
    }
    let x = x.map(|x| x.expand(common));
    Tensor::apply(op, &x.each_ref())
}

/// Implements an operator of `std::ops` for one pair of types.
macro_rules! operator {
    ($trait:ident $method:ident ($a:ident: $left:ty, $b:ident: $right:ty) $value:expr) => {
        impl<E: Element> std::ops::$trait<$right> for $left {
            type Output = Tensor<E>;
            #[track_caller]
            #[allow(clippy::needless_borrow)] // of operands that are references already
            fn $method(self, $b: $right) -> Tensor<E> {
                let $a = self;
                $value
            }
        }
    };
}

/// Declares the operations of arithmetic. Each is one block, from which come its [`Op`]; the operator between tensors,
/// owned or borrowed, and with a number on either side, so that `1.0 - &x * 0.5` reads as mathematics; and its gradient
/// check.
macro_rules! arithmetic {
    ($(
        $(#[$doc:meta])*
        $op:ident: $name:literal = $method:ident($a:ident, $b:ident) {
            value: $value:expr,
            backward: $at:ident => $backward:block,
            number_right: $number_right:expr,
            number_left: $number_left:expr,
            check: [$($draw:ident),+],
        }
    )*) => {
        $(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $op;
        impl<E: Element> Op<E> for $op {
            fn name(&self) -> &'static str {
                $name
            }
            fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
                shape::same($name, &x[0], &x[1])
            }
            fn forward(&self, x: Operands<'_, E>) -> Array<E> {
                map(x.arrays(), inlined!(|[$a, $b]| $value))
            }
            fn backward(&self, $at: &mut Vjp<'_, E>) $backward
        }

        operator!($op $method (a: &Tensor<E>, b: &Tensor<E>) broadcast($op, [a, b]));
        operator!($op $method (a: &Tensor<E>, b: Tensor<E>) broadcast($op, [a, &b]));
        operator!($op $method (a: Tensor<E>, b: &Tensor<E>) broadcast($op, [&a, b]));
        operator!($op $method (a: Tensor<E>, b: Tensor<E>) broadcast($op, [&a, &b]));
        operator!($op $method ($a: &Tensor<E>, $b: f64) $number_right);
        operator!($op $method ($a: Tensor<E>, $b: f64) $number_right);
        operator!($op $method ($a: f64, $b: &Tensor<E>) $number_left);
        operator!($op $method ($a: f64, $b: Tensor<E>) $number_left);
        )*

        /// The gradient checks of these operations.
        #[cfg(feature = "check")]
        pub(crate) fn entries() -> Vec<crate::registry::entry::Entry> {
            #[allow(clippy::wildcard_imports)] // what an operand may be drawn from is for the operations to say
            use crate::registry::operands::*;
            vec![$(crate::registry::entry::Entry {
                covers: stringify!($op),
                kind: crate::registry::entry::Kind::Op,
                run: |rng| {
                    let draws: &[Draw] = &[$($draw),+];
                    in_every_shape($name, draws, &|x| broadcast($op, [&x[0], &x[1]]), rng)
                },
            }),*]
        }
    };
}

arithmetic! {
    /// y = a + b.
    Add: "add" = add(a, b) {
        value: a + b,
        backward: at => {
            at.wrt(0, Clone::clone);
            at.wrt(1, Clone::clone);
        },
        number_right: a.affine(1.0, b),
        number_left: b.affine(1.0, a),
        check: [any, any],
    }

    /// y = a − b.
    Sub: "subtract" = sub(a, b) {
        value: a - b,
        backward: at => {
            at.wrt(0, Clone::clone);
            at.wrt(1, |dy| -dy);
        },
        number_right: a.affine(1.0, -b),
        number_left: b.affine(-1.0, a),
        check: [any, any],
    }

    /// y = a · b, elementwise.
    Mul: "multiply" = mul(a, b) {
        value: a * b,
        backward: at => {
            let [a, b] = at.operands();
            at.wrt(0, |dy| dy * &b);
            at.wrt(1, |dy| dy * &a);
        },
        number_right: a.affine(b, -0.0), // x + (−0) is x, for −0 too
        number_left: b.affine(a, -0.0),
        check: [any, any],
    }

    /// y = a / b, elementwise.
    Div: "divide" = div(a, b) {
        value: a / b,
        backward: at => {
            let ([_, b], y) = (at.operands(), at.result());
            at.wrt(0, |dy| dy / &b);
            at.wrt(1, |dy| -(dy * &y) / &b); // −a/b² = −y/b
        },
        // Rounded once; a product with 1/b would be rounded twice.
        number_right: broadcast(Div, [&a, &Tensor::scalar(b)]),
        number_left: broadcast(Div, [&Tensor::scalar(a), &b]),
        check: [any, nonzero],
    }
}

operations! {
    /// y = a·x + b for numbers a and b.
    Affine: "affine" { scale: f64, shift: f64 } {
        fn shape(&self, x) { Ok(x[0]) }
        fn forward(&self, x) {
            let (scale, shift) = (E::from_f64(self.scale), E::from_f64(self.shift));
            map(x.arrays(), inlined!(|[x]| x * scale + shift))
        }
        fn backward(&self, at) { at.wrt(0, |dy| dy * self.scale); }
    }
}

impl<E: Element> Tensor<E> {
    /// a·x + b for numbers a and b, elementwise.
    pub fn affine(&self, scale: f64, shift: f64) -> Tensor<E> {
        Tensor::apply(Affine { scale, shift }, &[self])
    }

    /// x², elementwise.
    pub fn square(&self) -> Tensor<E> {
        self * self
    }
}

impl<E: Element> Neg for &Tensor<E> {
    type Output = Tensor<E>;
    fn neg(self) -> Tensor<E> {
        self * -1.0
    }
}

impl<E: Element> Neg for Tensor<E> {
    type Output = Tensor<E>;
    fn neg(self) -> Tensor<E> {
        -&self
    }
}
