//! Reverse mode as a loop.
//!
//! A result is always made after its operands and stands higher than all of them, so walking the graph downwards,
//! highest node first, meets every node after all of its users: the walk *is* the topological sort. Among nodes of one
//! height the first seen comes first. That order depends only on the graph's form, not on which thread made which node,
//! so the additions happen in one order and the gradients have the same bits every time.

use crate::array::map;
use crate::op::Vjp;
use crate::tensor::NodeId;
use crate::{Array, Element, Tensor};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

/// Whether a gradient should itself be differentiable.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Graph {
    /// Rules see operands as they are in the graph, and the gradient is a function of them: for gradients of gradients.
    Keep,
    /// Rules see detached operands: nothing is recorded, and kernels run their own backward pass.
    Drop,
}

/// Why there is no gradient.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum NoGradient {
    /// The tensor is a constant: frozen, or made by `Tensor::constant` where `Tensor::variable` was meant.
    Constant,
    /// The tensor is a variable, but the loss was not computed from it.
    Unreached,
    /// The tensor was computed from others; gradients are kept for variables alone.
    Intermediate,
}

impl fmt::Display for NoGradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoGradient::Constant => "the tensor is a constant, so no gradient flows into it",
            NoGradient::Unreached => "the loss does not depend on the tensor",
            NoGradient::Intermediate => {
                "the tensor is an intermediate result, whose gradient is not kept; grad gives it"
            }
        })
    }
}

impl std::error::Error for NoGradient {}

/// The gradients of a loss by its variables.
///
/// It holds ids, not tensors: a parameter can be updated in place while its gradient is at hand.
#[derive(Debug)]
pub struct Gradients<E: Element = f32>(HashMap<NodeId, Tensor<E>, ById>);

impl<E: Element> Gradients<E> {
    /// The gradient by a variable.
    ///
    /// # Errors
    /// If the tensor is a constant, a variable that the loss does not depend on, or an intermediate result, whose
    /// gradient [`grad`] gives.
    pub fn wrt(&self, variable: &Tensor<E>) -> Result<&Tensor<E>, NoGradient> {
        self.0.get(&variable.id()).ok_or_else(|| Self::missing(variable))
    }

    /// The gradient by a variable, to own.
    ///
    /// # Errors
    /// As [`wrt`](Gradients::wrt); also if it was taken before.
    pub fn take(&mut self, variable: &Tensor<E>) -> Result<Tensor<E>, NoGradient> {
        self.0.remove(&variable.id()).ok_or_else(|| Self::missing(variable))
    }

    fn missing(variable: &Tensor<E>) -> NoGradient {
        match variable.is_tracked() {
            false => NoGradient::Constant,
            true if variable.is_variable() => NoGradient::Unreached,
            true => NoGradient::Intermediate,
        }
    }
}

/// Node ids are consecutive numbers: multiplying by an odd constant spreads them well enough.
#[derive(Default, Debug)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }
    fn write_u64(&mut self, id: u64) {
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

type ById = BuildHasherDefault<IdHasher>;

/// The highest node first; among equals the first seen.
type Turn = (u32, Reverse<u64>);

/// Nodes that wait for their turn, each with the gradient that has reached it so far.
#[derive(Debug)]
pub(crate) struct Pending<E: Element> {
    queue: BTreeMap<Turn, (Tensor<E>, Tensor<E>)>,
    turns: HashMap<NodeId, Turn, ById>,
    seen: u64,
    /// Nodes below this height lead to no target.
    lowest: u32,
}

impl<E: Element> Pending<E> {
    fn new(lowest: u32) -> Self {
        Self { queue: BTreeMap::new(), turns: HashMap::default(), seen: 0, lowest }
    }

    pub(crate) fn needs(&self, operand: &Tensor<E>) -> bool {
        operand.is_tracked() && operand.height() >= self.lowest
    }

    /// Adds to the gradient that has reached `node`.
    pub(crate) fn add(&mut self, node: &Tensor<E>, gradient: Tensor<E>, graph: Graph) {
        let Some(total) = self.waiting(node) else { return self.insert(node, gradient) };
        let add = |total: &mut Array<E>| map::add_in_place(total, gradient.array());
        if graph == Graph::Keep || !total.own_array().is_some_and(add) {
            *total = &*total + &gradient;
        }
    }

    /// Adds to the part of the gradient that starts at `start` along `axis`.
    pub(crate) fn add_slice(&mut self, node: &Tensor<E>, axis: usize, start: usize, part: &Tensor<E>, graph: Graph) {
        let (size, length) = (node.shape().dim(axis), part.shape().dim(axis));
        if graph == Graph::Keep {
            return self.add(node, part.pad(axis as isize, start, size - start - length, 0.0), graph);
        }
        if self.waiting(node).is_none() {
            self.insert(node, Tensor::constant(Array::zeros(node.shape())));
        }
        let total = self.waiting(node).expect("inserted above");
        if total.own_array().is_none_or(|array| array.as_mut_slice().is_none()) {
            *total = Tensor::constant(total.array().copy());
        }
        let array = total.own_array().expect("a fresh copy has one owner");
        map::add_to_slice(array, axis, start, part.array());
    }

    fn waiting(&mut self, node: &Tensor<E>) -> Option<&mut Tensor<E>> {
        let turn = self.turns.get(&node.id())?;
        self.queue.get_mut(turn).map(|(_, gradient)| gradient)
    }

    fn insert(&mut self, node: &Tensor<E>, gradient: Tensor<E>) {
        let turn = (node.height(), Reverse(self.seen));
        self.seen += 1;
        self.turns.insert(node.id(), turn);
        self.queue.insert(turn, (node.clone(), gradient));
    }

    fn next(&mut self) -> Option<(Tensor<E>, Tensor<E>)> {
        let (_, (node, gradient)) = self.queue.pop_last()?;
        self.turns.remove(&node.id());
        Some((node, gradient))
    }
}

/// Walks from `output`, where the gradient is `seed`, to everything at height `lowest` or above; `arrived` gets each
/// node with its whole gradient. The walk owns what it has still to visit, so a graph nobody else holds is freed on the
/// way.
#[track_caller]
fn reverse<E: Element>(
    output: Tensor<E>,
    seed: Tensor<E>,
    graph: Graph,
    lowest: u32,
    mut arrived: impl FnMut(&Tensor<E>, &Tensor<E>),
) {
    let mut pending = Pending::new(lowest);
    pending.insert(&output, seed);
    let mut told = Vec::new(); // one for all nodes
    drop(output);
    while let Some((node, gradient)) = pending.next() {
        arrived(&node, &gradient);
        if let Some((op, inputs)) = node.origin() {
            let (pending, told) = (&mut pending, &mut told);
            Vjp { op, node: &node, inputs, gradient: &gradient, graph, pending, told }.run();
        }
    }
}

impl<E: Element> Tensor<E> {
    /// The gradients of this loss by every variable it was computed from. The graph is freed as the walk goes, where
    /// nothing else holds on to it.
    ///
    /// # Panics
    /// If this is not a single number, or no variable went into it.
    #[track_caller]
    pub fn backward(self) -> Gradients<E> {
        assert!(self.size() == 1, "backward: the loss has shape {}, not a single number", self.shape());
        assert!(self.is_tracked(), "backward: no variable went into this loss");
        let seed = Tensor::constant(Array::full(self.shape(), E::ONE));
        let mut gradients = HashMap::default();
        reverse(self, seed, Graph::Drop, 0, |node, gradient| {
            if node.is_variable() {
                gradients.insert(node.id(), gradient.clone());
            }
        });
        Gradients(gradients)
    }
}

/// The gradients of a single number `y` by tensors of its graph, variables or intermediate results. Zeros for a tensor
/// that `y` does not depend on.
///
/// ```
/// use rungs_tensor::{Array, Graph, Tensor, grad};
///
/// let x = Tensor::variable(Array::scalar(2.0));
/// let y = x.powi(3);
/// let [dx] = grad(&y, [&x], Graph::Keep);      // 3x²
/// let [d2x] = grad(&dx, [&x], Graph::Drop);    // 6x
/// assert_eq!((dx.item(), d2x.item()), (12.0, 12.0));
/// ```
///
/// # Panics
/// If `y` is not a single number.
#[track_caller]
pub fn grad<E: Element, const N: usize>(y: &Tensor<E>, targets: [&Tensor<E>; N], graph: Graph) -> [Tensor<E>; N] {
    assert!(y.size() == 1, "grad: y has shape {}, not a single number", y.shape());
    let seed = Tensor::constant(Array::full(y.shape(), E::ONE));
    let gradients = vjp(y, &seed, &targets, graph);
    gradients.try_into().unwrap_or_else(|_| unreachable!("as many gradients as targets"))
}

/// The vector–Jacobian product: the gradients of ⟨y, dy⟩ by tensors of y's graph. Zeros for a tensor that `y` does not
/// depend on. With [`Graph::Keep`] they are differentiable, by `dy` too.
///
/// # Panics
/// If `dy` does not have the shape of `y`.
#[track_caller]
pub fn vjp<E: Element>(y: &Tensor<E>, dy: &Tensor<E>, targets: &[&Tensor<E>], graph: Graph) -> Vec<Tensor<E>> {
    assert!(y.shape() == dy.shape(), "vjp: y has shape {}, its gradient {}", y.shape(), dy.shape());
    let lowest = targets.iter().map(|x| x.height()).min().unwrap_or(0);
    let mut found: Vec<Option<Tensor<E>>> = vec![None; targets.len()];
    let dy = if graph == Graph::Keep { dy.clone() } else { dy.detached() };
    if y.is_tracked() {
        reverse(y.clone(), dy, graph, lowest, |node, gradient| {
            for (target, found) in targets.iter().zip(&mut found) {
                if target.id() == node.id() {
                    *found = Some(gradient.clone());
                }
            }
        });
    }
    let zeros = |target: &&Tensor<E>| Tensor::constant(Array::zeros(target.shape()));
    found.into_iter().zip(targets).map(|(found, target)| found.unwrap_or_else(|| zeros(target))).collect()
}

/// The Jacobian–vector product: how `y` changes when each target moves along its `direction`.
///
/// Reverse mode twice: the vector–Jacobian product is linear in its vector u, and its own vector–Jacobian product with
/// respect to u is J·v.
///
/// # Panics
/// If a direction does not have the shape of its target.
#[track_caller]
pub fn jvp<E: Element>(y: &Tensor<E>, targets: &[&Tensor<E>], directions: &[&Tensor<E>]) -> Tensor<E> {
    let u = Tensor::variable(Array::zeros(y.shape()));
    match along("jvp", y, &u, targets, directions) {
        Some(product) => vjp(&product, &Tensor::scalar(1.0), &[&u], Graph::Drop).remove(0),
        None => u.detached(),
    }
}

/// The Hessian–vector product of a single number `y`: the gradient of ⟨∇y, v⟩.
///
/// # Panics
/// If `y` is not a single number, or a direction does not have the shape of its target.
#[track_caller]
pub fn hvp<E: Element>(y: &Tensor<E>, targets: &[&Tensor<E>], directions: &[&Tensor<E>]) -> Vec<Tensor<E>> {
    assert!(y.size() == 1, "hvp: y has shape {}, not a single number", y.shape());
    let one = Tensor::constant(Array::full(y.shape(), E::ONE));
    let slope = along("hvp", y, &one, targets, directions);
    slope.map_or(Vec::new(), |slope| vjp(&slope, &Tensor::scalar(1.0), targets, Graph::Drop))
}

/// Σ ⟨g, v⟩ over the gradients g of ⟨y, dy⟩ by the targets and their directions v, with the graph kept; none without a
/// target. Each target needs a direction of its own shape: one that broadcasts would be another direction.
#[track_caller]
fn along<E: Element>(
    name: &str,
    y: &Tensor<E>,
    dy: &Tensor<E>,
    targets: &[&Tensor<E>],
    directions: &[&Tensor<E>],
) -> Option<Tensor<E>> {
    assert!(targets.len() == directions.len(), "{name}: {} targets, {} directions", targets.len(), directions.len());
    for (i, (x, v)) in targets.iter().zip(directions).enumerate() {
        assert!(x.shape() == v.shape(), "{name}: target {i} has shape {}, its direction {}", x.shape(), v.shape());
    }
    let gradients = vjp(y, dy, targets, Graph::Keep);
    gradients.iter().zip(directions).map(|(g, v)| (g * *v).sum()).reduce(|a, b| a + b)
}
