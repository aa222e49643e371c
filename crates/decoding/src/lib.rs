//! Ways to write a text with a model that ask for more than the next token's distribution: searches, constraints and
//! penalties.
//!
//! The loop that chooses the likeliest token, or draws one, is [`sample`](fn@rungs_models::sample) in `rungs-models`,
//! with temperature, top-k, top-p, min-p and typical sampling. Here is what goes beyond it. Every search takes every
//! [processor](Processor), and all texts of a call are written in one batch where that is possible.
//!
//! | what | file |
//! |---|---|
//! | one door for all searches: [`generate()`] | `generate` |
//! | which search, and its settings: [`Search`] | [`search`] |
//! | beam search: the best of many hypotheses, also in groups that differ | [`beam`] |
//! | contrastive search: likely and new | [`contrastive`] |
//! | speculative decoding: a small model drafts for a large one | [`speculative`] |
//! | penalties for what was there, no n-gram twice, biases | [`penalties`] |
//! | constrained decoding: texts that match a regular expression | [`pattern`] |
//!
//! Models, and what turns text into tokens, are in `rungs-models` and `rungs-text`.

pub mod beam;
pub mod contrastive;
mod generate;
pub mod pattern;
pub mod penalties;
pub mod search;
pub mod speculative;
#[cfg(test)]
mod tests;

pub use generate::generate;
pub use pattern::Pattern;
pub use penalties::{Bias, CountPenalty, NoRepeatNgram, RepetitionPenalty};
pub use rungs_models::sampling::{
    Context, Finish, Generated, Length, MinP, OnNext, Processor, Processors, Prompt, Randomness, SampleError,
    Temperature, TopK, TopP, Typical, draw, likeliest, log_probabilities, log_probability,
};
pub use search::{Beam, Contrastive, Ending, GenerateOptions, LengthPenalty, Search};
pub use speculative::{Drafted, generate_with_draft};
