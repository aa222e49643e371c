//! All measures of what was written, at once: functions of the outputs and the references, whoever wrote the outputs.

use super::bootstrap::{PairedBootstrap, Ratio, Resamples, Statistics, total};
use super::rouge::{Rouge, Stemming};
use super::{Bleu, BleuTokenizer, ChrF, bleu, distinct, repetition};
use serde::Serialize;

/// The n of [`repetition`] that is reported.
const REPETITION: usize = 4;

/// How good outputs are.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// The share that is the reference to the letter.
    pub exact_match: f64,
    /// BLEU, from 0 to 100.
    pub bleu: f64,
    /// chrF, from 0 to 100.
    pub chrf: f64,
    /// The mean F of ROUGE-1, from 0 to 1.
    pub rouge1: f64,
    /// The mean F of ROUGE-2.
    pub rouge2: f64,
    /// The mean F of ROUGE-L.
    #[serde(rename = "rougeL")]
    pub rouge_l: f64,
    /// distinct-1 of the outputs, in words.
    pub distinct_1: f64,
    /// distinct-2.
    pub distinct_2: f64,
    /// repetition-4, in words.
    pub repetition_4: f64,
}

/// What the measures take for words.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct WordRules {
    /// Those of BLEU, of distinct-n and of repetition.
    pub bleu: BleuTokenizer,
    /// Whether ROUGE compares stems.
    pub stemming: Stemming,
}

/// What is counted of one output beside its reference.
#[derive(Copy, Clone, Debug)]
struct Counted {
    exact: Ratio,
    bleu: Bleu,
    chrf: ChrF,
    /// F of ROUGE-1, ROUGE-2 and ROUGE-L.
    rouge: [Ratio; 3],
}

impl Counted {
    fn new(output: &str, reference: &str, rules: WordRules) -> Self {
        let Rouge { one, two, longest } = Rouge::new(output, reference, rules.stemming);
        Self {
            exact: exact(output, reference),
            bleu: Bleu::of_words(output, reference, rules.bleu),
            chrf: ChrF::new(output, reference),
            rouge: [one, two, longest].map(|overlap| Ratio::one(overlap.f)),
        }
    }
}

/// Outputs that were measured, one by one, so that they can be scored in parts and beside others.
#[derive(Clone, Debug)]
pub struct Measured {
    counted: Vec<Counted>,
    distinct: [f64; 2],
    repetition: f64,
}

impl Measured {
    /// Measures outputs, each beside its reference.
    pub fn new<'t>(pairs: impl IntoIterator<Item = (&'t str, &'t str)>, rules: WordRules) -> Self {
        let (mut counted, mut words) = (Vec::new(), Vec::new());
        for (output, reference) in pairs {
            counted.push(Counted::new(output, reference, rules));
            words.push(bleu::words(&rules.bleu.tokenize(output)).into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
        Self { counted, distinct: [1, 2].map(|n| distinct(&words, n)), repetition: repetition(&words, REPETITION) }
    }

    /// All scores.
    pub fn quality(&self) -> Quality {
        let [rouge1, rouge2, rouge_l] = [0, 1, 2].map(|i| self.score(|counted| counted.rouge[i]));
        let [distinct_1, distinct_2] = self.distinct;
        Quality {
            exact_match: self.score(|counted| counted.exact),
            bleu: self.score(|counted| counted.bleu),
            chrf: self.score(|counted| counted.chrf),
            rouge1,
            rouge2,
            rouge_l,
            distinct_1,
            distinct_2,
            repetition_4: self.repetition,
        }
    }

    /// BLEU of some of the outputs.
    ///
    /// # Panics
    /// If there is no output at one of the places.
    pub fn bleu_of(&self, places: &[usize]) -> f64 {
        total(places.iter().map(|&place| self.counted[place].bleu)).score()
    }

    /// How much better others are that were measured on the same references.
    ///
    /// # Panics
    /// If there are more or fewer of them, or the draws are of more texts.
    pub fn compare(&self, other: &Self, resamples: &Resamples) -> Comparison {
        Comparison {
            resamples: resamples.count,
            exact_match: self.difference(other, resamples, |counted| counted.exact),
            bleu: self.difference(other, resamples, |counted| counted.bleu),
            chrf: self.difference(other, resamples, |counted| counted.chrf),
            rouge_l: self.difference(other, resamples, |counted| counted.rouge[2]),
        }
    }

    fn difference<C: Statistics>(&self, other: &Self, resamples: &Resamples, of: fn(&Counted) -> C) -> Difference {
        let [first, second] = [self, other].map(|measured| measured.counted.iter().map(of).collect::<Vec<_>>());
        Difference::of(&PairedBootstrap::new(&first, &second, resamples.iter()))
    }

    fn score<C: Statistics>(&self, of: impl Fn(&Counted) -> C) -> f64 {
        total(self.counted.iter().map(of)).score()
    }
}

/// Two sets of outputs side by side: by how much the second is better. ROUGE-L and exact matches from −1 to 1.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// How often pairs were drawn.
    pub resamples: usize,
    /// Of exact matches.
    pub exact_match: Difference,
    /// Of BLEU.
    pub bleu: Difference,
    /// Of chrF.
    pub chrf: Difference,
    /// Of ROUGE-L.
    #[serde(rename = "rougeL")]
    pub rouge_l: Difference,
}

/// A difference of two scores, the second minus the first, and how sure it is.
#[derive(Copy, Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What it is on all pairs.
    pub difference: f64,
    /// Where its 95 % interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// How likely one so large is if there is none.
    pub p: f64,
}

impl Difference {
    /// What a bootstrap says of it.
    ///
    /// # Panics
    /// If there were no draws.
    pub fn of(bootstrap: &PairedBootstrap) -> Self {
        let [low, high] = bootstrap.interval();
        Self { difference: bootstrap.difference, low, high, p: bootstrap.p_value() }
    }
}

/// The share of hypotheses, from 0 to 1, that are the reference to the letter; 0 if there are none.
pub fn exact_match<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
    total(pairs.into_iter().map(|(hypothesis, reference)| exact(hypothesis, reference))).score()
}

fn exact(hypothesis: &str, reference: &str) -> Ratio {
    Ratio::one(f64::from(u8::from(hypothesis == reference)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_match_is_a_share() {
        assert_eq!(exact_match([("a", "a"), ("a", "A"), ("", ""), ("b ", "b")]), 0.5);
        assert_eq!(exact_match([]), 0.0);
    }
}
