//! How much a model repeats itself: measures of what was written alone, beside no reference.
//!
//! ```text
//! distinct-n   = different n-grams of all texts together / all their n-grams
//! repetition-n = Σ over texts of n-grams that stood earlier in the same text / all their n-grams
//! ```
//!
//! n-grams lie within a text. *distinct-n* (Li et al. 2016, [1510.03055](https://arxiv.org/abs/1510.03055)) falls when
//! a model gives the same answer to everything; it falls with the number of texts too, so that it compares models on
//! the same inputs and nothing else. The paper divides by the number of words; with the number of n-grams, as most do
//! now, texts in which nothing comes twice have 1 for every n. *repetition-n* rises when a model falls into a loop. Of
//! one text it is 1 − different / all n-grams, `seq-rep-n` of Welleck et al. (2020,
//! [1908.04319](https://arxiv.org/abs/1908.04319)), who take n = 4; of many, n-grams are added up before anything is
//! divided, so texts without one have no say. Where there is no n-gram at all, both are 0.
//!
//! What the items are is up to the caller: words, or tokens. [`Quality`](super::Quality) takes words, those of
//! [BLEU](super::BleuTokenizer).

use std::collections::HashSet;
use std::hash::Hash;

/// distinct-n of texts, above 0 and up to 1.
///
/// # Panics
/// If `n` is 0.
pub fn distinct<T: Hash + Eq>(texts: &[impl AsRef<[T]>], n: usize) -> f64 {
    let ngrams = || texts.iter().flat_map(|text| text.as_ref().windows(n));
    share(ngrams().collect::<HashSet<_>>().len(), ngrams().count())
}

/// repetition-n of texts, from 0 to below 1.
///
/// # Panics
/// If `n` is 0.
pub fn repetition<T: Hash + Eq>(texts: &[impl AsRef<[T]>], n: usize) -> f64 {
    let ngrams = || texts.iter().map(|text| text.as_ref().windows(n));
    let all = ngrams().flatten().count();
    let different: usize = ngrams().map(|ngrams| ngrams.collect::<HashSet<_>>().len()).sum();
    share(all - different, all)
}

fn share(some: usize, all: usize) -> f64 {
    some as f64 / all.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(texts: &[&str]) -> Vec<Vec<char>> {
        texts.iter().map(|text| text.chars().collect()).collect()
    }

    #[test]
    fn by_hand() {
        // ab ba ab | ab b.: of five pairs ab, ba and b. are different; within the first text one comes again.
        let texts = letters(&["abab", "ab.", "a", ""]);
        assert_eq!(distinct(&texts, 1), 3.0 / 8.0);
        assert_eq!(distinct(&texts, 2), 3.0 / 5.0);
        assert_eq!(repetition(&texts, 1), 2.0 / 8.0);
        assert_eq!(repetition(&texts, 2), 1.0 / 5.0);
        assert_eq!((distinct(&texts, 5), repetition(&texts, 5)), (0.0, 0.0));
    }

    #[test]
    fn a_loop_is_almost_all_repetition() {
        let texts = letters(&[&"ab".repeat(50)]);
        assert_eq!(repetition(&texts, 4), 1.0 - 2.0 / 97.0);
        assert_eq!(distinct(&texts, 4), 2.0 / 97.0);
    }
}
