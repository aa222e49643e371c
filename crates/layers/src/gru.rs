//! The gated recurrent unit: an LSTM's protection with one vector fewer.
//!
//! ```text
//! r_t = σ(x_t W_xr + h_{t−1} W_hr + b_r)                         what of the past to show to the new
//! z_t = σ(x_t W_xz + h_{t−1} W_hz + b_z)                         what of the past to keep
//! n_t = tanh(x_t W_xn + b_n + r_t ⊙ (h_{t−1} W_hn + b_hn))       the new
//! h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}
//! ```
//! with x_t (B, D), h_t (B, H), W_x = (W_xr, W_xz, W_xn) (D, 3H), W_h likewise (H, 3H), b = (b_r, b_z, b_n, b_hn) (4H).
//! Cho et al. (2014), *Learning Phrase Representations using RNN Encoder–Decoder*.
//!
//! There are two conventions for the reset gate r. Above it acts after the product: so do cuDNN, PyTorch, and Keras by
//! default. In the paper it acts before, n_t = tanh(x_t W_xn + b_n + (r_t ⊙ h_{t−1}) W_hn + b_hn), which is Keras's
//! `reset_after=False` and needs a second product within the step. [`Reset`] chooses. The update gate z has two
//! conventions as well, and the one above, in which z keeps, is everyone's today; Chung et al. (2014) write 1 − z for
//! it.
//!
//! The step and its derivative are in `kernels/gru_kernel.rs`, those of the paper's form in
//! `kernels/gru_before_product_kernel.rs`; sequences, layers and directions in [`recurrent`](crate::recurrent).

use crate::kernels::gru_before_product_kernel::ResetBeforeProduct;
use crate::kernels::{gru_kernel::GruEquations, sequence_kernel::Sequence};
use crate::{Cell, Init, Order, Recurrent, RecurrentState, cell, parameters};
use rungs_tensor::{Element, Rng, Tensor};

/// Where the reset gate acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// On the product h W_hn: one product per step.
    #[default]
    AfterProduct,
    /// On h, before it is multiplied: the paper's form, with two products per step, one after the other.
    BeforeProduct,
}

/// One layer's step.
///
/// Parameters: 3(D·H + H²) + 4H.
#[derive(Debug, Clone)]
pub struct GruCell<E: Element = f32> {
    /// W_x (D, 3H).
    pub w_x: Tensor<E>,
    /// W_h (H, 3H).
    pub w_h: Tensor<E>,
    /// b (4H), at first 0.
    pub bias: Tensor<E>,
    /// Where r acts.
    pub reset: Reset,
}

parameters!(GruCell { w_x, w_h, bias, reset: _ });

/// Layers of [`GruCell`].
pub type Gru<E = f32> = Recurrent<GruCell<E>>;

impl<E: Element> GruCell<E> {
    /// A cell from `inputs` to `hidden`, with each gate's part of W_x and W_h drawn from the two distributions.
    #[track_caller]
    pub fn new(reset: Reset, inputs: usize, hidden: usize, w_x: Init, w_h: Init, rng: &mut Rng) -> Self {
        Self {
            w_x: w_x.side_by_side([inputs, hidden], 3, rng),
            w_h: w_h.side_by_side([hidden, hidden], 3, rng),
            bias: Init::Zeros.tensor(4 * hidden, rng),
            reset,
        }
    }
}

impl<E: Element> Cell<E> for GruCell<E> {
    type Kind = Reset;
    const STATES: usize = 1;

    fn of_kind(reset: Reset, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::new(reset, inputs, hidden, Init::XavierUniform, Init::Orthogonal, rng)
    }

    fn parameters(inputs: u64, hidden: u64) -> u64 {
        3 * (inputs * hidden + hidden * hidden) + 4 * hidden
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
        let weights = [&self.w_h, &self.bias];
        match self.reset {
            Reset::AfterProduct => cell::run(Sequence::new(GruEquations, order, lengths), drive, weights, state, order),
            Reset::BeforeProduct => cell::run(ResetBeforeProduct::new(order, lengths), drive, weights, state, order),
        }
    }
}
