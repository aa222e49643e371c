//! Language models and translators, one file for each generation from RNN to GPT, and sampling from them.
//!
//! A language model gives a probability to every token that could come next. Each model has its own answer to one
//! question: how is everything that was read so far remembered?
//!
//! | language model | what it remembers | file |
//! |---|---|---|
//! | [`RnnLanguageModel`] | one vector per layer, rewritten at every step | [`rnn`] |
//! | [`LstmLanguageModel`] | two vectors per layer, one of them protected by gates | [`lstm`] |
//! | [`GruLanguageModel`] | one vector per layer, kept or renewed by a gate | [`gru`] |
//! | [`Gpt`] | keys and values of all earlier tokens | [`gpt`] |
//!
//! A translator reads a source and writes a target, token after token. What does it remember of the source?
//!
//! | translator | what it remembers of the source | file |
//! |---|---|---|
//! | [`Seq2Seq`] | the encoder's last state | [`seq2seq`] |
//! | [`AttentionSeq2Seq`] | every state of the encoder, to attend to | [`attention_seq2seq`] |
//! | [`Transformer`] | keys and values of every token, which have attended to each other | [`transformer`] |
//!
//! Read a model beside its paper: the file opens with the equations, and `features` and `scores` compute them. What
//! the models have in common:
//!
//! | file | what it holds |
//! |---|---|
//! | [`language_model`] | [`LanguageModel`], the trait of all models: from tokens to logits |
//! | [`source`] | [`Source`], what a translator reads |
//! | [`state`] | [`State`], what a model remembers between two calls |
//! | [`carried_state`], [`cached_state`] | the states of recurrent models and of those with key/value caches |
//! | [`recurrent`] | the equations of the three recurrent language models, which differ in the cell alone |
//! | [`head`] | the last layer of translators |
//! | [`config`] | which sizes a model can have |
//! | [`rung`], [`model_config`] | the rungs by name, and the configuration of any of them |
//! | [`sampling`] | writing text: the loop, temperature, top-k, top-p and their kin |
//! | `registry` | the gradient check of every model, with the feature `check` |
//!
//! Not here: layers are in `rungs-layers`, training in `rungs-trainer`, tokenizers in `rungs-text`; beam search and
//! other searches, penalties and constraints are in `rungs-decoding`.
//!
//! ```
//! use rungs_layers::tensor::Rng;
//! use rungs_models::sampling::{Temperature, TopK};
//! use rungs_models::{Gpt, GptConfig, Length, SampleOptions, sample};
//! use rungs_text::Tokenizer;
//! use std::{ops::ControlFlow, sync::Arc};
//!
//! let tokenizer = Tokenizer::char_from("the history of text generation")?;
//! let sizes = GptConfig { context: 16, layers: 2, width: 8, heads: 2, ..GptConfig::nanogpt() };
//! let config = GptConfig { vocabulary: tokenizer.vocabulary(), ..sizes };
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
pub mod cached_state;
pub mod carried_state;
pub mod config;
mod decoder_state;
pub mod gpt;
pub mod gru;
pub mod head;
pub mod language_model;
pub mod lstm;
pub mod model_config;
pub mod recurrent;
#[cfg(feature = "check")]
pub mod registry;
pub mod rnn;
pub mod rung;
pub mod sampling;
pub mod seq2seq;
pub mod source;
pub mod state;
#[cfg(test)]
mod tests;
pub mod transformer;

pub use attention_seq2seq::{AttentionConfig, AttentionSeq2Seq, Style};
pub use cached_state::CachedState;
pub use carried_state::CarriedState;
pub use config::ConfigError;
pub use gpt::{Gpt, GptConfig, Positions};
pub use gru::GruLanguageModel;
pub use language_model::LanguageModel;
pub use lstm::LstmLanguageModel;
pub use model_config::ModelConfig;
pub use recurrent::{RecurrentConfig, RecurrentLanguageModel};
pub use rnn::RnnLanguageModel;
pub use rung::Rung;
pub use sampling::{Choice, Finish, Generated, Length, Processor, Prompt, SampleError, SampleOptions, sample};
pub use seq2seq::{CellKind, Seq2Seq, Seq2SeqConfig};
pub use source::Source;
pub use state::{ModelState, State};
pub use transformer::{AddedPositions, Transformer, TransformerConfig, Tying};
