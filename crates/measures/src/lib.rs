//! How good is what a model wrote? Measures that compare it with what a human wrote.
//!
//! A loss says how surprised a model is by the right words; these say how right its own words are.
//!
//! | measure | counts | of a corpus | file |
//! |---|---|---|---|
//! | [BLEU](bleu) | words, and runs of up to four of them | all counts together | [`bleu`] |
//! | [chrF](chrf) | characters, and runs of up to six of them | all counts together | [`chrf`] |
//! | [ROUGE](rouge) | words, pairs of them, and the longest subsequence | the mean over pairs | [`rouge`] |
//! | [exact match](exact_match) | whole texts | the share | here |
//! | [distinct-n, repetition](diversity) | runs of words that come again | all counts together | [`diversity`] |
//!
//! [`Measured`] has them all. Two things stand beside a number before it means anything: what needs no model
//! ([`baselines`]), and how far chance alone may move it ([`bootstrap`]).
//!
//! A text to be measured is a *hypothesis*, the human's a *reference*. BLEU and chrF are properties of a corpus:
//! what is counted is added up over all pairs before anything is divided, so that they are not means over sentences,
//! and the order of the pairs does not matter. Both run from 0 to 100, and both are those of sacrebleu 2.6.0 (Post
//! 2018, [arXiv:1804.08771](https://arxiv.org/abs/1804.08771)) with its default settings and one reference; ROUGE is
//! that of rouge-score. A score means little without the settings, so each measure has a signature like those that
//! sacrebleu prints beside its scores.
//!
//! ```
//! use rungs_measures::{Bleu, ChrF};
//!
//! let pairs = [("the cat sat on a mat", "the cat sat on the mat"), ("Hello, world!", "Hello, world!")];
//! let (bleu, chrf): (Bleu, ChrF) = (pairs.into_iter().collect(), pairs.into_iter().collect());
//! assert_eq!(
//!     format!("{:.1} {}", bleu.score(), Bleu::SIGNATURE),
//!     "68.9 nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"
//! );
//! assert_eq!(
//!     format!("{:.1} {}", chrf.score(), ChrF::SIGNATURE),
//!     "79.4 nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"
//! );
//! ```

pub mod baselines;
pub mod bleu;
pub mod bootstrap;
pub mod chrf;
pub mod diversity;
pub mod quality;
pub mod rouge;

pub use baselines::Baseline;
pub use bleu::{Bleu, sentence_bleu};
pub use bootstrap::{PairedBootstrap, Resamples, Statistics};
pub use chrf::{ChrF, sentence_chrf};
pub use diversity::{distinct, repetition};
pub use quality::{Comparison, Difference, Measured, Quality};
pub use rouge::{Rouge, Stemming};

use std::collections::HashMap;
use std::hash::Hash;

/// The share of hypotheses, from 0 to 1, that are the reference to the letter; 0 if there are none.
pub fn exact_match<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
    let (mut exact, mut total) = (0_usize, 0_usize);
    for (hypothesis, reference) in pairs {
        exact += usize::from(hypothesis == reference);
        total += 1;
    }
    exact as f64 / total.max(1) as f64
}

/// How often each run of `n` items occurs.
fn ngrams<T: Hash + Eq>(items: &[T], n: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

/// Σ min(a(g), b(g)) over the n-grams g: how many of the one the other has too, each as often as it has it. It is a
/// sum of whole numbers, so that the order of a hash map never shows.
fn common<T: Hash + Eq>(a: &HashMap<&[T], u64>, b: &HashMap<&[T], u64>) -> u64 {
    a.iter().map(|(ngram, &count)| count.min(b.get(ngram).copied().unwrap_or(0))).sum()
}

/// Python's `str.isspace`, by which sacrebleu cuts words: Unicode's white space and four control characters.
fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_match_is_a_share() {
        assert_eq!(exact_match([("a", "a"), ("a", "A"), ("", ""), ("b ", "b")]), 0.5);
        assert_eq!(exact_match([]), 0.0);
    }

    #[test]
    fn an_ngram_is_found_as_often_as_both_have_it() {
        let [a, b] = ["abababx", "babab"].map(|text| text.chars().collect::<Vec<_>>());
        let (a, b) = (ngrams(&a, 2), ngrams(&b, 2));
        assert_eq!((a[&['a', 'b'][..]], a[&['b', 'a'][..]], a[&['b', 'x'][..]]), (3, 2, 1));
        assert_eq!(common(&a, &b), 4, "ab three times and twice, ba twice and twice");
        assert!(ngrams(&['a'], 2).is_empty());
    }
}
