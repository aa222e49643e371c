//! BLEU: how many runs of one to four words of a translation the reference has too (Papineni, Roukos, Ward and Zhu
//! 2002, [P02-1040](https://aclanthology.org/P02-1040)).
//!
//! ```text
//! pₙ   = Σ min(count of g in hypothesis, count of g in reference) / Σ count of g in hypothesis
//! BP   = 1 if c ≥ r, else exp(1 − r / c)
//! BLEU = 100 · BP · exp(¼ Σₙ ln pₙ)
//!
//! over n-grams g, n = 1 … 4          c, r: words of hypotheses, references
//! ```
//!
//! All sums run over the whole corpus. Precision alone would reward saying little, so the *brevity penalty* BP takes
//! the place of recall. The geometric mean is zero as soon as one pₙ is; the k-th order, counted from n = 1, without
//! any match therefore gets pₙ = 1 / (2ᵏ · Σ count), the *exponential smoothing* of NIST's `mteval-v13a`. A corpus
//! without a single common word scores 0 all the same, and so does one that has no four words in a row: without
//! 4-grams, p₄ is undefined.
//!
//! [`sentence_bleu`] takes the mean over as many orders as the sentence has (*effective order*): a sentence of two
//! words can be right.
//!
//! What a word is, a [`BleuTokenizer`] says. `mteval-v13a`, the usual one, needs spaces between words: a sentence in
//! Chinese or Japanese is a word or two to it, and four in a row it has not.

mod tokenizer;

use crate::bootstrap::{Statistics, total};
use crate::ngrams::{common, is_space, ngrams};
use std::ops::AddAssign;

pub use tokenizer::BleuTokenizer;

/// The longest n-grams that count.
const ORDER: usize = 4;

/// What BLEU counts of a corpus. Pairs are added one after another, in any order.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    /// r, the words of the references.
    reference_length: u64,
    /// Numerators of p₁ to p₄.
    matches: [u64; ORDER],
    /// Their denominators, the first of which is c, the words of the hypotheses.
    totals: [u64; ORDER],
}

impl Bleu {
    /// The settings, as sacrebleu 2.6.0 states them: one reference, with case, all four orders, the tokenizer,
    /// exponential smoothing.
    pub fn signature(tokenizer: BleuTokenizer) -> String {
        format!("nrefs:1|case:mixed|eff:no|tok:{}|smooth:exp|version:2.6.0", tokenizer.name())
    }

    /// The settings of [`sentence_score`](Self::sentence_score), which differ in the effective order.
    pub fn sentence_signature(tokenizer: BleuTokenizer) -> String {
        Self::signature(tokenizer).replace("eff:no", "eff:yes")
    }

    /// The counts of one pair, in the words of `mteval-v13a`.
    pub fn new(hypothesis: &str, reference: &str) -> Self {
        Self::of_words(hypothesis, reference, BleuTokenizer::default())
    }

    /// The counts of one pair, in the words of a tokenizer.
    pub fn of_words(hypothesis: &str, reference: &str, tokenizer: BleuTokenizer) -> Self {
        let [hypothesis, reference] = [hypothesis, reference].map(|text| tokenizer.tokenize(text));
        let [hypothesis, reference] = [&hypothesis, &reference].map(|text| words(text));
        let matches = |n| common(&ngrams(&hypothesis, n), &ngrams(&reference, n));
        Self {
            reference_length: reference.len() as u64,
            matches: std::array::from_fn(|i| matches(i + 1)),
            totals: std::array::from_fn(|i| hypothesis.len().saturating_sub(i) as u64),
        }
    }

    /// BLEU of a single sentence, over as many orders as it has: sacrebleu's `sentence_bleu`, from 0 to 100.
    ///
    /// It is a rough guide, and means of it are not the BLEU of a corpus.
    pub fn sentence_score(&self) -> f64 {
        self.mean_of_orders(self.totals.iter().take_while(|&&total| total > 0).count())
    }

    /// 100 · BP · exp(1/N Σₙ ln pₙ) over n = 1 … N.
    fn mean_of_orders(&self, orders: usize) -> f64 {
        if self.matches == [0; ORDER] || self.totals[..orders].contains(&0) {
            return 0.0;
        }
        let mut smoothing = 1.0;
        let mut logarithms = 0.0;
        for (&matches, &total) in self.matches.iter().zip(&self.totals).take(orders) {
            if matches == 0 {
                smoothing /= 2.0;
            }
            let matches = if matches == 0 { smoothing } else { matches as f64 };
            logarithms += (matches / total as f64).ln();
        }
        let (c, r) = (self.totals[0] as f64, self.reference_length as f64);
        let brevity_penalty = if c < r { (1.0 - r / c).exp() } else { 1.0 };
        (100.0 * brevity_penalty * (logarithms / orders as f64).exp()).min(100.0)
    }
}

impl AddAssign for Bleu {
    /// Takes in what was counted of other pairs.
    fn add_assign(&mut self, other: Self) {
        self.reference_length += other.reference_length;
        for n in 0..ORDER {
            self.matches[n] += other.matches[n];
            self.totals[n] += other.totals[n];
        }
    }
}

impl Statistics for Bleu {
    /// BLEU, from 0 to 100.
    fn score(&self) -> f64 {
        self.mean_of_orders(ORDER)
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Bleu {
    /// Counts pairs of a hypothesis and its reference.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        total(pairs.into_iter().map(|(hypothesis, reference)| Self::new(hypothesis, reference)))
    }
}

/// BLEU of one sentence in the words of `mteval-v13a`: see [`Bleu::sentence_score`].
pub fn sentence_bleu(hypothesis: &str, reference: &str) -> f64 {
    Bleu::new(hypothesis, reference).sentence_score()
}

/// What stands between spaces.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}
