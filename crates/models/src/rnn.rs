//! The first rung: a recurrent neural network that reads a text and predicts its next token.
//!
//! ```text
//! x_t = E[id_t]
//! h_t = tanh(x_t W_x + h_{t−1} W_h + b)       and so on, layer upon layer
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h (B, T, H), z (B, T, V). The cell is [`rungs_layers::rnn`], and what makes a language
//! model of a cell, the lines above and below it, is [`recurrent`](crate::recurrent).
//!
//! All that is known of the past is h_t, one vector of fixed size, rewritten by the same matrix at every step. A
//! gradient that travels back k steps is multiplied by that matrix k times, and by tanh′ ≤ 1: it fades (or explodes),
//! so what lies far back is hardly learnt (Bengio, Simard & Frasconi 1994). That is why there is a second rung.

use crate::RecurrentLanguageModel;
use rungs_layers::Nonlinearity;

/// A language model that carries one vector per layer, rewritten at every step.
pub type RnnLanguageModel<E = f32> = RecurrentLanguageModel<E, Nonlinearity>;
