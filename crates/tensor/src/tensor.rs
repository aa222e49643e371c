//! A [`Tensor`] is an array and where it came from.
//!
//! Tensors are immutable values: cloning one copies a pointer, and any thread may read it. The operations that made a
//! tensor hang behind it as a graph; [`backward`](Tensor::backward) walks that graph. Nothing is recorded for results
//! that no [variable](Tensor::variable) went into, so inference builds no graph and needs no switch to say so.

use crate::op::Op;
use crate::{Array, Element, Shape};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a tensor for as long as the process runs. No value depends on it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u64);

impl NodeId {
    fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An n-dimensional array that remembers how it was computed.
///
/// ```
/// use rungs_tensor::{Array, Tensor};
///
/// let x = Tensor::variable(Array::from_vec(vec![1.0, 2.0, 3.0], 3));
/// let loss = (&x * &x).sum();
/// let gradients = loss.backward();
/// assert_eq!(gradients.wrt(&x).unwrap().to_vec(), [2.0, 4.0, 6.0]);
/// ```
pub struct Tensor<E: Element = f32>(Arc<Node<E>>);

struct Node<E: Element> {
    id: NodeId,
    /// 1 + the largest height of the operands; 0 for leaves. Operands always stand lower than their result.
    height: u32,
    array: Array<E>,
    origin: Origin<E>,
}

enum Origin<E: Element> {
    /// Data: no gradient flows here.
    Constant,
    /// A leaf to differentiate by.
    Variable,
    /// The result of an operation that some variable went into.
    Computed { op: Box<dyn Op<E>>, operands: Box<[Tensor<E>]> },
}

impl<E: Element> Clone for Tensor<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E: Element> Tensor<E> {
    fn new(array: Array<E>, height: u32, origin: Origin<E>) -> Self {
        Self(Arc::new(Node { id: NodeId::fresh(), height, array, origin }))
    }

    /// Data, which no gradient flows into.
    pub fn constant(array: Array<E>) -> Self {
        Self::new(array, 0, Origin::Constant)
    }

    /// A leaf to differentiate by: a parameter, or an input whose gradient is wanted.
    pub fn variable(array: Array<E>) -> Self {
        Self::new(array, 0, Origin::Variable)
    }

    /// A constant single number.
    pub fn scalar(value: f64) -> Tensor<E> {
        Tensor::constant(Array::scalar(E::from_f64(value)))
    }

    /// The result of an operation; the graph ends here if no operand is tracked.
    pub(crate) fn computed(array: Array<E>, operands: &[&Tensor<E>], op: impl FnOnce() -> Box<dyn Op<E>>) -> Self {
        if !operands.iter().any(|x| x.is_tracked()) {
            return Self::constant(array);
        }
        let height = operands.iter().map(|x| x.0.height).max().unwrap_or(0);
        let height = height.checked_add(1).expect("a graph of more than 2³² levels");
        let operands = operands.iter().map(|&x| x.clone()).collect();
        Self::new(array, height, Origin::Computed { op: op(), operands })
    }

    /// The values.
    pub fn array(&self) -> &Array<E> {
        &self.0.array
    }

    /// The size along each axis.
    pub fn shape(&self) -> Shape {
        self.array().shape()
    }

    /// The sizes as an array, `let [b, t, d] = x.dims();`.
    ///
    /// # Panics
    /// If there are not exactly `N` axes.
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        self.shape().dims()
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.shape().size()
    }

    /// The elements in row-major order.
    pub fn to_vec(&self) -> Vec<E> {
        self.array().to_vec()
    }

    /// The only element.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> E {
        self.array().item()
    }

    /// Whether the shapes are equal and the elements close: |a − b| ≤ `atol` + `rtol` · |b| for each pair. NaN is close
    /// to nothing.
    #[doc(alias = "assert_close")]
    pub fn allclose(&self, other: &Tensor<E>, rtol: f64, atol: f64) -> bool {
        let close = |(a, b): (E, E)| {
            let (a, b) = (a.to_f64(), b.to_f64());
            a == b || ((a - b).is_finite() && (a - b).abs() <= atol + rtol * b.abs())
        };
        self.shape() == other.shape() && self.to_vec().into_iter().zip(other.to_vec()).all(close)
    }

    /// Identifies this tensor among all of the process.
    pub fn id(&self) -> NodeId {
        self.0.id
    }

    /// Whether a gradient can flow here: a variable, or a result that some variable went into.
    pub fn is_tracked(&self) -> bool {
        !matches!(self.0.origin, Origin::Constant)
    }

    /// Whether this is a leaf to differentiate by.
    pub fn is_variable(&self) -> bool {
        matches!(self.0.origin, Origin::Variable)
    }

    /// The same values as data, cut off from the graph. Nothing is copied.
    pub fn detached(&self) -> Self {
        if self.is_tracked() { Self::constant(self.array().clone()) } else { self.clone() }
    }

    /// The same values as a new leaf, cut off from the graph. Nothing is copied.
    pub fn as_variable(&self) -> Self {
        Self::variable(self.array().clone())
    }

    /// Changes a leaf's elements, row-major, in place. Where another handle shares the values, they are copied first
    /// and that handle keeps the old ones. The tensor takes a fresh id: graphs built before do not know it.
    ///
    /// # Panics
    /// If the tensor was computed; only leaves can be changed.
    #[track_caller]
    pub fn update(&mut self, change: impl FnOnce(&mut [E])) {
        assert!(self.origin().is_none(), "update: this tensor was computed; only a leaf can be changed");
        if Arc::get_mut(&mut self.0).is_none() {
            let origin = if self.is_tracked() { Origin::Variable } else { Origin::Constant };
            *self = Self::new(self.array().clone(), 0, origin);
        }
        let node = Arc::get_mut(&mut self.0).expect("a node just made has one handle");
        node.id = NodeId::fresh();
        change(node.array.make_mut());
    }

    /// The values for adding to, if nothing else can see them.
    pub(crate) fn own_array(&mut self) -> Option<&mut Array<E>> {
        let node = Arc::get_mut(&mut self.0)?;
        matches!(node.origin, Origin::Constant).then_some(&mut node.array)
    }

    pub(crate) fn height(&self) -> u32 {
        self.0.height
    }

    /// The operation that computed this tensor and what it was computed from; none for leaves.
    pub(crate) fn origin(&self) -> Option<(&dyn Op<E>, &[Tensor<E>])> {
        match &self.0.origin {
            Origin::Computed { op, operands } => Some((op.as_ref(), operands)),
            _ => None,
        }
    }
}

impl<E: Element> Drop for Node<E> {
    /// Frees the graph behind a node in a loop: a chain of a million nodes must not need a million stack frames.
    fn drop(&mut self) {
        let mut stack = match std::mem::replace(&mut self.origin, Origin::Constant) {
            Origin::Computed { operands, .. } => operands.into_vec(),
            _ => return,
        };
        while let Some(tensor) = stack.pop() {
            // Whoever drops the last handle gets the node, and with it its operands.
            if let Some(mut node) = Arc::into_inner(tensor.0)
                && let Origin::Computed { operands, .. } = std::mem::replace(&mut node.origin, Origin::Constant)
            {
                stack.extend(operands);
            }
        }
    }
}

impl<E: Element> From<Array<E>> for Tensor<E> {
    fn from(array: Array<E>) -> Self {
        Self::constant(array)
    }
}

impl<E: Element> PartialEq for Tensor<E> {
    /// Equal shapes and equal elements; where they came from does not matter.
    fn eq(&self, other: &Self) -> bool {
        self.array() == other.array()
    }
}

impl<E: Element> fmt::Debug for Tensor<E> {
    /// The values and the operation they came from, but not the graph behind it, which may be endless.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.0.origin {
            Origin::Constant => "constant",
            Origin::Variable => "variable",
            Origin::Computed { op, .. } => op.name(),
        };
        write!(f, "{origin} {:?}", self.0.array)
    }
}

// A tensor's interior never changes under a shared reference, so a panic elsewhere cannot leave it half changed.
impl<E: Element> std::panic::UnwindSafe for Tensor<E> {}
impl<E: Element> std::panic::RefUnwindSafe for Tensor<E> {}
