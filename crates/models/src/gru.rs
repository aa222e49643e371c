//! Between the rungs: the LSTM's younger sibling, with one vector and two gates.
//!
//! ```text
//! x_t = E[id_t]
//! h_t = GRU(x_t, h_{t−1})                     and so on, layer upon layer
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h (B, T, H), z (B, T, V). The cell is [`rungs_layers::gru`]: Cho et al. (2014),
//! *Learning Phrase Representations using RNN Encoder–Decoder*. Chung et al. (2014) found it level with the LSTM at
//! three quarters of its parameters.

use crate::RecurrentLanguageModel;
use rungs_layers::Reset;

/// A language model that carries one vector per layer, kept or renewed by a gate.
pub type GruLanguageModel<E = f32> = RecurrentLanguageModel<E, Reset>;
