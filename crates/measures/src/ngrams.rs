//! Runs of words or characters (n-grams), counted, and what parts words.

use std::collections::HashMap;
use std::hash::Hash;

/// How often each run of `n` items occurs.
pub(crate) fn ngrams<T: Hash + Eq>(items: &[T], n: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::new();
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_default() += 1;
    }
    counts
}

/// Σ min(a(g), b(g)) over the n-grams g: how many of the one the other has too, each as often as it has it. It is a
/// sum of whole numbers, so that the order of a hash map never shows.
pub(crate) fn common<T: Hash + Eq>(a: &HashMap<&[T], u64>, b: &HashMap<&[T], u64>) -> u64 {
    a.iter().map(|(ngram, &count)| count.min(b.get(ngram).copied().unwrap_or(0))).sum()
}

/// Python's `str.isspace`, by which sacrebleu cuts words: Unicode's white space and four control characters.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ngram_is_found_as_often_as_both_have_it() {
        let [a, b] = ["abababx", "babab"].map(|text| text.chars().collect::<Vec<_>>());
        let (a, b) = (ngrams(&a, 2), ngrams(&b, 2));
        assert_eq!((a[&['a', 'b'][..]], a[&['b', 'a'][..]], a[&['b', 'x'][..]]), (3, 2, 1));
        assert_eq!(common(&a, &b), 4, "ab three times and twice, ba twice and twice");
        assert!(ngrams(&['a'], 2).is_empty());
    }
}
