//! Elementwise functions: what one is, how it becomes an operation, and the macro that declares them.
//!
//! A function states its value for numbers and its slopes once, over anything that [`Real`] describes. Numbers take the
//! slope in one fused pass, dx = dy · slope(x, y); tensors take the same text when the graph is kept, so the second
//! derivative is not a second piece of writing. The functions themselves are in [`functions`](super::functions).

use super::arithmetic::broadcast;
use crate::array::map::map;
use crate::autograd::Graph;
use crate::fast::simd::inlined;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor, shape};
use std::fmt::Debug;

/// A differentiable function of one number or of two.
pub trait Function<const N: usize>: Debug + Send + Sync + 'static {
    /// The name for messages.
    fn name(&self) -> &'static str;
    /// y = f(x₁, …).
    fn value<E: Element>(&self, x: [E; N]) -> E;
    /// ∂y/∂x₁, …, from the operands and y.
    fn slopes<R: Real>(&self, x: &[R; N], y: &R) -> [R; N];
}

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
    /// The logistic function of x.
    fn logistic(&self) -> Self;
    /// x held within an interval.
    fn held(&self, low: f64, high: f64) -> Self;
    /// 1 within the open interval, 0 outside: constant almost everywhere, so no gradient flows through it.
    fn within(&self, low: f64, high: f64) -> Self;
    /// 1 where this is greater than the other, ½ where they are equal, else 0; no gradient flows through it either.
    fn exceeds(&self, other: &Self) -> Self;
}

/// Implements [`Real`] for one type.
macro_rules! real {
    ($type:ty: $($method:ident($x:ident $(, $argument:ident: $kind:ty)*) = $value:expr;)*) => {
        impl<E: Element> Real for $type {
            $(#[inline(always)]
            fn $method(&self $(, $argument: $kind)*) -> Self {
                let $x = self;
                $value
            })*
        }
    };
}

real! {
    E:
    affine(x, scale: f64, shift: f64) = *x * E::from_f64(scale) + E::from_f64(shift);
    plus(x, other: &Self) = *x + *other;
    times(x, other: &Self) = *x * *other;
    exponential(x) = x.exp();
    power(x, p: f64) = x.powf(E::from_f64(p));
    whole_power(x, n: i32) = x.powi(n);
    error_function(x) = x.erf();
    hyperbolic_tangent(x) = x.tanh();
    logistic(x) = x.sigmoid();
    held(x, low: f64, high: f64) = x.larger(E::from_f64(low)).smaller(E::from_f64(high));
    within(x, low: f64, high: f64) = if *x > E::from_f64(low) && *x < E::from_f64(high) { E::ONE } else { E::ZERO };
    exceeds(x, other: &Self) = if x > other {
        E::ONE
    } else if x == other {
        E::from_f64(0.5)
    } else {
        E::ZERO
    };
}

real! {
    Tensor<E>:
    affine(x, scale: f64, shift: f64) = Tensor::affine(x, scale, shift);
    plus(x, other: &Self) = x + other;
    times(x, other: &Self) = x * other;
    exponential(x) = x.exp();
    power(x, p: f64) = x.powf(p);
    whole_power(x, n: i32) = x.powi(n);
    error_function(x) = x.erf();
    hyperbolic_tangent(x) = x.tanh();
    logistic(x) = x.sigmoid();
    held(x, low: f64, high: f64) = x.clamp(low, high);
    within(x, low: f64, high: f64) = Tensor::constant(map([x.array()], |[x]| x.within(low, high)));
    exceeds(x, other: &Self) = Tensor::constant(map([x.array(), other.array()], |[a, b]| a.exceeds(&b)));
}

/// y = f(x₁, …), elementwise.
#[derive(Debug)]
pub(crate) struct Pointwise<F, const N: usize>(F);

impl<E: Element, F: Function<N>, const N: usize> Op<E> for Pointwise<F, N> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        x.iter().try_fold(x[0], |common, x| shape::same(self.0.name(), &common, x))
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        map(x.arrays::<N>(), inlined!(|x| self.0.value(x)))
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let (x, y, graph) = (at.operands(), at.result(), at.graph());
        at.wrt(0, |dy| self.gradient::<E, 0>(dy, &x, &y, graph));
        if N == 2 {
            at.wrt(1, |dy| self.gradient::<E, 1>(dy, &x, &y, graph));
        }
    }
}

impl<F: Function<N>, const N: usize> Pointwise<F, N> {
    /// dy · ∂y/∂xᵢ for operand i.
    fn gradient<E: Element, const I: usize>(
        &self,
        dy: &Tensor<E>,
        x: &[Tensor<E>; N],
        y: &Tensor<E>,
        graph: Graph,
    ) -> Tensor<E> {
        if graph == Graph::Keep {
            return dy * &self.0.slopes(x, y)[I];
        }
        // The first operand and the last, which are all of them.
        Tensor::constant(map(
            [dy, y, &x[0], &x[N - 1]].map(Tensor::array),
            inlined!(|[dy, y, first, last]| {
                let mut x = [first; N];
                x[N - 1] = last;
                dy * self.0.slopes(&x, &y)[I]
            }),
        ))
    }
}

impl<E: Element> Tensor<E> {
    /// A function of one's own, elementwise; the operands broadcast.
    #[track_caller]
    pub fn pointwise<const N: usize>(function: impl Function<N>, operands: [&Tensor<E>; N]) -> Tensor<E> {
        const { assert!(N == 1 || N == 2, "a function of one number or of two") };
        broadcast(Pointwise(function), operands)
    }
}

/// Declares elementwise functions. Each is one block, from which come its [`Function`], the method of [`Tensor`] that
/// applies it, and its gradient check.
///
/// `Name: y = method(operands; settings)` is followed by the value, for numbers that are [`Element`]s; the slope by
/// each operand, in [`Real`] terms of the operands and y; and the numbers that the check draws each operand from, with
/// the settings that it is repeated for, if there are any.
macro_rules! elementwise {
    ($(
        $(#[$doc:meta])*
        $function:ident: $y:ident = $method:ident($x:ident $(, $other:ident)? $(; $($setting:ident: $type:ty),+)?) {
            value: $value:expr,
            slopes: $slopes:expr,
            check: [$($draw:expr),+] $(for $settings:expr)?,
        }
    )*) => {
        $(
        #[derive(Debug)]
        pub(crate) struct $function {
            $($($setting: $type,)+)?
        }

        #[allow(unused_variables)] // a slope seldom needs all that it is given
        impl Function<{ [stringify!($x) $(, stringify!($other))?].len() }> for $function {
            fn name(&self) -> &'static str {
                stringify!($method)
            }
            #[inline(always)]
            fn value<E: Element>(
                &self,
                [$x $(, $other)?]: [E; { [stringify!($x) $(, stringify!($other))?].len() }],
            ) -> E {
                let &Self { $($($setting),+)? } = self;
                $value
            }
            #[inline(always)]
            fn slopes<R: Real>(
                &self,
                [$x $(, $other)?]: &[R; { [stringify!($x) $(, stringify!($other))?].len() }],
                $y: &R,
            ) -> [R; { [stringify!($x) $(, stringify!($other))?].len() }] {
                let &Self { $($($setting),+)? } = self;
                $slopes
            }
        }
        )*

        impl<E: Element> Tensor<E> {
            $(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self $(, $other: &Tensor<E>)? $($(, $setting: $type)+)?) -> Tensor<E> {
                Tensor::pointwise($function { $($($setting),+)? }, [self $(, $other)?])
            }
            )*
        }

        /// The gradient checks of these functions.
        #[cfg(feature = "check")]
        #[allow(unused_parens)] // around a single setting
        pub(crate) fn entries() -> Vec<crate::registry::entry::Entry> {
            #[allow(clippy::wildcard_imports)] // what an operand may be drawn from is for the functions to say
            use crate::registry::operands::*;
            vec![$(crate::registry::entry::Entry {
                covers: stringify!($function),
                kind: crate::registry::entry::Kind::Function,
                run: |rng| each(elementwise!(@cases $($settings)?), &mut |($($($setting),+)?)| {
                    let draws: &[Draw] = &[$($draw),+];
                    let operands = |x: &[Tensor<f64>]| {
                        Tensor::pointwise($function { $($($setting),+)? }, std::array::from_fn(|i| &x[i]))
                    };
                    in_every_shape(stringify!($method), draws, &operands, rng)
                }),
            }),*]
        }
    };
    (@cases) => { [()] };
    (@cases $settings:expr) => { $settings };
}

pub(crate) use elementwise;
