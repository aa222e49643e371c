//! How merges are learnt: the two neighbours that occur together most often become one symbol, again and again.
//!
//! Gage (1994) compresses data like this; Sennrich et al. (2016) stop at a wanted vocabulary and never merge across
//! words. A word is counted once, with how often the text has it, so the cost depends on the different words. With n(w)
//! the count of a word and n(a b; w) how often b follows a in it, as it is cut by then,
//!
//! ```text
//! count(a b) = Σ_w n(w) · n(a b; w),    the next merge is the pair of the largest count
//! ```
//!
//! **Ties** go to the pair whose left symbol has the smaller id, then to the smaller right one; ids follow the order in
//! which symbols came to be. Nothing else decides, so the same text gives the same merges on every machine. A pair must
//! occur twice: what occurs once is no regularity.
//!
//! A merge changes the counts of its neighbours alone. So a heap holds the pairs with the counts they had when they
//! were put there, an index the words that may have each pair, and a merge costs what it changes.

use super::merges::Pair;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// How often a pair must occur to be merged.
const TWICE: i64 = 2;

/// What was learnt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Learnt {
    /// The bytes of every symbol, in the order of ids.
    pub(super) symbols: Vec<Vec<u8>>,
    /// The pairs in the order in which they were merged. Two may give the same symbol: `ab|c` and `a|bc`.
    pub(super) merges: Vec<Pair>,
}

/// Learns merges until there are `size` symbols, or no pair occurs twice. The first symbols are `first`; every byte has
/// to be one of them. `words` are different words and how often each occurs.
pub(super) fn learn<'t>(words: impl IntoIterator<Item = (&'t str, u64)>, first: Vec<Vec<u8>>, size: usize) -> Learnt {
    let mut ids: HashMap<Vec<u8>, u32> = (0..).zip(&first).map(|(id, symbol)| (symbol.clone(), id)).collect();
    let byte = |byte: u8| ids[&[byte][..]];
    let cut = |(word, count): (&str, u64)| Word { symbols: word.bytes().map(byte).collect(), count: count as i64 };
    let mut words: Vec<Word> = words.into_iter().map(cut).collect();
    let mut learnt = Learnt { symbols: first, merges: Vec::new() };
    let mut pairs = Pairs::of(&words);
    while learnt.symbols.len() < size
        && let Some((left, right)) = pairs.take_most_frequent()
    {
        let symbol = [&learnt.symbols[left as usize][..], &learnt.symbols[right as usize]].concat();
        let id = *ids.entry(symbol).or_insert_with_key(|symbol| {
            learnt.symbols.push(symbol.clone());
            learnt.symbols.len() as u32 - 1
        });
        learnt.merges.push((left, right));
        for index in pairs.take_words((left, right)) {
            words[index as usize].merge((left, right), id, |pair, change| pairs.change(pair, change, index));
        }
        pairs.wait();
    }
    learnt
}

/// A word as it is cut by now.
struct Word {
    symbols: Vec<u32>,
    count: i64,
}

impl Word {
    /// Puts `merged` for every occurrence of a pair, from left to right, and reports how the counts of other pairs
    /// change.
    fn merge(&mut self, (left, right): Pair, merged: u32, mut change: impl FnMut(Pair, i64)) {
        let mut change = |a, b, by| {
            if (a, b) != (left, right) {
                change((a, b), by)
            }
        };
        let count = self.count;
        let old = std::mem::take(&mut self.symbols);
        let occurs = |at: usize| old.get(at..at + 2) == Some(&[left, right]);
        let mut at = 0;
        while at < old.len() {
            if !occurs(at) {
                self.symbols.push(old[at]);
                at += 1;
                continue;
            }
            if let Some(&before) = self.symbols.last() {
                change(old[at - 1], left, -count);
                change(before, merged, count);
            }
            // If the pair follows once more, it reports what is between the two.
            if at + 2 < old.len() && !occurs(at + 2) {
                change(right, old[at + 2], -count);
                change(merged, old[at + 2], count);
            }
            self.symbols.push(merged);
            at += 2;
        }
    }
}

/// The pairs of all words.
struct Pairs {
    /// What is known of each. It is only asked for what it holds, so that the order of a hash map never shows.
    known: HashMap<Pair, Occurrences>,
    /// Pairs to be merged, with counts that may have fallen since.
    waiting: BinaryHeap<(i64, Reverse<Pair>)>,
    /// Pairs that have become more frequent since they were put there.
    grown: BTreeSet<Pair>,
}

#[derive(Default)]
struct Occurrences {
    count: i64,
    /// The words that have had the pair since it was last merged.
    words: Vec<u32>,
}

impl Pairs {
    fn of(words: &[Word]) -> Self {
        let mut pairs = Self { known: HashMap::new(), waiting: BinaryHeap::new(), grown: BTreeSet::new() };
        for (index, word) in (0..).zip(words) {
            word.symbols.windows(2).for_each(|pair| pairs.change((pair[0], pair[1]), word.count, index));
        }
        pairs.wait();
        pairs
    }

    /// A pair has become more frequent or less, because of a word.
    fn change(&mut self, pair: Pair, by: i64, word: u32) {
        let known = self.known.entry(pair).or_default();
        known.count += by;
        if by > 0 {
            if known.words.last() != Some(&word) {
                known.words.push(word);
            }
            self.grown.insert(pair);
        }
    }

    /// Puts the pairs that have become more frequent where they wait to be merged.
    fn wait(&mut self) {
        for pair in std::mem::take(&mut self.grown) {
            self.waiting.push((self.known[&pair].count, Reverse(pair)));
        }
    }

    /// The pair of the largest count, which is then forgotten; none if none occurs twice.
    fn take_most_frequent(&mut self) -> Option<Pair> {
        loop {
            let (count, Reverse(pair)) = self.waiting.pop()?;
            let Some(known) = self.known.get_mut(&pair) else { continue };
            match known.count {
                now if now < TWICE => {}
                now if now < count => self.waiting.push((now, Reverse(pair))),
                _ => {
                    known.count = 0;
                    return Some(pair);
                }
            }
        }
    }

    /// The words that may have a pair, each once.
    fn take_words(&mut self, pair: Pair) -> Vec<u32> {
        let mut words = self.known.remove(&pair).unwrap_or_default().words;
        words.sort_unstable();
        words.dedup();
        words
    }
}

#[cfg(test)]
mod tests {
    use super::super::alphabet::ORDER;
    use super::*;

    fn bytes() -> Vec<Vec<u8>> {
        ORDER.iter().map(|&byte| vec![byte]).collect()
    }

    fn learnt(words: &[(&str, u64)], size: usize) -> Vec<String> {
        let learnt = learn(words.iter().copied(), bytes(), size);
        learnt.symbols[256..].iter().map(|symbol| String::from_utf8_lossy(symbol).into_owned()).collect()
    }

    #[test]
    fn the_most_frequent_pair_comes_first() {
        // Sennrich et al. (2016), section 3.2, without their end-of-word mark: e s occurs 9 times, and so does s t.
        let words = [("low", 5), ("lower", 2), ("newest", 6), ("widest", 3)];
        assert_eq!(learnt(&words, 256 + 6), ["es", "est", "lo", "low", "ew", "new"]);
    }

    #[test]
    fn ties_go_to_the_smaller_ids() {
        assert_eq!(learnt(&[("cd", 2), ("ba", 2), ("bc", 2)], 256 + 3), ["ba", "bc", "cd"]);
    }

    #[test]
    fn what_occurs_once_is_not_merged() {
        assert_eq!(learnt(&[("ab", 1), ("cd", 1)], 1000), [""; 0]);
        assert_eq!(learnt(&[("abab", 1)], 1000), ["ab"], "abab itself occurs once");
        assert_eq!(learnt(&[("aaa", 1)], 1000), ["aa"], "two windows, as everyone counts them");
    }

    /// The rule as it is stated: all pairs are counted anew before every merge.
    fn by_the_rule(words: &[(&str, u64)], size: usize) -> Learnt {
        let mut cut: Vec<(Vec<Vec<u8>>, u64)> =
            words.iter().map(|(word, count)| (word.bytes().map(|byte| vec![byte]).collect(), *count)).collect();
        let mut learnt = Learnt { symbols: bytes(), merges: Vec::new() };
        while learnt.symbols.len() < size {
            let mut counts: HashMap<Pair, u64> = HashMap::new();
            let id = |symbol: &Vec<u8>| learnt.symbols.iter().position(|known| known == symbol).unwrap() as u32;
            for (word, count) in &cut {
                word.windows(2).for_each(|pair| *counts.entry((id(&pair[0]), id(&pair[1]))).or_default() += count);
            }
            let most = counts.into_iter().filter(|&(_, count)| count >= 2).min_by_key(|&(pair, n)| (Reverse(n), pair));
            let Some((pair, _)) = most else { break };
            let [a, b] = [pair.0, pair.1].map(|id| learnt.symbols[id as usize].clone());
            let merged = [&a[..], &b].concat();
            for (word, _) in &mut cut {
                let mut at = 0;
                while at + 1 < word.len() {
                    if word[at] == a && word[at + 1] == b {
                        word.splice(at..at + 2, [merged.clone()]);
                    }
                    at += 1;
                }
            }
            learnt.merges.push(pair);
            if !learnt.symbols.contains(&merged) {
                learnt.symbols.push(merged);
            }
        }
        learnt
    }

    #[test]
    fn changed_counts_are_the_counts() {
        let mut state = 7_u64;
        let mut below = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for round in 0..40 {
            let letters = 2 + round % 3;
            let words: Vec<(String, u64)> = (0..12)
                .map(|_| ((0..below(14)).map(|_| char::from(b'a' + below(letters) as u8)).collect(), 1 + below(4)))
                .collect();
            let words: Vec<(&str, u64)> = words.iter().map(|(word, count)| (word.as_str(), *count)).collect();
            let size = 256 + 1 + below(60) as usize;
            assert_eq!(learn(words.iter().copied(), bytes(), size), by_the_rule(&words, size), "{words:?}");
        }
    }
}
