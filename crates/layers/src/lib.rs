//! The layers of text generation, each beside its equation: from [`Linear`] to the Transformer [`Block`].
//!
//! A layer is a plain struct of tensors, a constructor, and a `forward` that reads as the equation its file opens
//! with. There is no hidden state: randomness and the choice between training and evaluation are one argument
//! ([`Mode`]), recurrent states and key/value caches go in and come out by name, and what is trained is whatever
//! [`Module::visit`] shows (one line per layer, [`parameters!`]).
//!
//! | read | for |
//! |---|---|
//! | [`module`] | names of parameters, counting, loading, freezing |
//! | [`linear`], [`embedding`], [`norm`], [`dropout`], [`positional`], [`feed_forward`] | the small parts |
//! | [`recurrent`], [`rnn`], [`lstm`], [`gru`] | memory carried from step to step |
//! | [`encoder_attention`] | a source looked back at |
//! | [`attention`], [`cross_attention`], [`transformer`] | memory looked up |
//! | [`checkpoint`] | training in less memory |
//! | [`low_rank`] | fine-tuning with few parameters |
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
pub mod checkpoint;
pub mod cross_attention;
pub mod dropout;
pub mod embedding;
pub mod encoder_attention;
pub mod feed_forward;
pub mod gru;
pub mod init;
pub mod linear;
pub mod load_error;
pub mod lora;
pub mod low_rank;
pub mod lstm;
pub mod mode;
pub mod module;
pub mod norm;
pub mod positional;
pub mod recurrent;
#[cfg(feature = "check")]
pub mod registry;
pub mod rnn;
pub mod transformer;

pub use attention::{KeyValueCache, Present, SelfAttention};
pub use checkpoint::checkpointed;
pub use cross_attention::{CrossAttention, SourceMemory};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use encoder_attention::{Attention, Memory, Score};
pub use feed_forward::{Activation, FeedForward};
pub use gru::{Gru, GruCell, Reset};
pub use init::Init;
pub use linear::{Bias, Linear};
pub use load_error::{LoadError, Misshapen};
pub use low_rank::{LowRank, LowRankConfig};
pub use lstm::{Lstm, LstmCell};
pub use mode::Mode;
pub use module::{Module, Path};
pub use norm::{LayerNorm, Norm, NormKind, RmsNorm};
pub use positional::{Angles, LearnedPositions, PositionVectors, Rotary, SinusoidalPositions, sinusoidal_positions};
pub use recurrent::{Cell, Direction, Order, Recurrent, RecurrentState};
pub use rnn::{Nonlinearity, Rnn, RnnCell};
/// The engine below, so that a crate which builds on layers needs no second dependency.
pub use rungs_tensor as tensor;
pub use transformer::{
    Block, BlockConfig, DecoderBlock, NormPosition, TransformerDecoder, TransformerEncoder, gated_hidden,
};
