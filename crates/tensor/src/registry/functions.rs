//! The checks of elementwise functions.

use super::entry::{Entry, Kind};
use super::operands::{Draw, Outcome, SHAPES, any, check_op, each, near_halves, nonzero, positive};
use crate::{Rng, Tensor};

/// A function in every shape and layout.
fn elementwise(name: &str, draw: Draw, f: &dyn Fn(&Tensor<f64>) -> Tensor<f64>, rng: &mut Rng) -> Outcome {
    each(SHAPES, &mut |shape| check_op(name, &[(shape, draw)], &|x| f(&x[0]), rng))
}

pub(super) fn entries() -> Vec<Entry> {
    let function = |covers, run| Entry { covers, kind: Kind::Function, run };
    vec![
        function("Exp", |rng| elementwise("exp", any, &Tensor::exp, rng)),
        function("Ln", |rng| elementwise("ln", positive, &Tensor::ln, rng)),
        function("Sqrt", |rng| elementwise("sqrt", positive, &Tensor::sqrt, rng)),
        function("Tanh", |rng| elementwise("tanh", any, &Tensor::tanh, rng)),
        function("Sigmoid", |rng| elementwise("sigmoid", any, &Tensor::sigmoid, rng)),
        function("Relu", |rng| elementwise("relu", nonzero, &Tensor::relu, rng)),
        function("Abs", |rng| elementwise("abs", nonzero, &Tensor::abs, rng)),
        function("Erf", |rng| elementwise("erf", any, &Tensor::erf, rng)),
        function("Gelu", |rng| elementwise("gelu", any, &Tensor::gelu, rng)),
        function("GeluTanh", |rng| elementwise("gelu_tanh", any, &Tensor::gelu_tanh, rng)),
        function("Silu", |rng| elementwise("silu", any, &Tensor::silu, rng)),
        function("Powf", |rng| {
            each([-1.5, 0.0, 0.5, 1.0, 2.0, 3.25], &mut |p| elementwise("powf", positive, &|x| x.powf(p), rng))
        }),
        function("Powi", |rng| each(-2..=4, &mut |n| elementwise("powi", nonzero, &|x| x.powi(n), rng))),
        function("Clamp", |rng| {
            // Both ends lie where `near_halves` draws nothing, with elements below, inside and above.
            each([(-0.75, 1.25), (0.25, f64::INFINITY)], &mut |(low, high)| {
                elementwise("clamp", near_halves, &|x| x.clamp(low, high), rng)
            })
        }),
    ]
}
