//! Laws that hold whatever the numbers, the corners where a definition stands in for a derivative, and what is refused.
//!
//! None of these needs a reference implementation, and each fails for another class of mistakes.

mod corners;
mod derivatives;
mod leaves;
mod refusals;
mod special_values;

use crate::{Array, CrossEntropy, Element, Ids, Mask, Rng, Shape, Tensor};

fn variable<E: Element>(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor<E> {
    Tensor::variable(Array::normal(shape, 0.0, 1.0, rng))
}

fn constant<E: Element>(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor<E> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

/// A variable with these elements along one axis.
fn row(elements: &[f64]) -> Tensor<f64> {
    Tensor::variable(Array::from_vec(elements.to_vec(), elements.len()))
}

/// A function of two tensors of shapes (3, 4) and (4, 5).
type Law = (&'static str, fn(&Tensor<f64>, &Tensor<f64>) -> Tensor<f64>);

/// Functions that between them use every family of operations.
const FUNCTIONS: [Law; 10] = [
    ("perceptron", |x, w| x.matmul(w).tanh()),
    ("arithmetic", |x, w| (x * 2.0 - x.exp()) / (w.square().sum() + 1.0)),
    ("broadcast", |x, w| x.unsqueeze(-1) * w),
    ("softmax", |x, w| x.matmul(w).softmax()),
    ("log_softmax", |x, w| x.matmul(w).log_softmax().gelu()),
    ("layer_norm", |x, w| x.layer_norm(&w.t().slice(0, 1..2).squeeze(0), None, 0.1)),
    ("cross_entropy", |x, w| {
        let settings = CrossEntropy { ignore: Some(1), smoothing: 0.1, ..CrossEntropy::default() };
        x.matmul(w).cross_entropy(&Ids::new(vec![4, 1, 0], 3), settings)
    }),
    ("views", |x, w| Tensor::concat(&[x.t().slice(-1, 1..3), w.pad(0, 1, 1, 0.5).slice(0, 1..5)], 1).sigmoid()),
    ("indices", |x, w| {
        let rows = w.embedding(&Ids::new(vec![3, 0, 3], 3)).slice(1, 0..4);
        x.gather(1, &Ids::new(vec![2, 0, 3], [3, 1]))
            * rows.scatter_add(0, &Ids::new(vec![1, 1], [1, 2]), &x.slice(0, 0..1).slice(1, 0..2))
    }),
    ("attention", |x, w| {
        let scores = x.matmul(&w.slice(1, 0..3)).masked_fill(&Mask::causal(3, 3).not(), f64::NEG_INFINITY);
        scores.softmax().matmul(x).logsumexp_over([-1])
    }),
];

/// The operands of [`FUNCTIONS`].
fn operands(rng: &mut Rng) -> [Tensor<f64>; 2] {
    [variable([3, 4], rng), variable([4, 5], rng)]
}
