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
//! The step and its derivative are in `kernels/gru_kernel.rs`; the paper's form has no kernel and runs step by step.
//! Sequences, layers and directions are in [`recurrent`](crate::recurrent).

use crate::{Recurrent, RecurrentCell};

pub use crate::kernels::gru_kernel::Reset;

/// One layer's step, with W_x (D, 3H), W_h (H, 3H) and b (4H), at first 0.
///
/// Parameters: 3(D·H + H²) + 4H.
pub type GruCell<E = f32> = RecurrentCell<E, Reset>;

/// Layers of [`GruCell`].
pub type Gru<E = f32> = Recurrent<GruCell<E>>;
