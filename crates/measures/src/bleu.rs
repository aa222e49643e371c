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
//! Words are what `mteval-v13a` takes for words: see [`tokenize`].

use crate::bootstrap::{Statistics, total};
use crate::ngrams::{common, is_space, ngrams};
use std::ops::AddAssign;

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
    /// The settings, as sacrebleu 2.6.0 states them: one reference, with case, all four orders, tokenizer 13a,
    /// exponential smoothing.
    pub const SIGNATURE: &str = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0";

    /// The settings of [`sentence_bleu`], which differ in the effective order.
    pub const SENTENCE_SIGNATURE: &str = "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:2.6.0";

    /// The counts of one pair.
    pub fn new(hypothesis: &str, reference: &str) -> Self {
        let [hypothesis, reference] = [hypothesis, reference].map(tokenize);
        let [hypothesis, reference] = [&hypothesis, &reference].map(|text| words(text));
        let matches = |n| common(&ngrams(&hypothesis, n), &ngrams(&reference, n));
        Self {
            reference_length: reference.len() as u64,
            matches: std::array::from_fn(|i| matches(i + 1)),
            totals: std::array::from_fn(|i| hypothesis.len().saturating_sub(i) as u64),
        }
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

/// BLEU of one sentence, over as many orders as it has: sacrebleu's `sentence_bleu`, from 0 to 100.
///
/// It is a rough guide, and means of it are not the BLEU of a corpus.
pub fn sentence_bleu(hypothesis: &str, reference: &str) -> f64 {
    let bleu = Bleu::new(hypothesis, reference);
    bleu.mean_of_orders(bleu.totals.iter().take_while(|&&total| total > 0).count())
}

/// Sets words apart by spaces as NIST's `mteval-v13a` does: marks are words of their own, but for the apostrophe, for a
/// period or comma between digits (`1,234.5`), and for a hyphen that no digit comes before (`well-known`, `2 -3`).
///
/// The rules see ASCII only: `«` and `…` stay with their words.
///
/// ```
/// # use rungs_measures::bleu::tokenize;
/// let words: String = tokenize("It's \"1,234.5\", not 12-13.");
/// assert_eq!(
///     words.split_whitespace().collect::<Vec<_>>(),
///     ["It's", "\"", "1,234.5", "\"", ",", "not", "12", "-", "13", "."]
/// );
/// ```
pub fn tokenize(text: &str) -> String {
    // What comes out of SGML files.
    let text = text.trim_end_matches(is_space).replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");

    // A space at each end: every character has neighbours.
    let mut marked = String::from(" ");
    for character in text.chars() {
        if is_mark(character) { marked.extend([' ', character, ' ']) } else { marked.push(character) }
    }
    marked.push(' ');

    let digit = |c: char| c.is_ascii_digit();
    let point = |c: char| matches!(c, '.' | ',');
    let text = replace_pairs(&marked, |a, b| !digit(a) && point(b), |a, b| [a, ' ', b, ' ']);
    let text = replace_pairs(&text, |a, b| point(a) && !digit(b), |a, b| [' ', a, ' ', b]);
    replace_pairs(&text, |a, b| digit(a) && b == '-', |a, b| [a, ' ', b, ' '])
}

/// What stands between spaces.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.split(is_space).filter(|word| !word.is_empty()).collect()
}

/// The ASCII marks that are words wherever they stand: all but `'`, `,`, `-` and `.`.
fn is_mark(character: char) -> bool {
    character.is_ascii_punctuation() && !matches!(character, '\'' | ',' | '-' | '.')
}

/// Replaces the pairs of neighbours that `found` accepts, from left to right, as a regular expression would: what has
/// been replaced is not looked at again, so pairs do not overlap.
fn replace_pairs(text: &str, found: impl Fn(char, char) -> bool, by: impl Fn(char, char) -> [char; 4]) -> String {
    let mut replaced = String::with_capacity(text.len() + text.len() / 4);
    let mut characters = text.chars().peekable();
    while let Some(a) = characters.next() {
        match characters.next_if(|&b| found(a, b)) {
            Some(b) => replaced.extend(by(a, b)),
            None => replaced.push(a),
        }
    }
    replaced
}
