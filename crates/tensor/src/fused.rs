//! Fused kernels: hand-written passes that carry their textbook definition.
//!
//! A [`Kernel`] computes in one pass what would take many operations, and its gradient too. It cannot be written
//! without its [`definition`](Kernel::definition) in differentiable operations, which is its specification, its test
//! oracle ([`check_kernel`](crate::check_kernel)) and its path for gradients of gradients: with the graph kept, reverse
//! mode goes through the definition, so a kernel never loses a gradient.

use crate::autograd::Graph;
use crate::op::{Op, Operands, Vjp, with_shapes};
use crate::shape::insist;
use crate::{Array, Element, Shape, ShapeError, Tensor};
use std::fmt::Debug;

pub(crate) mod attention;
pub(crate) mod cross_entropy;
pub(crate) mod normalization;
pub(crate) mod rotate;
pub(crate) mod softmax;

/// An operation with a hand-written forward and backward pass and a definition in other operations.
pub trait Kernel<E: Element>: Debug + Send + Sync + 'static {
    /// What the forward pass leaves for the backward pass.
    type Saved: Send + Sync + Debug + 'static;

    /// The name for messages.
    fn name(&self) -> &'static str;

    /// The shape of the result, or why the operands do not fit.
    fn shape(&self, operands: &[Shape]) -> Result<Shape, ShapeError>;

    /// Computes the result and what the backward pass will want.
    fn forward(&self, operands: Operands<'_, E>) -> (Array<E>, Self::Saved);

    /// The gradient by each operand that `needs` one, from the result `y`, what forward saved, and the gradient `dy` by
    /// the result. Runs only when the graph is dropped.
    fn backward(
        &self,
        operands: Operands<'_, E>,
        y: &Array<E>,
        saved: &Self::Saved,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E>;

    /// The textbook: the same function in differentiable operations.
    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E>;
}

/// Which operands' gradients are wanted.
#[derive(Copy, Clone, Debug)]
pub struct Needs<'a>(&'a [bool]);

impl Needs<'_> {
    /// Whether the gradient by operand `index` is wanted.
    #[track_caller]
    pub fn operand(&self, index: usize) -> bool {
        self.0[index]
    }
}

/// The gradients a kernel's backward pass found, one place for each operand; those not needed may be left out.
pub type Grads<E> = Vec<Option<Array<E>>>;

/// A kernel that has run, as an operation in the graph.
#[derive(Debug)]
struct Fused<K, S> {
    kernel: K,
    saved: S,
}

impl<E: Element, K: Kernel<E>> Op<E> for Fused<K, K::Saved> {
    fn name(&self) -> &'static str {
        self.kernel.name()
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, ShapeError> {
        self.kernel.shape(operands)
    }

    fn forward(&self, operands: Operands<'_, E>) -> Array<E> {
        self.kernel.forward(operands).0
    }

    fn backward(&self, at: &mut Vjp<'_, E>) {
        if at.graph() == Graph::Keep {
            return at.through(&|operands| self.kernel.definition(operands));
        }
        let needs: Vec<bool> = (0..at.count()).map(|i| at.needs(i)).collect();
        let operands: Vec<&Tensor<E>> = at.inputs.iter().collect();
        let (y, dy) = (at.node.array(), at.gradient.array());
        let gradients = self.kernel.backward(operands[..].into(), y, &self.saved, dy, Needs(&needs));
        let name = self.kernel.name();
        assert!(gradients.len() == at.count(), "{name}: {} gradients for {} operands", gradients.len(), at.count());
        for (i, gradient) in gradients.into_iter().enumerate() {
            if let Some(gradient) = gradient {
                at.wrt(i, |_| Tensor::constant(gradient));
            }
        }
    }
}

impl<E: Element> Tensor<E> {
    /// Runs a kernel.
    ///
    /// # Panics
    /// With the kernel's own message if the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn apply_kernel<K: Kernel<E>>(kernel: K, operands: &[&Tensor<E>]) -> Tensor<E> {
        insist(Self::try_apply_kernel(kernel, operands))
    }

    /// Runs a kernel, or says why the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn try_apply_kernel<K: Kernel<E>>(kernel: K, operands: &[&Tensor<E>]) -> Result<Tensor<E>, ShapeError> {
        let shape = with_shapes(operands, &mut |shapes| kernel.shape(shapes))?;
        let (array, saved) = kernel.forward(operands.into());
        assert!(array.shape() == shape, "{}: announced shape {shape}, computed {}", kernel.name(), array.shape());
        Ok(Tensor::computed(array, operands, || Box::new(Fused { kernel, saved })))
    }
}

#[cfg(test)]
mod tests;
