//! The second rung: a recurrent language model whose memory is protected by gates.
//!
//! ```text
//! x_t = E[id_t]
//! h_t, c_t = LSTM(x_t, h_{t−1}, c_{t−1})      and so on, layer upon layer
//! z_t = h_t W_hy + b_y                        p(id_{t+1} | id_1 … id_t) = softmax(z_t)
//! ```
//! with ids (B, T), x (B, T, D), h and c (B, T, H), z (B, T, V). Hochreiter & Schmidhuber (1997), *Long Short-Term
//! Memory*; as a language model Sundermeyer, Schlüter & Ney (2012).
//!
//! The only difference from the [first rung](crate::rnn) is the cell ([`rungs_layers::lstm`]): c_t is not rewritten by
//! a matrix, but kept by as much as a gate says, so gradients reach further back. The past is still squeezed into
//! vectors of fixed size, read strictly in order. That is why there are further rungs.

use crate::RecurrentLanguageModel;
use rungs_layers::LstmEquations;

/// A language model that carries two vectors per layer, one of them behind gates.
pub type LstmLanguageModel<E = f32> = RecurrentLanguageModel<E, LstmEquations>;
