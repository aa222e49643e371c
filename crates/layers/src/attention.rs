//! Multi-head self-attention: every position looks at others of its sequence, and takes what it finds there.
//!
//! ```text
//! Q = xW_Q, K = xW_K, V = xW_V                        in N heads of width K, usually D / N
//! Attention(Q, K, V) = softmax(QKᵀ / √K + L) V        L = 0 where t may look at s, −∞ where it may not
//! y = concat(head_1, …, head_N) W_O
//! ```
//! with x, y (B, T, D); W_Q, W_K and W_V lie side by side in one matrix.
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.2. The √K keeps the scores' variance at 1, where
//! softmax still has a gradient. The middle line is one kernel of the engine, which never holds the T by T scores of a
//! head ([`Tensor::attention`]).
//!
//! What reads sees all positions. What writes must not see what is still to be written: [causal](SelfAttention::causal)
//! attention has s ≤ t. And nobody looks at padding ([`SelfAttention::forward_padded`]). Attention from one sequence to
//! another is [`CrossAttention`](crate::CrossAttention).
//!
//! Keys and values may have fewer heads than queries, M, each of which then serves N / M neighbouring heads of queries
//! (Ainslie et al. 2023, *GQA*): what generation has to keep and to read is smaller by that factor. With
//! [rotary positions](crate::positional) queries and keys are turned before they meet.
//!
//! # The cache
//! When text is generated, the keys and values of earlier positions never change, because no position sees a later
//! one. A [`KeyValueCache`] keeps them, and a forward computes the new positions only. There may be any number of
//! those: query t of the new ones stands at position S_before + t, so the mask is shifted by the length of the cache.
//! However a text is cut into pieces, the results have the same bits as those of one forward over all of it: a masked
//! score adds exactly 0 to the sums it takes part in. Keys are kept turned, so positions need not be known again.

use crate::{Angles, Dropout, Linear, Mode, parameters};
use rungs_tensor::{AttentionOptions, Element, Growing, Ids, Tensor, WeightDropout};
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
    fn present(&self) -> Option<Present> {
        let all = self.len();
        (!self.padding.is_empty()).then(|| self.padding.iter().map(|&count| count..all).collect())
    }

    /// Adds the new positions' keys and values (B, T, M, K), and gives back those of all positions (B, S, M, K).
    #[track_caller]
    fn extend(&mut self, keys: &Tensor<E>, values: &Tensor<E>) -> [Tensor<E>; 2] {
        self.keys.push(&keys.permute([0, 2, 3, 1]));
        self.values.push(&values.permute([0, 2, 1, 3]));
        let [keys, values] = [&self.keys, &self.values].map(|all| all.tensor().expect("something was pushed"));
        [keys.permute([0, 3, 1, 2]), values.permute([0, 2, 1, 3])]
    }
}

/// Multi-head attention of a sequence to itself.
///
/// Parameters: D·(N + 2M)·K + N·K·D, which is 4D² where N = M = D / K, and (N + 2M)·K + D for the biases.
#[derive(Debug, Clone)]
pub struct SelfAttention<E: Element = f32> {
    /// W_Q, W_K and W_V side by side, (D, (N + 2M)·K).
    pub qkv: Linear<E>,
    /// W_O (N·K, D).
    pub projection: Linear<E>,
    /// On the attention weights, and on the way out.
    pub dropout: Dropout,
    heads: usize,
    key_heads: usize,
    causal: bool,
}

parameters!(SelfAttention { qkv, projection, dropout: _, heads: _, key_heads: _, causal: _ });

impl<E: Element> SelfAttention<E> {
    /// Attention to all positions in `heads` heads, each with keys and values of its own, of these two parts: D → 3D
    /// and D → D.
    ///
    /// # Panics
    /// If the parts do not have these widths, or D is not a multiple of the number of heads.
    #[track_caller]
    pub fn new(qkv: Linear<E>, projection: Linear<E>, heads: usize, dropout: Dropout) -> Self {
        Self::grouped(qkv, projection, [heads, heads], dropout)
    }

    /// Attention in N heads of queries that share M heads of keys and values, of these two parts: D → (N + 2M)·K and
    /// N·K → D.
    ///
    /// # Panics
    /// If the parts do not have these widths, or N is not a multiple of M.
    #[track_caller]
    pub fn grouped(qkv: Linear<E>, projection: Linear<E>, [n, m]: [usize; 2], dropout: Dropout) -> Self {
        let ([d, out], [inputs, output]) = (qkv.widths(), projection.widths());
        check_heads(inputs, [n, m]);
        let fit = out == (n + 2 * m) * (inputs / n) && output == d;
        assert!(fit, "attention: parts ({d}, {out}) and ({inputs}, {output}) do not fit {n} and {m} heads");
        Self { qkv, projection, dropout, heads: n, key_heads: m, causal: false }
    }

    /// The same, but no position looks at a later one.
    #[must_use]
    pub fn causal(self) -> Self {
        Self { causal: true, ..self }
    }

    /// Whether no position looks at a later one.
    pub fn is_causal(&self) -> bool {
        self.causal
    }

    /// N.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// M.
    pub fn key_heads(&self) -> usize {
        self.key_heads
    }

    /// K.
    pub fn head_width(&self) -> usize {
        self.projection.widths()[0] / self.heads
    }

    /// x (B, T, D) → y (B, T, D). With angles, those of x's positions, queries and keys are turned by them.
    ///
    /// With a cache, x holds the T positions that follow the cached ones, which are attended to as well; keys and
    /// values of x are added to it. The cache keeps the graph that made them, unless the parameters are
    /// [detached](crate::Module::detached).
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        cache: Option<&mut KeyValueCache<E>>,
        angles: Option<&Angles<E>>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        self.attend(x, cache, angles, None, mode)
    }

    /// x (B, T, D) → y (B, T, D), no position looking at padding. What comes out at a position of padding is of no use,
    /// but finite.
    ///
    /// # Panics
    /// If there is not one range of positions for each sequence, or one ends after T.
    #[track_caller]
    pub fn forward_padded(&self, x: &Tensor<E>, present: &Present, mode: &mut Mode<'_>) -> Tensor<E> {
        self.attend(x, None, None, Some(present.clone()), mode)
    }

    #[track_caller]
    fn attend(
        &self,
        x: &Tensor<E>,
        cache: Option<&mut KeyValueCache<E>>,
        angles: Option<&Angles<E>>,
        present: Option<Present>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let [b, t, _] = x.dims();
        let (n, m, k) = (self.heads, self.key_heads, self.head_width());
        let parts = self.qkv.forward_in(x, mode).split(-1, &[n * k, m * k, m * k]);
        let heads_of = |part: usize, heads: usize| parts[part].reshape([b, t, heads, k]);
        let turned = |x: Tensor<E>| angles.map_or_else(|| x.clone(), |angles| angles.turn(&x));
        let queries = turned(heads_of(0, n)); // (B, T, N, K)
        let (keys, values) = (turned(heads_of(1, m)), heads_of(2, m)); // (B, T, M, K)
        let ([keys, values], present) = match cache {
            Some(cache) => (cache.extend(&keys, &values), cache.present()),
            None => ([keys, values], present),
        }; // (B, S, M, K)
        let dropout = weight_dropout(self.dropout, mode);
        let options = AttentionOptions { causal: self.causal, keys: present, dropout, ..AttentionOptions::default() };
        let heads = queries.attention(&keys, &values, options); // (B, T, N, K)
        let y = self.projection.forward_in(&heads.reshape([b, t, n * k]), mode); // (B, T, D)
        self.dropout.forward(&y, mode)
    }
}

/// That N heads of equal width fill the queries, and M of keys serve as many of them each.
#[track_caller]
pub(crate) fn check_heads(width: usize, [n, m]: [usize; 2]) {
    assert!(n > 0 && width.is_multiple_of(n), "attention: width {width} is not a multiple of {n} heads");
    assert!(m > 0 && n.is_multiple_of(m), "attention: {n} heads of queries are not a multiple of {m} of keys");
}

/// Which attention weights are dropped in this forward, if any are.
pub(crate) fn weight_dropout(dropout: Dropout, mode: &mut Mode<'_>) -> Option<WeightDropout> {
    match mode {
        Mode::Train(rng) if dropout.probability() > 0.0 => {
            Some(WeightDropout { probability: dropout.probability(), seed: rng.u64() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bias, Init};
    use rungs_tensor::{Array, Rng};

    fn tensor(shape: [usize; 3], rng: &mut Rng) -> Tensor<f64> {
        Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
    }

    #[test]
    fn what_stands_in_the_padding_of_a_cache_never_matters() {
        let rng = &mut Rng::new(3);
        let linear = |inputs, outputs, rng: &mut Rng| Linear::new(inputs, outputs, Bias::Yes, Init::XavierUniform, rng);
        let (qkv, projection) = (linear(6, 10, rng), linear(6, 6, rng));
        let attention = SelfAttention::grouped(qkv, projection, [3, 1], Dropout::new(0.0)).causal();
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
