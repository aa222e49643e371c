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

use crate::{Recurrent, RecurrentCell};

pub use crate::kernels::lstm_kernel::LstmEquations;

/// One layer's step, with W_x (D, 4H), W_h (H, 4H) and b (4H), at first 1 for f and 0 for i, g and o.
///
/// Parameters: 4(D·H + H² + H).
pub type LstmCell<E = f32> = RecurrentCell<E, LstmEquations>;

/// Layers of [`LstmCell`].
pub type Lstm<E = f32> = Recurrent<LstmCell<E>>;
