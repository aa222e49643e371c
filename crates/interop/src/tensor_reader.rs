//! Tensors taken from a file by name.

use rungs_layers::{LoadError, Misshapen};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Element, Tensor};
use std::collections::BTreeSet;

/// Takes tensors out of a file by name, and keeps account of those that do not fit.
pub(crate) struct Reader<'a, E: Element> {
    tensors: &'a Named<E>,
    error: LoadError,
    /// Tensors that belong to the layer by their names and have not been taken.
    left: BTreeSet<&'a str>,
}

impl<'a, E: Element> Reader<'a, E> {
    /// `belongs` tells which tensors are the layer's and must all be taken; a file may hold others beside them.
    pub(crate) fn new(tensors: &'a Named<E>, belongs: impl Fn(&str) -> bool) -> Self {
        let left = tensors.keys().map(String::as_str).filter(|name| belongs(name)).collect();
        Self { tensors, error: LoadError::default(), left }
    }

    /// The tensors of these names, which are to have the shapes of `like`. One that does not fit is noted, and `like`
    /// stands in for it: [`finish`](Reader::finish) will refuse the whole.
    pub(crate) fn take<const N: usize>(&mut self, names: [String; N], mut like: [Tensor<E>; N]) -> [Tensor<E>; N] {
        for (name, tensor) in names.into_iter().zip(&mut like) {
            self.left.remove(name.as_str());
            match self.tensors.get(&name) {
                None => self.error.missing.push(name),
                Some(array) if array.shape() != tensor.shape() => {
                    self.error.misshapen.push(Misshapen { name, expected: tensor.shape(), found: array.shape() });
                }
                Some(array) => *tensor = Tensor::constant(array.clone()),
            }
        }
        like
    }

    pub(crate) fn finish(mut self) -> Result<(), LoadError> {
        self.error.unexpected = self.left.into_iter().map(str::to_owned).collect();
        self.error.into_result()
    }
}
