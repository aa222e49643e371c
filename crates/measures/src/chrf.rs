//! chrF: how many runs of one to six characters a translation and its reference share (Popović 2015,
//! [W15-3049](https://aclanthology.org/W15-3049)).
//!
//! ```text
//! Pₙ   = Σ min(count of g in hypothesis, count of g in reference) / Σ count of g in hypothesis
//! Rₙ   = the same sum                                             / Σ count of g in reference
//! chrF = 100 · (1 + β²) P R / (β² P + R)
//!
//! over n-grams g, n = 1 … 6          P, R: the means over n; β = 2: recall weighs twice as much as precision
//! ```
//!
//! White space is taken out first. All sums run over the whole corpus. Orders that the hypotheses or the references
//! are too short for are left out of the means. A word with the wrong ending is half right here, while BLEU sees only
//! another word: in languages that inflect, chrF is closer to what people say (Popović 2015, section 4).

use crate::bootstrap::Statistics;
use crate::ngrams::{common, is_space, ngrams};
use std::ops::AddAssign;

/// The longest n-grams that count.
const ORDER: usize = 6;

/// How much more recall weighs than precision.
const BETA: f64 = 2.0;

/// What chrF counts of a corpus. Pairs are added one after another, in any order.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ChrF {
    /// Of the n-grams of each order: how many the hypotheses have, the references, and both.
    orders: [Counts; ORDER],
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    hypothesis: u64,
    reference: u64,
    common: u64,
}

impl ChrF {
    /// The settings, as sacrebleu 2.6.0 states them: one reference, with case, six orders of characters and none of
    /// words, no white space.
    pub const SIGNATURE: &str = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0";

    /// Counts one more pair.
    pub fn add(&mut self, hypothesis: &str, reference: &str) {
        let [hypothesis, reference] =
            [hypothesis, reference].map(|text| text.chars().filter(|&c| !is_space(c)).collect::<Vec<char>>());
        for (n, counts) in (1..).zip(&mut self.orders) {
            let [of_hypothesis, of_reference] =
                [&hypothesis, &reference].map(|text| (text.len() + 1).saturating_sub(n) as u64);
            // sacrebleu does not hold n-grams against a hypothesis whose reference is too short to have any.
            counts.hypothesis += if of_reference > 0 { of_hypothesis } else { 0 };
            counts.reference += of_reference;
            counts.common += common(&ngrams(&hypothesis, n), &ngrams(&reference, n));
        }
    }

    /// chrF, from 0 to 100.
    pub fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for &Counts { hypothesis, reference, common } in &self.orders {
            if hypothesis > 0 && reference > 0 {
                precision += common as f64 / hypothesis as f64;
                recall += common as f64 / reference as f64;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (p, r, weight) = (precision / orders, recall / orders, BETA * BETA);
        (100.0 * (1.0 + weight) * p * r / (weight * p + r)).min(100.0)
    }
}

impl AddAssign for ChrF {
    /// Takes in what was counted of other pairs.
    fn add_assign(&mut self, other: Self) {
        for (counts, other) in self.orders.iter_mut().zip(other.orders) {
            counts.hypothesis += other.hypothesis;
            counts.reference += other.reference;
            counts.common += other.common;
        }
    }
}

impl Statistics for ChrF {
    fn score(&self) -> f64 {
        self.score()
    }
}

impl<'a> Extend<(&'a str, &'a str)> for ChrF {
    /// Counts pairs of a hypothesis and its reference.
    fn extend<I: IntoIterator<Item = (&'a str, &'a str)>>(&mut self, pairs: I) {
        pairs.into_iter().for_each(|(hypothesis, reference)| self.add(hypothesis, reference));
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for ChrF {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut chrf = Self::default();
        chrf.extend(pairs);
        chrf
    }
}

/// chrF of one sentence, from 0 to 100.
pub fn sentence_chrf(hypothesis: &str, reference: &str) -> f64 {
    let mut chrf = ChrF::default();
    chrf.add(hypothesis, reference);
    chrf.score()
}
