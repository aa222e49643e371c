//! Long short-term memory: a state that is kept unless a gate says otherwise.
//!
//! ```text
//! (i, f, g, o) = x_t W_x + h_{t−1} W_h + b
//! c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
//! h_t = σ(o) ⊙ tanh(c_t)
//! ```
//! with x_t (B, D), h_t and c_t (B, H), W_x (D, 4H), W_h (H, 4H), b (4H).
//! Hochreiter & Schmidhuber (1997), *Long Short-Term Memory*; the forget gate f is of Gers, Schmidhuber & Cummins
//! (2000), *Learning to Forget*.
//!
//! Where the simple network multiplies its state by a matrix at every step, c is multiplied by a gate: as long as
//! σ(f) stays near 1 the gradient travels back undiminished. So that it begins near 1, the bias of f begins at 1
//! (Gers et al. 2000; Jozefowicz, Zaremba & Sutskever 2015).
//!
//! The gates lie side by side in the order i, f, g, o, which is PyTorch's; PyTorch adds two biases where one suffices.
//! The step and its derivative are in `kernels/lstm_kernel.rs`; sequences, layers and directions in
//! [`recurrent`](crate::recurrent).

use crate::kernels::{lstm_kernel::LstmEquations, sequence_kernel::Sequence};
use crate::{Cell, Init, Order, Recurrent, RecurrentState, cell, parameters};
use rungs_tensor::{Array, Element, Rng, Tensor};

/// One layer's step.
///
/// Parameters: 4(D·H + H² + H).
#[derive(Debug, Clone)]
pub struct LstmCell<E: Element = f32> {
    /// W_x (D, 4H).
    pub w_x: Tensor<E>,
    /// W_h (H, 4H).
    pub w_h: Tensor<E>,
    /// b (4H), at first 1 for f and 0 for i, g and o.
    pub bias: Tensor<E>,
}

parameters!(LstmCell { w_x, w_h, bias });

/// Layers of [`LstmCell`].
pub type Lstm<E = f32> = Recurrent<LstmCell<E>>;

impl<E: Element> LstmCell<E> {
    /// A cell from `inputs` to `hidden`, with each gate's part of W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize, w_x: Init, w_h: Init, rng: &mut Rng) -> Self {
        let forget = hidden..2 * hidden;
        let bias = |unit| if forget.contains(&unit) { E::ONE } else { E::ZERO };
        Self {
            w_x: w_x.side_by_side([inputs, hidden], 4, rng),
            w_h: w_h.side_by_side([hidden, hidden], 4, rng),
            bias: Tensor::variable(Array::from_fn(4 * hidden, bias)),
        }
    }
}

impl<E: Element> Cell<E> for LstmCell<E> {
    type Kind = ();
    const STATES: usize = 2;

    fn of_kind(_: (), inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::new(inputs, hidden, Init::XavierUniform, Init::Orthogonal, rng)
    }

    fn parameters(inputs: u64, hidden: u64) -> u64 {
        4 * (inputs * hidden + hidden * hidden + hidden)
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
        let kernel = Sequence::new(LstmEquations, order, lengths);
        cell::run(kernel, drive, [&self.w_h, &self.bias], state, order)
    }
}
