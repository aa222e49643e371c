//! The keys and values of earlier positions, kept while a text is generated.
//!
//! They never change, because no position sees a later one. A [`KeyValueCache`] keeps them, and a
//! [forward](crate::SelfAttention::forward) computes the new positions only. There may be any number of those: query t
//! of the new ones stands at position S_before + t, so the mask is shifted by the length of the cache. However a text
//! is cut into pieces, the results have the same bits as those of one forward over all of it: a masked score adds
//! exactly 0 to the sums it takes part in. Keys are kept turned, so positions need not be known again.

use rungs_tensor::{Element, Growing, Ids, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// Which positions of each sequence of a batch are there; the others are padding, before them or after.
pub type Present = Arc<[Range<usize>]>;

/// The keys and values of the positions seen so far.
///
/// Of each head, keys lie in memory as a matrix (K, S) and values as (S, C): in that order they are read when one more
/// position looks at all of them.
#[derive(Debug, Clone)]
pub struct KeyValueCache<E: Element = f32> {
    /// (B, M, K, S).
    keys: Growing<E>,
    /// (B, M, S, C).
    values: Growing<E>,
    /// How many of the first positions of each row are padding; none of any row if empty.
    padding: Vec<usize>,
}

impl<E: Element> Default for KeyValueCache<E> {
    fn default() -> Self {
        Self { keys: Growing::new(3), values: Growing::new(2), padding: Vec::new() }
    }
}

impl<E: Element> KeyValueCache<E> {
    /// A cache of no positions.
    pub fn new() -> Self {
        Self::default()
    }

    /// S, the number of positions.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the first positions of each row are padding, which nobody looks at; empty if there is none.
    pub fn padding(&self) -> &[usize] {
        &self.padding
    }

    /// Goes on with some rows of the batch, some perhaps several times, without what is padding in all of them. Nothing
    /// is copied that [stays where it was](Growing::select_rows).
    pub fn select_rows(&mut self, rows: &Ids) {
        self.keys.select_rows(rows);
        self.values.select_rows(rows);
        self.padding = rows.as_slice().iter().filter_map(|&row| self.padding.get(row as usize)).copied().collect();
        let least = self.padding.iter().copied().min().unwrap_or(0);
        if least > 0 {
            self.keys.skip(least);
            self.values.skip(least);
            self.padding.iter_mut().for_each(|count| *count -= least);
        }
        if self.padding.iter().all(|&count| count == 0) {
            self.padding.clear();
        }
    }

    /// The rows of several caches, one after another. Where they are of different lengths, the shorter ones are padded
    /// in front.
    ///
    /// # Panics
    /// If there are none, or one has seen nothing.
    #[track_caller]
    pub fn merged(caches: &[Self]) -> Self {
        let longest = caches.iter().map(Self::len).max().expect("a cache to merge");
        let stack = |of: fn(&Self) -> &Growing<E>, axis: usize| {
            let padded = |cache: &Self| {
                let tensor = of(cache).tensor().expect("a cache that has seen something");
                tensor.pad(axis as isize, longest - cache.len(), 0, 0.0)
            };
            let mut all = Growing::new(axis);
            all.push(&Tensor::concat(&caches.iter().map(padded).collect::<Vec<_>>(), 0));
            all
        };
        let padding = |cache: &Self| {
            let rows = cache.keys.tensor().map_or(0, |keys| keys.shape().dim(0));
            let more = longest - cache.len();
            (0..rows).map(|row| more + cache.padding.get(row).copied().unwrap_or(0)).collect::<Vec<_>>()
        };
        let padding: Vec<usize> = caches.iter().flat_map(padding).collect();
        let padding = if padding.iter().all(|&count| count == 0) { Vec::new() } else { padding };
        Self { keys: stack(|cache| &cache.keys, 3), values: stack(|cache| &cache.values, 2), padding }
    }

    /// Forgets all but the first positions.
    ///
    /// # Panics
    /// If it has seen fewer.
    #[track_caller]
    pub fn truncate(&mut self, positions: usize) {
        self.keys.truncate(positions);
        self.values.truncate(positions);
    }

    /// Which positions are none of padding, where some are.
    pub(crate) fn present(&self) -> Option<Present> {
        let all = self.len();
        (!self.padding.is_empty()).then(|| self.padding.iter().map(|&count| count..all).collect())
    }

    /// Adds the new positions' keys and values (B, T, M, K), and gives back those of all positions (B, S, M, K).
    #[track_caller]
    pub(crate) fn extend(&mut self, keys: &Tensor<E>, values: &Tensor<E>) -> [Tensor<E>; 2] {
        self.keys.push(&keys.permute([0, 2, 3, 1]));
        self.values.push(&values.permute([0, 2, 1, 3]));
        let [keys, values] = [&self.keys, &self.values].map(|all| all.tensor().expect("something was pushed"));
        [keys.permute([0, 3, 1, 2]), values.permute([0, 2, 1, 3])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bias, Dropout, Init, Linear, Mode, SelfAttention};
    use rungs_tensor::{Array, Rng};

    fn tensor(shape: [usize; 3], rng: &mut Rng) -> Tensor<f64> {
        Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
    }

    #[test]
    fn what_stands_in_the_padding_of_a_cache_never_matters() {
        let rng = &mut Rng::new(3);
        let linear = |inputs, outputs, rng: &mut Rng| Linear::new(inputs, outputs, Bias::Yes, Init::XavierUniform, rng);
        let (qkv, projection) = (linear(6, 10, rng), linear(6, 6, rng));
        let attention = SelfAttention::new(qkv, projection, [3, 1], Dropout::new(0.0)).causal();
        let mut read = |positions: usize| {
            let mut cache = KeyValueCache::new();
            attention.forward(&tensor([2, positions, 6], rng), Some(&mut cache), None, &mut Mode::Eval);
            cache
        };
        // The second text is shorter than the first. Its padding is zeros here, and anything there.
        let (long, short, anything) = (read(70), read(5), read(65));
        let padded = KeyValueCache::merged(&[long.clone(), short.clone()]);
        let mut filled = long.clone();
        filled.keys = Growing::new(3);
        filled.values = Growing::new(2);
        for (all, of) in [(&mut filled.keys, 0), (&mut filled.values, 1)] {
            let part = |cache: &KeyValueCache<f64>| [&cache.keys, &cache.values][of].tensor().unwrap();
            let axis = if of == 0 { 3 } else { 2 };
            let second = Tensor::concat(&[part(&anything), part(&short)], axis);
            all.push(&Tensor::concat(&[part(&long), second], 0));
        }
        filled.padding = padded.padding.clone();
        assert_eq!(padded.padding, [0, 0, 65, 65]);
        let x = tensor([4, 2, 6], rng);
        let after = |mut cache: KeyValueCache<f64>, x: &Tensor<f64>| {
            attention.forward(x, Some(&mut cache), None, &mut Mode::Eval).to_vec()
        };
        let with_zeros = after(padded.clone(), &x);
        assert_eq!(with_zeros, after(filled, &x));
        // Nor does it matter that it is there, but for rounding; where all rows have some, it goes.
        let alone = after(short, &x.slice(0, 2..4));
        assert!(with_zeros[24..].iter().zip(&alone).all(|(a, b)| (a - b).abs() < 1e-12));
        let mut rows = padded;
        rows.select_rows(&Ids::new([2, 3], 2));
        assert_eq!((rows.len(), rows.padding.len()), (5, 0));
        assert_eq!(after(rows, &x.slice(0, 2..4)), alone);
    }
}
