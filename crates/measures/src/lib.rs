//! How good is what a model wrote? Measures that compare it with what a human wrote.
//!
//! A loss says how surprised a model is by the right words; these say how right its own words are.
//!
//! | module | holds | of a corpus |
//! |---|---|---|
//! | [`bleu`] | BLEU: words, and runs of up to four of them | all counts together |
//! | [`chrf`] | chrF: characters, and runs of up to six of them | all counts together |
//! | [`rouge`] | ROUGE: words, pairs of them, and the longest subsequence | the mean over pairs |
//! | [`diversity`] | distinct-n and repetition: runs of words that come again | all counts together |
//! | [`quality`] | exact match, all of these at once ([`Measured`]), and two systems side by side ([`Comparison`]) | |
//! | [`bootstrap`] | how far chance alone may move a score: the paired bootstrap | |
//! | [`baselines`] | outputs that need no model, without which a score means nothing | |
//! | [`bigram`] | a bigram model of token ids: the loss that a language model has to beat | |
//!
//! This crate contains no neural network, no tokenizer and no tensor, and opens no file: a measure takes texts, whoever
//! wrote them.
//!
//! A text to be measured is a *hypothesis*, the human's a *reference*. BLEU and chrF are properties of a corpus:
//! what is counted is added up over all pairs before anything is divided, so that they are not means over sentences,
//! and the order of the pairs does not matter. Both run from 0 to 100, and both are those of sacrebleu 2.6.0 (Post
//! 2018, [arXiv:1804.08771](https://arxiv.org/abs/1804.08771)) with its default settings and one reference; ROUGE is
//! that of rouge-score. A score means little without the settings, so each measure has a signature like those that
//! sacrebleu prints beside its scores.
//!
//! ```
//! use rungs_measures::{Bleu, BleuTokenizer, ChrF, Statistics};
//!
//! let pairs = [("the cat sat on a mat", "the cat sat on the mat"), ("Hello, world!", "Hello, world!")];
//! let (bleu, chrf): (Bleu, ChrF) = (pairs.into_iter().collect(), pairs.into_iter().collect());
//! assert_eq!(
//!     format!("{:.1} {}", bleu.score(), Bleu::signature(BleuTokenizer::default())),
//!     "68.9 nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
//! );
//! assert_eq!(
//!     format!("{:.1} {}", chrf.score(), ChrF::SIGNATURE),
//!     "79.4 nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"
//! );
//! ```

pub mod baselines;
pub mod bigram;
pub mod bleu;
pub mod bootstrap;
pub mod chrf;
pub mod diversity;
mod letters;
mod ngrams;
pub mod quality;
pub mod rouge;

pub use baselines::Baseline;
pub use bigram::Bigram;
pub use bleu::{Bleu, BleuTokenizer, sentence_bleu};
pub use bootstrap::{PairedBootstrap, Resamples, Statistics};
pub use chrf::{ChrF, sentence_chrf};
pub use diversity::{distinct, repetition};
pub use letters::mostly_uncounted;
pub use quality::{Comparison, Difference, Measured, Quality, WordRules, exact_match};
pub use rouge::{Rouge, Stemming};

#[cfg(test)]
mod tests;
