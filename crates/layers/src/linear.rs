//! A linear layer: every output is a weighted sum of the inputs.
//!
//! y = xW + b, with x (…, D_in), W (D_in, D_out), b (D_out) and y (…, D_out).
//!
//! The weight is stored the way the equation multiplies it, inputs first (PyTorch stores the transpose), so a row
//! vector goes in on the left and the product runs along memory.

use crate::{Init, parameters};
use rungs_tensor::{Array, Element, Rng, Tensor};

/// Whether a layer adds a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl Bias {
    /// A bias of zeros, if there is to be one.
    pub(crate) fn zeros<E: Element>(self, width: usize) -> Option<Tensor<E>> {
        (self == Bias::Yes).then(|| Tensor::variable(Array::zeros(width)))
    }
}

/// y = xW + b.
///
/// Parameters: D_in·D_out, and D_out for the bias.
#[derive(Debug, Clone)]
pub struct Linear<E: Element = f32> {
    /// W (D_in, D_out).
    pub weight: Tensor<E>,
    /// b (D_out), or none.
    pub bias: Option<Tensor<E>>,
}

parameters!(Linear { weight, bias });

impl<E: Element> Linear<E> {
    /// A layer from `inputs` to `outputs`, its weight drawn from `init`, its bias zero.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, bias: Bias, init: Init, rng: &mut Rng) -> Self {
        Self { weight: init.tensor([inputs, outputs], rng), bias: bias.zeros(outputs) }
    }

    /// (D_in, D_out).
    pub fn widths(&self) -> [usize; 2] {
        self.weight.dims()
    }

    /// x (…, D_in) → y (…, D_out), with one axis before the last or more.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>) -> Tensor<E> {
        let y = x.matmul(&self.weight); // (…, D_out)
        match &self.bias {
            Some(bias) => y + bias,
            None => y,
        }
    }
}
