//! The simple recurrent network: a state that is rewritten at every step.
//!
//! h_t = φ(x_t W_x + h_{t−1} W_h + b), with x_t (B, D), h_t (B, H), W_x (D, H), W_h (H, H), b (H) and φ = tanh or relu.
//! Elman (1990), *Finding Structure in Time*; as a language model, Mikolov et al. (2010); with relu and W_h begun near
//! the identity, Le, Jaitly & Hinton (2015).
//!
//! The step and its derivative are in `kernels/rnn_kernel.rs`; sequences, layers and directions in
//! [`recurrent`](crate::recurrent).

use crate::{Recurrent, RecurrentCell};

pub use crate::kernels::rnn_kernel::Nonlinearity;

/// One layer's step: h_t = φ(x_t W_x + h_{t−1} W_h + b), with W_x (D, H), W_h (H, H) and b (H).
///
/// Parameters: D·H + H² + H.
pub type RnnCell<E = f32> = RecurrentCell<E, Nonlinearity>;

/// Layers of [`RnnCell`].
pub type Rnn<E = f32> = Recurrent<RnnCell<E>>;
