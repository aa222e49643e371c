//! The bridge from an encoder to a decoder of another width: the first state, computed from the last.

use rungs_layers::tensor::{Element, Rng, Tensor};
use rungs_layers::{Bias, Init, Linear, Mode, RecurrentState, parameters};

/// From the last states of an encoder's layer to the first state of the decoder's.
#[derive(Debug, Clone)]
pub struct Bridge<E: Element = f32> {
    /// For h.
    pub h: Linear<E>,
    /// For c, where there is one.
    pub c: Option<Linear<E>>,
}

parameters!(Bridge { h, c });

impl<E: Element> Bridge<E> {
    pub(crate) fn new(inputs: usize, hidden: usize, has_cell: bool, rng: &mut Rng) -> Self {
        let mut linear = || Linear::new(inputs, hidden, Bias::Yes, Init::XavierUniform, rng);
        Self { h: linear(), c: has_cell.then(linear) }
    }

    /// The last states of all directions (B, H) each → the decoder's first.
    pub(crate) fn cross(&self, last: &[RecurrentState<E>], mode: &mut Mode<'_>) -> RecurrentState<E> {
        let h: Vec<_> = last.iter().map(|state| state.h.clone()).collect();
        let c: Vec<_> = last.iter().filter_map(|state| state.c.clone()).collect();
        let mut across =
            |linear: &Linear<E>, parts: &[Tensor<E>]| linear.forward(&Tensor::concat(parts, -1), mode).tanh();
        RecurrentState { h: across(&self.h, &h), c: self.c.as_ref().map(|linear| across(linear, &c)) }
    }
}
