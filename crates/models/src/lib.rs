//! The rungs of the ladder, one file each, and how a model writes text by sampling.
//!
//! A language model gives a probability to every token that could come next. Each rung answers one question in its
//! own way: how is everything read so far kept in mind?
//!
//! | rung | what is kept | file |
//! |---|---|---|
//! | [`RnnLanguageModel`] | one vector per layer, rewritten at every step | [`rnn`] |
//! | [`LstmLanguageModel`] | two, one of which gates protect | [`lstm`] |
//! | [`GruLanguageModel`] | one, kept or renewed by a gate | [`gru`] |
//! | [`Gpt`] | everything: keys and values of all earlier tokens | [`gpt`] |
//!
//! Three rungs are given a source and write a target, token after token like the others. What is kept of the source?
//!
//! | rung | what is kept of the source | file |
//! |---|---|---|
//! | [`Seq2Seq`] | the encoder's last state | [`seq2seq`] |
//! | [`AttentionSeq2Seq`] | every state of the encoder, to be looked back at | [`attention_seq2seq`] |
//! | [`Transformer`] | keys and values of every token, which have looked at each other | [`transformer`] |
//!
//! Read a rung beside its paper: the file opens with the equations, and `features` and `scores` are them; the recurrent
//! rungs share theirs, in [`recurrent`], and differ in the cell.
//!
//! Around the rungs: [`decoder`] is the trait they share, which writing needs; [`language_model`] and
//! [`encoder_decoder`] add how it begins, with nothing or with a source; [`sampling`] chooses the next token, again and
//! again; [`config`] refuses sizes that cannot be. With the feature `check`, `registry` holds the gradient check of
//! every rung.
//!
//! ```
//! use rungs_layers::tensor::Rng;
//! use rungs_models::sampling::{Temperature, TopK};
//! use rungs_models::{Gpt, GptConfig, Length, SampleOptions, sample};
//! use rungs_text::Tokenizer;
//! use std::{ops::ControlFlow, sync::Arc};
//!
//! let tokenizer = Tokenizer::char_from("the history of text generation")?;
//! let (context, width, heads, layers) = (16, 8, 2, 2);
//! let config = GptConfig::gpt(tokenizer.vocabulary(), context, width, heads, layers);
//! let mut rng = Rng::new(0);
//! let model: Gpt = Gpt::new(&config, &mut rng)?;
//!
//! let options = SampleOptions {
//!     processors: vec![Arc::new(Temperature::new(0.8)?), Arc::new(TopK::new(5)?)],
//!     length: Length::at_most(40),
//!     ..SampleOptions::default()
//! };
//! let prompt = tokenizer.encode("the ")?;
//! let texts = sample(&model, &[prompt], &options, &rng, &mut |_, _| ControlFlow::Continue(()))?;
//! assert_eq!(tokenizer.decode(&texts[0][0].ids).chars().count(), 40); // gibberish: nothing was learnt yet
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Files that the tests of several crates have in common call this crate by its name.
#[cfg(test)]
extern crate self as rungs_models;

pub mod attention_seq2seq;
pub mod cached;
pub mod carried;
pub mod config;
pub mod decoder;
pub mod encoder_decoder;
pub mod gpt;
pub mod gru;
pub mod language_model;
pub mod lstm;
pub mod recurrent;
#[cfg(feature = "check")]
pub mod registry;
pub mod rnn;
pub mod sampling;
pub mod seq2seq;
pub mod state;
#[cfg(test)]
mod tests;
pub mod transformer;

pub use attention_seq2seq::{AttentionConfig, AttentionSeq2Seq, Style};
pub use cached::Cached;
pub use carried::Carried;
pub use config::ConfigError;
pub use decoder::Decoder;
pub use encoder_decoder::{Encoded, EncoderDecoder, Source};
pub use gpt::{Gpt, GptConfig, Positions};
pub use gru::GruLanguageModel;
pub use language_model::LanguageModel;
pub use lstm::LstmLanguageModel;
pub use recurrent::{RecurrentConfig, RecurrentLanguageModel};
pub use rnn::RnnLanguageModel;
pub use sampling::{Choice, Finish, Generated, Length, Processor, SampleError, SampleOptions, sample, sample_from};
pub use seq2seq::{Seq2Seq, Seq2SeqConfig};
pub use state::{Remembered, State};
pub use transformer::{AddedPositions, Transformer, TransformerConfig, Tying};
