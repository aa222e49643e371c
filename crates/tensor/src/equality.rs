//! Equality of tensors and arrays, exact or, with `approx`, to a tolerance: tests read
//! `assert_relative_eq!(a, b, max_relative = 1e-6)`.
//!
//! Shapes must be equal. Arrays are compared element by element.

use crate::{Array, Element, Tensor};
use approx::{AbsDiffEq, RelativeEq};

/// Whether all pairs of elements pass.
fn all<E: Element>(a: &Array<E>, b: &Array<E>, close: impl Fn(f64, f64) -> bool) -> bool {
    a.shape() == b.shape() && a.to_vec().into_iter().zip(b.to_vec()).all(|(a, b)| close(a.to_f64(), b.to_f64()))
}

impl<E: Element> AbsDiffEq for Array<E> {
    type Epsilon = f64;
    fn default_epsilon() -> f64 {
        E::EPSILON.to_f64()
    }
    fn abs_diff_eq(&self, other: &Self, epsilon: f64) -> bool {
        all(self, other, |a, b| a.abs_diff_eq(&b, epsilon))
    }
}

impl<E: Element> RelativeEq for Array<E> {
    fn default_max_relative() -> f64 {
        E::EPSILON.to_f64()
    }
    fn relative_eq(&self, other: &Self, epsilon: f64, max_relative: f64) -> bool {
        all(self, other, |a, b| a.relative_eq(&b, epsilon, max_relative))
    }
}

impl<E: Element> PartialEq for Tensor<E> {
    /// Equal shapes and equal elements; where they came from does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.array() == other.array()
    }
}

impl<E: Element> AbsDiffEq for Tensor<E> {
    type Epsilon = f64;
    fn default_epsilon() -> f64 {
        Array::<E>::default_epsilon()
    }
    fn abs_diff_eq(&self, other: &Self, epsilon: f64) -> bool {
        self.array().abs_diff_eq(other.array(), epsilon)
    }
}

impl<E: Element> RelativeEq for Tensor<E> {
    fn default_max_relative() -> f64 {
        Array::<E>::default_max_relative()
    }
    fn relative_eq(&self, other: &Self, epsilon: f64, max_relative: f64) -> bool {
        self.array().relative_eq(other.array(), epsilon, max_relative)
    }
}
