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
//! conventions as well, and the one above, in which z keeps, is everyone's today; Chung et al. (2014) write 1 − z for it.
//!
//! The step and its derivative are in `gru/kernel.rs`; sequences, layers and directions in [`recurrent`].

use crate::recurrent::kernel::Sequence;
use crate::recurrent::{self, Cell, Order, Recurrent, RecurrentState};
use crate::{Init, parameters};
use kernel::GruEquations;
use rungs_tensor::{Element, Mask, Rng, Tensor};

pub(crate) mod kernel;

/// Where the reset gate acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// On the product h W_hn: one product per step.
    #[default]
    AfterProduct,
    /// On h, before it is multiplied: the paper's form. It is computed operation by operation, not by a kernel.
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

    /// A step in the paper's form: x_t W_x (B, 3H) and h_{t−1} (B, H) → h_t.
    fn step_as_in_the_paper(&self, drive: &Tensor<E>, h: &Tensor<E>) -> Tensor<E> {
        let [x_r, x_z, x_n] = drive.chunks(-1); // (B, H) each
        let [w_r, w_z, w_n] = self.w_h.chunks(-1);
        let [b_r, b_z, b_n, b_hn] = self.bias.chunks(0);
        let r = (x_r + h.matmul(&w_r) + b_r).sigmoid();
        let z = (x_z + h.matmul(&w_z) + b_z).sigmoid();
        let n = (x_n + b_n + (r * h).matmul(&w_n) + b_hn).tanh();
        &n + z * (h - &n)
    }

    fn sequence_as_in_the_paper(
        &self,
        drive: &Tensor<E>,
        state: &RecurrentState<E>,
        order: Order,
        lengths: Option<&[usize]>,
    ) -> (Tensor<E>, RecurrentState<E>) {
        let [b, t, gates] = drive.dims();
        assert!(t > 0, "gru: a sequence of no steps");
        let mut h = state.h.clone();
        let mut states = vec![h.clone(); t];
        for step in 0..t {
            let at = if order == Order::Forward { step } else { t - 1 - step };
            let new = self.step_as_in_the_paper(&drive.slice(1, at..at + 1).reshape([b, gates]), &h);
            h = match lengths {
                Some(lengths) => Tensor::choose(&Mask::from_fn([b, 1], |row| at < lengths[row]), &new, &h),
                None => new,
            };
            states[at] = h.clone();
        }
        (Tensor::stack(&states, 1), RecurrentState { h, c: None }) // (B, T, H)
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
        match self.reset {
            Reset::AfterProduct => {
                let kernel = Sequence::new(GruEquations, order, lengths);
                recurrent::run(kernel, drive, [&self.w_h, &self.bias], state, order)
            }
            Reset::BeforeProduct => self.sequence_as_in_the_paper(drive, state, order, lengths),
        }
    }
}
