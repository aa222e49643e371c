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
//! | [what a text goes on from](Prompt) | `prompt` |
//! | [how long it is, and what ends it](SampleOptions) | `options` |
//! | rows of a batch that begin with prompts of different lengths, and the end of the context | [`rows`] |
//!
//! [`sample()`] continues prompts, and translates, if they come with sources. Searches (beam, contrastive,
//! speculative), penalties and constraints are in the crate `rungs-decoding`, which uses this loop for greedy and drawn
//! texts.

#[cfg(test)]
#[path = "../../../tests/fixtures/distributions.rs"]
mod distributions;
mod error;
pub mod logits;
mod options;
pub mod processor;
mod prompt;
pub mod rows;
mod sampler;
#[cfg(test)]
mod tests;
pub mod truncation;

pub use error::SampleError;
pub use logits::{draw, likeliest, log_probabilities, log_probability};
pub use options::{Choice, Finish, Generated, Length, SampleOptions};
pub use processor::{Context, Processor, Processors};
pub use prompt::Prompt;
pub use sampler::{OnNext, Randomness, sample};
pub use truncation::{MinP, Temperature, TopK, TopP, Typical};
