//! The definition of a function of one number: its value and its slope, written once for numbers and for tensors.

use crate::array::map;
use crate::{Element, Tensor};
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
pub(super) struct Number<E>(pub(super) E);

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
