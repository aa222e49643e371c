//! Fixtures of this crate's tests: the smallest models there are, and files in memory.

use crate::checkpoint::{Contents, TrainingState, in_memory};
use rungs_layers::parameters;
use rungs_layers::tensor::{Array, Element, Tensor};

/// Two vectors.
#[derive(Clone)]
pub(crate) struct Pair<E: Element> {
    pub(crate) a: Tensor<E>,
    pub(crate) b: Tensor<E>,
}
parameters!(Pair { a, b });

impl<E: Element> Pair<E> {
    pub(crate) fn new(a: &[f64], b: &[f64]) -> Self {
        let vector = |x: &[f64]| Tensor::variable(Array::from_fn(x.len(), |i| E::from_f64(x[i])));
        Self { a: vector(a), b: vector(b) }
    }

    /// ‖a‖² + ‖b‖², whose gradient is twice the parameters.
    pub(crate) fn loss(&self) -> Tensor<E> {
        self.a.square().sum() + self.b.square().sum()
    }
}

/// Files as a folder saves them.
pub(crate) fn contents(files: &[(String, Vec<u8>)]) -> Vec<(String, Contents<'_>)> {
    files.iter().map(|(name, bytes)| (name.clone(), in_memory(bytes))).collect()
}

/// The contents of a state's file.
pub(crate) fn bytes<E: Element>(state: &TrainingState<E>) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.write_to(&mut bytes).unwrap();
    bytes
}
