//! Merges, the rules of byte-pair encoding, and how they are applied.
//!
//! A merge (a, b) → c makes one symbol of two neighbours. The rank of a merge is its place in the order in which they
//! were learnt, and a word is encoded as the learning would have cut it: again and again, among all neighbours of which
//! there is a merge, that of the lowest rank is made, the leftmost first, until there is none.
//!
//! A word of n symbols costs O(n log n): its symbols are a linked list, and the merges that can be made wait in a heap.
//! Most words are short, but a tokenizer like Llama's cuts a text into no words at all.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Two symbols that stand side by side.
pub(super) type Pair = (u32, u32);

/// The merges of a vocabulary.
#[derive(Debug, Clone, Default)]
pub(super) struct Merges {
    /// The rank of a pair, and the symbol that it becomes. It is only asked for what it holds.
    rules: HashMap<Pair, (u32, u32)>,
}

impl Merges {
    /// The merges in the order of their ranks. Where one is listed twice, the last counts, as in Hugging Face's
    /// library.
    pub(super) fn new(ranked: impl IntoIterator<Item = (Pair, u32)>) -> Self {
        Self { rules: (0..).zip(ranked).map(|(rank, (pair, merged))| (pair, (rank, merged))).collect() }
    }

    /// Merges the symbols of a word.
    pub(super) fn apply(&self, word: &mut Vec<u32>) {
        if word.len() < 2 {
            return;
        }
        let mut list = Linked::new(word);
        let merge = |list: &Linked<'_>, at: usize| {
            let &(rank, merged) = self.rules.get(&list.pair(at)?)?;
            Some(Reverse((rank, at, merged)))
        };
        let mut waiting: BinaryHeap<_> = (0..list.symbols.len()).filter_map(|at| merge(&list, at)).collect();
        while let Some(Reverse((_, at, merged))) = waiting.pop() {
            // A merge before this one may have taken one of the two symbols. Another pair may stand there by now: if it
            // becomes the same symbol, it is merged at this rank instead of its own, as in Hugging Face's library.
            if merge(&list, at).is_some_and(|Reverse((.., now))| now == merged) {
                list.merge(at, merged);
                waiting.extend(list.before(at).into_iter().chain([at]).filter_map(|at| merge(&list, at)));
            }
        }
        list.gather();
    }
}

/// The symbols of a word, some of which are gone.
struct Linked<'w> {
    symbols: &'w mut Vec<u32>,
    /// Where the symbols before and after each one are; past the end for none, and for a symbol that is gone.
    links: Vec<[usize; 2]>,
}

/// No place.
const NONE: usize = usize::MAX;

impl<'w> Linked<'w> {
    fn new(symbols: &'w mut Vec<u32>) -> Self {
        let last = symbols.len() - 1;
        let link = |at| [if at == 0 { NONE } else { at - 1 }, if at == last { NONE } else { at + 1 }];
        let links = (0..=last).map(link).collect();
        Self { symbols, links }
    }

    fn before(&self, at: usize) -> Option<usize> {
        Some(self.links[at][0]).filter(|&place| place != NONE)
    }

    /// The symbol at a place and the one after it.
    fn pair(&self, at: usize) -> Option<Pair> {
        let [_, next] = self.links[at];
        Some((self.symbols[at], *self.symbols.get(next)?))
    }

    /// Puts `merged` for the symbol at a place and the one after it, of which there is one.
    fn merge(&mut self, at: usize, merged: u32) {
        let [_, gone] = self.links[at];
        let [_, next] = self.links[gone];
        self.symbols[at] = merged;
        self.links[at][1] = next;
        self.links[gone] = [NONE, NONE];
        if next != NONE {
            self.links[next][0] = at;
        }
    }

    /// Closes the gaps. The first symbol is never gone: a merge keeps the left place.
    fn gather(self) {
        let (mut at, mut kept) = (0, 0);
        while at != NONE {
            self.symbols[kept] = self.symbols[at];
            kept += 1;
            at = self.links[at][1];
        }
        self.symbols.truncate(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule as it is stated, by looking at the whole word each time.
    fn by_the_rule(merges: &Merges, word: &[u32]) -> Vec<u32> {
        let mut word = word.to_vec();
        loop {
            let rule = |at: usize| merges.rules.get(&(word[at], *word.get(at + 1)?)).map(|rule| (rule.0, at, rule.1));
            let Some((_, at, merged)) = (0..word.len()).filter_map(rule).min() else { return word };
            word.splice(at..at + 2, [merged]);
        }
    }

    #[test]
    fn the_lowest_rank_is_merged_first_and_the_leftmost() {
        // 0 1 2 are a b c; 3 is bc, 4 is ab, 5 is aa, 6 is aaa.
        let merges = Merges::new([((1, 2), 3), ((0, 1), 9), ((0, 1), 4), ((0, 0), 5), ((5, 0), 6)]);
        let merged = |word: &[u32]| {
            let mut merged = word.to_vec();
            merges.apply(&mut merged);
            assert_eq!(merged, by_the_rule(&merges, word), "{word:?}");
            merged
        };
        assert_eq!(merged(&[0, 1, 2]), [0, 3], "bc came before ab");
        assert_eq!(merged(&[0, 1, 1, 2, 0, 1]), [4, 3, 4]);
        assert_eq!(merged(&[0, 0, 0, 0, 0]), [5, 6]);
        assert_eq!(merged(&[2]), [2]);
        assert_eq!(merged(&[]), [0; 0]);
    }

    #[test]
    fn the_heap_does_what_the_rule_says() {
        let mut state = 1_u64;
        let mut below = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % n) as u32
        };
        for _ in 0..300 {
            // Merges of whatever there is into something new: also such as no learning would give.
            let symbols = 3 + below(6);
            let merges: Vec<_> = (0..below(12)).map(|i| ((below(9 + u64::from(i)), below(9)), symbols + i)).collect();
            let merges = Merges::new(merges);
            let word: Vec<u32> = (0..below(30)).map(|_| below(u64::from(symbols))).collect();
            let mut merged = word.clone();
            merges.apply(&mut merged);
            assert_eq!(merged, by_the_rule(&merges, &word), "{merges:?} of {word:?}");
        }
    }
}
