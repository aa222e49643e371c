//! How the layers of the list are checked: in training, by all inputs and parameters.

use crate::{Bias, Dropout, Init, Linear, Mode, Module};
use rungs_tensor::check::{Outcome, check_gradients};
use rungs_tensor::{Array, Rng, Tensor};

/// A layer whose parameters the check draws anew.
pub(super) fn linear([inputs, outputs]: [usize; 2], rng: &mut Rng) -> Linear<f64> {
    Linear::new(inputs, outputs, Bias::Yes, Init::Zeros, rng)
}

/// A dropout that does drop: layers are checked as they are trained.
pub(super) fn some_dropout() -> Dropout {
    Dropout::new(0.3)
}

/// Runs `forward` in training with the same generator every time, so that every evaluation has the same masks.
pub(super) fn training<R>(forward: impl FnOnce(&mut Mode<'_>) -> R) -> R {
    forward(&mut Mode::Train(&mut Rng::new(1)))
}

/// Checks `forward` with respect to inputs of these shapes and every parameter of `module`.
pub(super) fn check<M: Module<f64> + Clone>(
    name: &str,
    module: &M,
    inputs: &[&[usize]],
    forward: impl Fn(&M, &[Tensor<f64>]) -> Tensor<f64>,
    rng: &mut Rng,
) -> Outcome {
    let mut operands: Vec<Array<f64>> = inputs.iter().map(|&shape| Array::normal(shape, 0.0, 1.0, rng)).collect();
    module.for_each(&mut |_, parameter| operands.push(Array::normal(parameter.shape(), 0.0, 0.5, rng)));
    let forward = |operands: &[Tensor<f64>]| {
        let (inputs, parameters) = operands.split_at(inputs.len());
        forward(&module.with_parameters(parameters.iter().cloned()), inputs)
    };
    check_gradients(name, forward, &operands, rng)
}

/// Several results as one, so that all of them are checked.
pub(super) fn joined(results: &[Tensor<f64>]) -> Tensor<f64> {
    let flat: Vec<Tensor<f64>> = results.iter().map(|x| x.reshape(x.size())).collect();
    Tensor::concat(&flat, 0)
}
