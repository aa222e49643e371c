//! The layers of text generation, each beside its equation: from [`Linear`] to the Transformer [`Block`].
//!
//! A layer is a plain struct of tensors, a constructor, and a `forward` that reads as the equation its file opens
//! with. There is no hidden state: randomness and the choice between training and evaluation are one argument
//! ([`Mode`]), recurrent states and key/value caches go in and come out by name, and what is trained is whatever
//! [`Module::visit`] shows (one line per layer, [`parameters!`]).
//!
//! What is here is what models are made of, and no model: those are in `rungs-models`, and what trains them is in
//! `rungs-trainer`. Operations and their gradients are below, in [`tensor`]. In the order in which they are best read:
//!
//! | read | for |
//! |---|---|
//! | [`module`], [`load_error`] | names of parameters, counting, loading, freezing |
//! | [`init`], [`mode`] | first values; training or evaluation |
//! | [`linear`], [`embedding`], [`dropout`] | the small parts |
//! | [`cell`], [`rnn`], [`lstm`], [`gru`] | one step with memory of the steps before |
//! | [`recurrent`] | cells along a sequence, in layers, in one direction or in both |
//! | [`attention`] | a source looked back at: Bahdanau's and Luong's scores |
//! | [`norm`], [`positional_encoding`], [`feed_forward`] | the parts of a Transformer beside attention |
//! | [`self_attention`], [`key_value_cache`], [`cross_attention`] | attention in heads |
//! | [`transformer_block`], [`transformer_encoder`], [`transformer_decoder`] | blocks of them, and stacks of blocks |
//! | [`gradient_checkpointing`] | training in less memory |
//! | [`low_rank`], [`lora`] | fine-tuning with few parameters |
//! | `kernels`, private | recurrent sequences as single operations, for speed |
//! | `registry`, with the feature `check` | the gradient check of every layer, which `rungs check` runs |
//!
//! # Shape letters
//! Used by every file of this crate and of those above it:
//!
//! | letter | size of |
//! |---|---|
//! | B | batch |
//! | T | time: positions of the sequence being computed |
//! | S | source time: positions that are looked at (encoder states, cached keys and the new ones) |
//! | D | model width |
//! | H | hidden: a recurrent layer's state, a feed-forward layer's inside |
//! | N | heads |
//! | M | heads of keys and values, where they are fewer |
//! | K | head width, D / N |
//! | V | vocabulary |
//!
//! `let [b, t, d] = x.dims();` opens a forward, and a line that changes the shape ends in the new one,
//! `// (B, T, N, K)`.
//!
//! # Wrong shapes
//! Inside the mathematics a wrong shape is a bug, and panics with the sizes. At the edge, where a file meets a
//! module, [`Module::load`] returns a [`LoadError`] and leaves the module as it was.

pub mod attention;
pub mod cell;
pub mod cross_attention;
pub mod dropout;
pub mod embedding;
pub mod feed_forward;
pub mod gradient_checkpointing;
pub mod gru;
pub mod init;
mod kernels;
pub mod key_value_cache;
pub mod linear;
pub mod load_error;
pub mod lora;
pub mod low_rank;
pub mod lstm;
pub mod mode;
pub mod module;
pub mod norm;
pub mod positional_encoding;
pub mod recurrent;
#[cfg(feature = "check")]
pub mod registry;
pub mod rnn;
pub mod self_attention;
pub mod transformer_block;
pub mod transformer_decoder;
pub mod transformer_encoder;

pub use attention::{Attention, Score, SourceMemory};
pub use cell::{Cell, Order, RecurrentCell, RecurrentState};
pub use cross_attention::CrossAttention;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use feed_forward::{Activation, FeedForward};
pub use gradient_checkpointing::checkpointed;
pub use gru::{Gru, GruCell, Reset};
pub use init::Init;
pub use key_value_cache::{KeyValueCache, Present};
pub use linear::{Bias, Linear};
pub use load_error::{LoadError, Misshapen};
pub use low_rank::{LowRank, LowRankConfig};
pub use lstm::{Lstm, LstmCell, LstmEquations};
pub use mode::Mode;
pub use module::{Module, Path};
pub use norm::{Norm, NormKind};
pub use positional_encoding::{Angles, LearnedPositions, Rotary, sinusoidal_positions};
pub use recurrent::{Direction, Recurrent};
pub use rnn::{Nonlinearity, Rnn, RnnCell};
/// The engine below, so that a crate which builds on layers needs no second dependency.
pub use rungs_tensor as tensor;
pub use self_attention::SelfAttention;
pub use transformer_block::{Block, BlockConfig, NormPosition, gated_width};
pub use transformer_decoder::{DecoderBlock, TransformerDecoder};
pub use transformer_encoder::TransformerEncoder;

#[cfg(test)]
mod tests;
