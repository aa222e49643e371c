//! Differentiating through a function of the operands: the rule of kernels whose graph is kept, and of checkpoints.

use crate::autograd::{Graph, vjp};
use crate::op::Vjp;
use crate::{Element, Tensor};

operations! {
    /// y = x, as a node of its own: where a walk through a kernel's definition stops.
    Alias: "alias" {} {
        fn shape(&self, x) { Ok(x[0]) }
        fn forward(&self, x) { x.array(0).clone() }
        fn backward(&self, at) { at.wrt(0, Clone::clone); }
    }
}

impl<E: Element> Vjp<'_, E> {
    /// Tells all gradients at once, by walking back through `function`, which computes the result from the operands:
    /// for an operation whose own rule does not do, or that has none.
    ///
    /// Each operand whose gradient is wanted goes in through a node of its own, where the walk stops. With the graph
    /// kept it hangs on the operand, and the other operands go in as they are, so that what is found can be
    /// differentiated by all of them.
    pub(crate) fn through(&mut self, function: &dyn Fn(&[Tensor<E>]) -> Tensor<E>) {
        let operand = |(i, x): (usize, &Tensor<E>)| match (self.graph, self.needs(i)) {
            (Graph::Drop, true) => x.as_variable(),
            (Graph::Drop, false) => x.detached(),
            (Graph::Keep, true) => Tensor::apply(Alias {}, &[x]),
            (Graph::Keep, false) => x.clone(),
        };
        let operands: Vec<Tensor<E>> = self.inputs.iter().enumerate().map(operand).collect();
        let y = function(&operands);
        let wanted: Vec<usize> = (0..operands.len()).filter(|&i| self.needs(i)).collect();
        let targets: Vec<&Tensor<E>> = wanted.iter().map(|&i| &operands[i]).collect();
        let gradients = vjp(&y, self.gradient, &targets, self.graph);
        wanted.into_iter().zip(gradients).for_each(|(i, gradient)| self.accept(i, gradient));
    }
}
