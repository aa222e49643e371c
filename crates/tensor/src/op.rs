//! What an operation is: a name, a shape rule, a forward pass and a rule for its gradient.
//!
//! An [`Op`] written outside this crate is a first-class citizen; `examples/own_op.rs` writes one. The gradient rule is
//! written in tensor operations, one equation for each operand, so gradients of gradients need no further rule.
//!
//! Every operation goes through [`Tensor::apply`], which is never inlined. That is for the compiler's sake: it shares
//! such a function between crates, and with it all that it calls, where it would compile other generic functions anew
//! in every crate that uses them.

use crate::autograd::{Graph, Pending};
use crate::shape::insist;
use crate::{Array, Element, Shape, ShapeError, Tensor};
use std::fmt::Debug;

/// A differentiable operation on tensors.
///
/// An operation holds settings, never tensors: a tensor in a field would be an operand that no gradient reaches.
pub trait Op<E: Element>: Debug + Send + Sync + 'static {
    /// The name for messages, in the field's words: `"matmul"`.
    fn name(&self) -> &'static str;

    /// The shape of the result, or why the operands do not fit. Called before [`forward`](Op::forward).
    fn shape(&self, operands: &[Shape]) -> Result<Shape, ShapeError>;

    /// Computes the result.
    fn forward(&self, operands: Operands<'_, E>) -> Array<E>;

    /// Tells the gradient with respect to each operand, through [`Vjp::wrt`]. One that is forgotten although it is
    /// needed is refused when the operation is differentiated; where the result does not change with an operand, say so
    /// with zeros.
    fn backward(&self, at: &mut Vjp<'_, E>);
}

/// The operands of an operation, as arrays.
#[derive(Copy, Clone, Debug)]
pub struct Operands<'a, E: Element>(&'a [&'a Tensor<E>]);

impl<'a, E: Element> From<&'a [&'a Tensor<E>]> for Operands<'a, E> {
    fn from(tensors: &'a [&'a Tensor<E>]) -> Self {
        Self(tensors)
    }
}

impl<'a, E: Element> Operands<'a, E> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The values of one operand.
    #[track_caller]
    pub fn array(&self, index: usize) -> &'a Array<E> {
        self.0[index].array()
    }

    /// The values of all operands, `let [a, b] = x.arrays();`.
    ///
    /// # Panics
    /// If there are not exactly `N`.
    #[track_caller]
    pub fn arrays<const N: usize>(&self) -> [&'a Array<E>; N] {
        assert!(self.count() == N, "expected {N} operands, found {}", self.count());
        std::array::from_fn(|i| self.array(i))
    }
}

/// One step of reverse mode: a node, the gradient of the loss by its value, and where the operands' gradients go.
#[derive(Debug)]
pub struct Vjp<'w, E: Element> {
    pub(crate) op: &'w dyn Op<E>,
    pub(crate) node: &'w Tensor<E>,
    pub(crate) inputs: &'w [Tensor<E>],
    pub(crate) gradient: &'w Tensor<E>,
    pub(crate) graph: Graph,
    pub(crate) pending: &'w mut Pending<E>,
    /// Which operands' gradients were told.
    pub(crate) told: &'w mut Vec<bool>,
}

impl<E: Element> Vjp<'_, E> {
    /// Runs the operation's rule, which must tell every gradient that is needed.
    #[track_caller]
    pub(crate) fn run(mut self) {
        self.told.clear();
        self.told.resize(self.inputs.len(), false);
        self.op.backward(&mut self);
        for (i, told) in self.told.iter().enumerate() {
            assert!(*told || !self.needs(i), "{}: backward tells no gradient by operand {i}", self.op.name());
        }
    }

    /// The operands, `let [a, b] = at.operands();`. Detached unless the graph is kept.
    ///
    /// # Panics
    /// If there are not exactly `N`.
    #[track_caller]
    pub fn operands<const N: usize>(&self) -> [Tensor<E>; N] {
        assert!(self.inputs.len() == N, "{}: expected {N} operands, found {}", self.op.name(), self.inputs.len());
        std::array::from_fn(|i| self.operand(i))
    }

    /// One operand. Detached unless the graph is kept.
    #[track_caller]
    pub fn operand(&self, index: usize) -> Tensor<E> {
        self.seen(&self.inputs[index])
    }

    /// How many operands there are.
    pub fn count(&self) -> usize {
        self.inputs.len()
    }

    /// The shape of one operand.
    #[track_caller]
    pub fn shape(&self, index: usize) -> Shape {
        self.inputs[index].shape()
    }

    /// The operation's own result. Detached unless the graph is kept.
    pub fn result(&self) -> Tensor<E> {
        self.seen(self.node)
    }

    /// Whether the graph is kept, so that what is computed here can be differentiated again.
    pub fn graph(&self) -> Graph {
        self.graph
    }

    /// Whether the gradient of this operand is wanted at all.
    #[track_caller]
    pub fn needs(&self, index: usize) -> bool {
        self.pending.needs(&self.inputs[index])
    }

    /// The gradient of the loss by operand `index`: `rule` computes it from the gradient by the result, and runs only
    /// if it is needed. Gradients that reach an operand along several paths are added up by the driver, never here.
    ///
    /// # Panics
    /// If the rule's result does not have the operand's shape, or is tracked although the graph is not kept (a tensor
    /// hidden in a field of the operation would be).
    #[track_caller]
    pub fn wrt(&mut self, index: usize, rule: impl FnOnce(&Tensor<E>) -> Tensor<E>) {
        if self.needs(index) {
            self.accept(index, rule(self.gradient));
        }
    }

    #[track_caller]
    #[inline(never)]
    pub(crate) fn accept(&mut self, index: usize, gradient: Tensor<E>) {
        let operand = &self.inputs[index];
        let (name, want, got) = (self.op.name(), operand.shape(), gradient.shape());
        assert!(want == got, "{name}: operand {index} has shape {want}, its gradient {got}");
        assert!(
            self.graph == Graph::Keep || !gradient.is_tracked(),
            "{name}: the gradient by operand {index} is tracked although the graph is dropped: \
             the operation holds a tensor"
        );
        self.pending.add(operand, gradient, self.graph);
        self.told[index] = true;
    }

    /// Like [`wrt`](Vjp::wrt), for an operation that read only the slice of `operand` that starts at `start` along
    /// `axis`: the gradient of everything else is zero, and only the slice is touched where that is possible.
    #[track_caller]
    pub(crate) fn wrt_slice(&mut self, index: usize, axis: usize, start: usize) {
        let operand = &self.inputs[index];
        if self.pending.needs(operand) {
            self.pending.add_slice(operand, axis, start, self.gradient, self.graph);
            self.told[index] = true;
        }
    }

    fn seen(&self, tensor: &Tensor<E>) -> Tensor<E> {
        if self.graph == Graph::Keep { tensor.clone() } else { tensor.detached() }
    }
}

impl<E: Element> Tensor<E> {
    /// Applies an operation.
    ///
    /// # Panics
    /// With the operation's own message if the shapes do not fit.
    #[track_caller]
    #[inline(never)]
    pub fn apply(op: impl Op<E>, operands: &[&Tensor<E>]) -> Tensor<E> {
        insist(Self::try_apply(op, operands))
    }

    /// Applies an operation, or says why the shapes do not fit: the one fallible door for every operation.
    #[track_caller]
    #[inline(never)]
    pub fn try_apply(op: impl Op<E>, operands: &[&Tensor<E>]) -> Result<Tensor<E>, ShapeError> {
        Self::try_apply_boxed(Box::new(op), operands)
    }

    /// The same for any operation: compiled once, not once for each.
    #[track_caller]
    #[inline(never)]
    fn try_apply_boxed(op: Box<dyn Op<E>>, operands: &[&Tensor<E>]) -> Result<Tensor<E>, ShapeError> {
        let shape = with_shapes(operands, &mut |shapes| op.shape(shapes))?;
        let array = op.forward(operands.into());
        assert!(array.shape() == shape, "{}: announced shape {shape}, computed {}", op.name(), array.shape());
        Ok(Tensor::computed(array, operands, || op))
    }
}

/// Calls `f` with the operands' shapes; no allocation for the few operands that most operations have.
pub(crate) fn with_shapes<E: Element>(
    operands: &[&Tensor<E>],
    f: &mut dyn FnMut(&[Shape]) -> Result<Shape, ShapeError>,
) -> Result<Shape, ShapeError> {
    let mut few = [Shape::SCALAR; 4];
    if operands.len() <= few.len() {
        few.iter_mut().zip(operands).for_each(|(shape, x)| *shape = x.shape());
        f(&few[..operands.len()])
    } else {
        f(&operands.iter().map(|x| x.shape()).collect::<Vec<_>>())
    }
}
