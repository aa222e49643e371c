//! From a model to text: one token after another, the likeliest or a draw.
//!
//! ```text
//! logits → processors, one after another → a choice → the token is read → logits → …
//! ```
//!
//! | what | file |
//! |---|---|
//! | the loop: [`sample()`] | `sampler` |
//! | temperature, top-k, top-p, min-p, typical | [`truncation`] |
//! | [processors of your own](Processor) | [`processor`] |
//! | softmax, argmax and draw | [`logits`] |
//! | [how long a text is, and what ends it](SampleOptions) | `options` |
//! | rows of a batch that begin with prompts of different lengths, and the end of the context | [`rows`] |
//!
//! [`sample()`] continues prompts with a language model, [`sample_from`] goes on from any decoder's state: translators
//! begin with one. Searches (beam, contrastive, speculative), penalties and constraints are in the crate
//! `rungs-decoding`, which uses this loop for greedy and drawn texts.

#[cfg(test)]
#[path = "../../../tests/fixtures/distributions.rs"]
mod distributions;
mod error;
pub mod logits;
mod options;
pub mod processor;
pub mod rows;
mod sampler;
#[cfg(test)]
mod tests;
pub mod truncation;

pub use error::SampleError;
pub use logits::{draw, likeliest, log_probabilities, log_probability};
pub use options::{Choice, Finish, Generated, Length, SampleOptions, check_prompt};
pub use processor::{Context, Processor, Processors};
pub use sampler::{OnToken, sample, sample_each, sample_from};
pub use truncation::{MinP, Temperature, TopK, TopP, Typical};
