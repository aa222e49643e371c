//! The simple recurrent network: a state that is rewritten at every step.
//!
//! h_t = φ(x_t W_x + h_{t−1} W_h + b), with x_t (B, D), h_t (B, H), W_x (D, H), W_h (H, H), b (H) and φ = tanh or relu.
//! Elman (1990), *Finding Structure in Time*; as a language model, Mikolov et al. (2010); with relu and W_h begun near
//! the identity, Le, Jaitly & Hinton (2015).
//!
//! The step and its derivative are in `kernels/rnn_kernel.rs`; sequences, layers and directions in
//! [`recurrent`](crate::recurrent).

use crate::kernels::{rnn_kernel::RnnEquations, sequence_kernel::Sequence};
use crate::{Cell, Init, Order, Recurrent, RecurrentState, cell, parameters};
use rungs_tensor::{Element, Rng, Tensor};

pub use crate::kernels::rnn_kernel::Nonlinearity;

/// One layer's step: h_t = φ(x_t W_x + h_{t−1} W_h + b).
///
/// Parameters: D·H + H² + H.
#[derive(Debug, Clone)]
pub struct RnnCell<E: Element = f32> {
    /// W_x (D, H).
    pub w_x: Tensor<E>,
    /// W_h (H, H).
    pub w_h: Tensor<E>,
    /// b (H), at first 0.
    pub bias: Tensor<E>,
    /// φ.
    pub nonlinearity: Nonlinearity,
}

parameters!(RnnCell { w_x, w_h, bias, nonlinearity: _ });

/// Layers of [`RnnCell`].
pub type Rnn<E = f32> = Recurrent<RnnCell<E>>;

impl<E: Element> RnnCell<E> {
    /// A cell from `inputs` to `hidden` with φ = tanh, and W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, w_x: Init, w_h: Init, rng: &mut Rng) -> Self {
        Self {
            w_x: w_x.tensor([inputs, hidden], rng),
            w_h: w_h.tensor([hidden, hidden], rng),
            bias: Init::Zeros.tensor(hidden, rng),
            nonlinearity: Nonlinearity::Tanh,
        }
    }
}

impl<E: Element> Cell<E> for RnnCell<E> {
    type Kind = Nonlinearity;
    const STATES: usize = 1;

    fn of_kind(nonlinearity: Nonlinearity, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self { nonlinearity, ..Self::new(inputs, hidden, Init::XavierUniform, Init::Orthogonal, rng) }
    }

    fn parameters(inputs: u64, hidden: u64) -> u64 {
        inputs * hidden + hidden * hidden + hidden
    }

    fn w_x(&self) -> &Tensor<E> {
        &self.w_x
    }

    fn hidden(&self) -> usize {
        self.w_h.dims::<2>()[0]
    }

    fn driven(
        &self,
        drive: &Tensor<E>,
        state: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>) {
        let kernel = Sequence::new(RnnEquations(self.nonlinearity), order, lengths);
        cell::run(kernel, drive, [&self.w_h, &self.bias], state, order)
    }
}
