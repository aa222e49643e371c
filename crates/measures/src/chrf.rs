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

use crate::bootstrap::{Statistics, total};
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
    orders: [[u64; 3]; ORDER],
}

impl ChrF {
    /// The settings, as sacrebleu 2.6.0 states them: one reference, with case, six orders of characters and none of
    /// words, no white space.
    pub const SIGNATURE: &str = "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0";

    /// The counts of one pair.
    pub fn new(hypothesis: &str, reference: &str) -> Self {
        let [hypothesis, reference] =
            [hypothesis, reference].map(|text| text.chars().filter(|&c| !is_space(c)).collect::<Vec<char>>());
        let counts = |n: usize| {
            let [of_hypothesis, of_reference] =
                [&hypothesis, &reference].map(|text| (text.len() + 1).saturating_sub(n) as u64);
            // sacrebleu does not hold n-grams against a hypothesis whose reference is too short to have any.
            let of_hypothesis = if of_reference > 0 { of_hypothesis } else { 0 };
            [of_hypothesis, of_reference, common(&ngrams(&hypothesis, n), &ngrams(&reference, n))]
        };
        Self { orders: std::array::from_fn(|i| counts(i + 1)) }
    }
}

impl AddAssign for ChrF {
    /// Takes in what was counted of other pairs.
    fn add_assign(&mut self, other: Self) {
        for (count, other) in self.orders.as_flattened_mut().iter_mut().zip(other.orders.as_flattened()) {
            *count += other;
        }
    }
}

impl Statistics for ChrF {
    /// chrF, from 0 to 100.
    fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for [hypothesis, reference, common] in self.orders {
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

impl<'a> FromIterator<(&'a str, &'a str)> for ChrF {
    /// Counts pairs of a hypothesis and its reference.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        total(pairs.into_iter().map(|(hypothesis, reference)| Self::new(hypothesis, reference)))
    }
}

/// chrF of one sentence, from 0 to 100.
pub fn sentence_chrf(hypothesis: &str, reference: &str) -> f64 {
    ChrF::new(hypothesis, reference).score()
}
