//! Weights in the formats of other libraries, in both directions.
//!
//! | read | for |
//! |---|---|
//! | [`pytorch`] | recurrent layers of PyTorch |
//! | [`pytorch::transformer`] | attention and Transformer layers of PyTorch |
//! | [`keras`] | recurrent layers of Keras |
//! | [`huggingface`] | GPT-2 and Llama of Hugging Face: the configuration, and the weights of a folder |
//!
//! This crate contains names, layouts and conversions. It contains no model and no layer, and knows no run folder:
//! tensors come and go by name, as [`safetensors`](rungs_tensor::safetensors) reads and writes them.
//!
//! # Recurrent layers
//!
//! Rungs, PyTorch and Keras compute the same functions and keep their parameters differently. What differs for a
//! recurrent layer from D to H numbers with G gates:
//!
//! | | Rungs | PyTorch | Keras 3 |
//! |---|---|---|---|
//! | W_x | `w_x` (D, G·H) | `weight_ih` (G·H, D) | `kernel` (D, G·H) |
//! | W_h | `w_h` (H, G·H) | `weight_hh` (G·H, H) | `recurrent_kernel` (H, G·H) |
//! | b, RNN and LSTM | `bias` (G·H) | `bias_ih` + `bias_hh` (G·H) each | `bias` (G·H) |
//! | b, GRU, r after the product | `bias` (4H): b_r, b_z, b_n, b_hn | `bias_ih`, `bias_hh` (3H) each | `bias` (2, 3H) |
//! | b, GRU, r before the product | `bias` (4H): b_n + b_hn is what counts | – | `bias` (3H) |
//! | gates of an LSTM | i, f, g, o | i, f, g, o | i, f, c, o with c = g |
//! | gates of a GRU | r, z, n | r, z, n | z, r, h with h = n |
//!
//! Whatever parameter goes out comes back bit for bit, with one exception: a GRU with the reset gate before the product
//! ([`Reset::BeforeProduct`](rungs_layers::Reset)) adds b_n and b_hn at the same place, so Keras's file holds their
//! sum, and it comes back as b_n with b_hn = 0. Where another library adds two biases and ours has one, it receives
//! ours and zeros; ours receives the sum.
//!
//! Arrays go by name ([`Named`](rungs_tensor::safetensors::Named)); [`safetensors`](rungs_tensor::safetensors) makes
//! them from the bytes of a file, and converts numbers of other widths. Loading checks every name and shape before it
//! changes anything, keeps frozen parameters frozen, and says in one line, in the other library's names, all that does
//! not fit.
//!
//! Files hold parameters, not settings: the layer that loads them has to be of the right
//! [`Nonlinearity`](rungs_layers::Nonlinearity) and [`Reset`](rungs_layers::Reset), and its gates are σ and tanh, which
//! are the defaults of both libraries. All biases must be in the file: a layer that was made without any needs zeros
//! for them.

mod exchange_error;
#[cfg(test)]
#[path = "../../../tests/fixtures/golden_numbers.rs"]
mod golden_numbers;
pub mod huggingface;
pub mod keras;
pub mod pytorch;
mod recurrent_cells;

pub use exchange_error::ExchangeError;
