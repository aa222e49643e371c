//! Results whose intermediate values are not kept.
//!
//! Reverse mode keeps what every operation read until the walk back has passed it: memory grows with the depth of the
//! graph. A function f of some tensors may instead be one node. The way there keeps f's operands and its result; the
//! way back computes f once more, this time with its graph, and walks through that. Of a chain of n such nodes, only
//! one graph is there at a time, for a third more work (Chen et al. 2016, *Training Deep Nets with Sublinear Memory
//! Cost*, [arXiv:1604.06174](https://arxiv.org/abs/1604.06174)).

use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor};
use std::fmt;

/// A function of tensors.
type Function<E> = Box<dyn Fn(&[Tensor<E>]) -> Tensor<E> + Send + Sync>;

/// y = f(x₁, …), computed again for its gradients.
pub(crate) struct Checkpoint<E: Element> {
    again: Function<E>,
    shape: Shape,
}

impl<E: Element> fmt::Debug for Checkpoint<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({})", self.shape)
    }
}

impl<E: Element> Op<E> for Checkpoint<E> {
    fn name(&self) -> &'static str {
        "checkpoint"
    }
    fn shape(&self, _: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(self.shape)
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let constants: Vec<_> = (0..x.count()).map(|i| Tensor::constant(x.array(i).clone())).collect();
        (self.again)(&constants).array().clone()
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.through(&*self.again);
    }
}

impl<E: Element> Tensor<E> {
    /// `value`, which is `again(operands)`, as a function of the operands: its gradients compute `again` once more, so
    /// that nothing of what it computes in between has to be kept until then.
    ///
    /// `again` must depend on nothing that can change, and be given every tensor that a gradient should reach: what it
    /// holds by itself is a constant to it. A function that draws random numbers has to draw the same ones again.
    ///
    /// ```
    /// use rungs_tensor::{Array, Tensor};
    ///
    /// let x = Tensor::variable(Array::from_vec(vec![0.5, 1.0], 2));
    /// let f = |x: &[Tensor]| (&x[0] * x[0].tanh()).exp();
    /// let y = Tensor::checkpoint(f(&[x.detached()]), &[&x], f);
    /// let same = f(&[x.clone()]);
    /// let gradient = |y: Tensor| y.sum().backward().take(&x).unwrap().to_vec();
    /// assert_eq!(gradient(y), gradient(same));
    /// ```
    ///
    /// # Panics
    /// On the way back, if `again` then gives another shape.
    pub fn checkpoint(
        value: Tensor<E>,
        operands: &[&Tensor<E>],
        again: impl Fn(&[Tensor<E>]) -> Tensor<E> + Send + Sync + 'static,
    ) -> Tensor<E> {
        let array = value.array().clone();
        drop(value);
        let shape = array.shape();
        Tensor::computed(array, operands, || Box::new(Checkpoint { again: Box::new(again), shape }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Graph, Rng, grad};

    /// Deep enough that a mistake in the order of the walk would show: a node within a node.
    #[test]
    fn nodes_may_stand_within_nodes() {
        let mut rng = Rng::new(3);
        let x = Tensor::<f64>::variable(Array::normal([3, 4], 0.0, 1.0, &mut rng));
        let w = Tensor::<f64>::variable(Array::normal([4, 4], 0.0, 1.0, &mut rng));
        let inner = |x: &[Tensor<f64>]| x[0].matmul(&x[1]).tanh();
        let outer = move |x: &[Tensor<f64>]| {
            let constants = [x[0].detached(), x[1].detached()];
            let y = Tensor::checkpoint(inner(&constants), &[&x[0], &x[1]], inner);
            &y * inner(&[y.clone(), x[1].clone()])
        };
        let checkpointed = Tensor::checkpoint(outer(&[x.detached(), w.detached()]), &[&x, &w], outer);
        let plain = {
            let y = inner(&[x.clone(), w.clone()]);
            &y * inner(&[y.clone(), w.clone()])
        };
        let both = [checkpointed, plain].map(|y| {
            let [dx, dw] = grad(&y.square().sum(), [&x, &w], Graph::Keep);
            let [d2x, d2w] = grad(&(dx.square().sum() + dw.square().sum()), [&x, &w], Graph::Drop);
            [dx, dw, d2x, d2w].map(|x| x.to_vec())
        });
        for (found, expected) in both[0].iter().flatten().zip(both[1].iter().flatten()) {
            assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} for {expected}");
        }
    }
    /// An operand that no gradient is asked for is still one that the gradient can be differentiated by.
    #[test]
    fn a_gradient_by_one_operand_depends_on_the_others() {
        let mut rng = Rng::new(4);
        let [x, w] = [(); 2].map(|()| Tensor::<f64>::variable(Array::normal([3, 3], 0.0, 1.0, &mut rng)));
        let f = |x: &[Tensor<f64>]| x[0].matmul(&x[1]).tanh();
        let h = x.tanh(); // stands higher than w, which the walk to it leaves out
        let both = [Tensor::checkpoint(f(&[h.detached(), w.detached()]), &[&h, &w], f), f(&[h.clone(), w.clone()])]
            .map(|y| {
                let [dh] = grad(&y.sum(), [&h], Graph::Keep);
                let [dw] = grad(&dh.square().sum(), [&w], Graph::Drop);
                dw.to_vec()
            });
        assert!(both[1].iter().all(|&slope| slope != 0.0));
        for (found, expected) in both[0].iter().zip(&both[1]) {
            assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{found} for {expected}");
        }
    }
}
