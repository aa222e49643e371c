//! From a model to texts: one way for every rung.
//!
//! ```text
//! logits → processors, one after another → a choice → the token is read → logits → …
//! ```
//!
//! | what | file |
//! |---|---|
//! | what is done to logits: temperature, top-k, top-p, min-p, typical | [`sampling`] |
//! | penalties for what was there, no n-gram twice, biases | [`penalties`] |
//! | texts that match a regular expression | [`pattern`] |
//! | [your own](Processor) | [`processor`] |
//! | the choice: the likeliest, or a draw | `generate` |
//! | the best of many beginnings, also in groups that differ | [`beam`] |
//! | likely and new | [`contrastive`] |
//! | a small model that drafts for a large one | [`speculative`] |
//! | rows of a batch that begin with prompts of different lengths | `rows` |
//!
//! [`generate()`] continues prompts with a language model, [`generate_from`] goes on from any decoder's state:
//! translators begin with one. Every choice takes every processor, and all texts of a call are written in one batch.

pub mod beam;
pub mod contrastive;
mod error;
mod generate;
mod logits;
mod options;
pub mod pattern;
pub mod penalties;
pub mod processor;
mod rows;
pub mod sampling;
pub mod speculative;

pub use error::GenerateError;
pub use generate::{OnToken, generate, generate_each, generate_from};
pub use logits::{draw, likeliest, log_probabilities, log_probability};
pub use options::{Beam, Contrastive, Ending, Finish, GenerateOptions, Generated, Length, LengthPenalty, Search};
pub use pattern::Pattern;
pub use penalties::{Bias, CountPenalty, NoRepeatNgram, RepetitionPenalty};
pub use processor::{Context, Processor, Processors};
pub use sampling::{MinP, Temperature, TopK, TopP, Typical};
pub use speculative::{Drafted, generate_with_draft};
