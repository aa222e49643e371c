//! Causal self-attention: every position looks at itself and all earlier ones, and takes what it finds there.
//!
//! ```text
//! Q = xW_Q, K = xW_K, V = xW_V                        in N heads of width K = D / N
//! Attention(Q, K, V) = softmax(QKᵀ / √K + M) V        M = 0 where s ≤ t, −∞ where s > t
//! y = concat(head_1, …, head_N) W_O
//! ```
//! with x, y (B, T, D); W_Q, W_K and W_V lie side by side in one (D, 3D), W_O is (D, D).
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.2. The √K keeps the scores' variance at 1, where
//! softmax still has a gradient.
//!
//! # The cache
//! When text is generated, the keys and values of earlier positions never change, because no position sees a later
//! one. A [`KeyValueCache`] keeps them, and a forward computes the new positions only. There may be any number of
//! those: query t of the new ones stands at position S_before + t, so the mask is shifted by the length of the cache.
//! However a text is cut into pieces, the results have the same bits as those of one forward over all of it: a masked
//! score adds exactly 0 to the sums it takes part in.

use crate::{Dropout, Linear, Mode, parameters};
use rungs_tensor::{AttentionOptions, Element, Ids, Tensor, WeightDropout};

/// The keys and values of the positions seen so far, each (B, S, N, K).
#[derive(Debug, Clone)]
pub struct KeyValueCache<E: Element = f32> {
    past: Option<[Tensor<E>; 2]>,
}

impl<E: Element> Default for KeyValueCache<E> {
    fn default() -> Self {
        Self { past: None }
    }
}

impl<E: Element> KeyValueCache<E> {
    /// A cache of no positions.
    pub fn new() -> Self {
        Self::default()
    }

    /// S, the number of positions.
    pub fn len(&self) -> usize {
        self.past.as_ref().map_or(0, |[keys, _]| keys.shape().dim(1))
    }

    /// Whether nothing was seen yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The caches of some rows of the batch, some perhaps several times.
    pub fn rows(&self, rows: &Ids) -> Self {
        Self { past: self.past.as_ref().map(|past| past.each_ref().map(|tensor| tensor.select(0, rows))) }
    }

    /// Adds the new positions' keys and values (B, T, N, K), and gives back those of all positions (B, S, N, K).
    #[track_caller]
    fn extend(&mut self, keys: Tensor<E>, values: Tensor<E>) -> [Tensor<E>; 2] {
        let all = match self.past.take() {
            None => [keys, values],
            Some([past_keys, past_values]) => {
                [Tensor::concat(&[past_keys, keys], 1), Tensor::concat(&[past_values, values], 1)] // (B, S, N, K)
            }
        };
        self.past.insert(all).clone()
    }
}

/// Multi-head attention of a sequence to its own past.
///
/// Parameters: 4D², and 4D for the biases.
#[derive(Debug, Clone)]
pub struct CausalSelfAttention<E: Element = f32> {
    /// W_Q, W_K and W_V side by side, (D, 3D).
    pub qkv: Linear<E>,
    /// W_O (D, D).
    pub projection: Linear<E>,
    /// On the attention weights, and on the way out.
    pub dropout: Dropout,
    heads: usize,
}

parameters!(CausalSelfAttention { qkv, projection, dropout: _, heads: _ });

impl<E: Element> CausalSelfAttention<E> {
    /// Attention in `heads` heads, of these two parts: D → 3D and D → D.
    ///
    /// # Panics
    /// If the parts do not have these widths, or D is not a multiple of the number of heads.
    #[track_caller]
    pub fn new(qkv: Linear<E>, projection: Linear<E>, heads: usize, dropout: Dropout) -> Self {
        let [d, three_d] = qkv.widths();
        let output = projection.widths();
        assert!(three_d == 3 * d && output == [d, d], "attention: parts ({d}, {three_d}) and {output:?} do not fit");
        assert!(heads > 0 && d % heads == 0, "attention: width {d} is not a multiple of {heads} heads");
        Self { qkv, projection, dropout, heads }
    }

    /// N.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// x (B, T, D) → y (B, T, D).
    ///
    /// With a cache, x holds the T positions that follow the cached ones, which are attended to as well; keys and
    /// values of x are added to it. The cache keeps the graph that made them, unless the parameters are
    /// [detached](crate::Module::detached).
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, cache: Option<&mut KeyValueCache<E>>, mode: &mut Mode<'_>) -> Tensor<E> {
        let [b, t, d] = x.dims();
        let (n, k) = (self.heads, d / self.heads);
        let split_heads = |x: Tensor<E>| x.reshape([b, t, n, k]); // (B, T, N, K)
        let [queries, keys, values] = self.qkv.forward(x).chunks(-1).map(split_heads);
        let [keys, values] = match cache {
            Some(cache) => cache.extend(keys, values),
            None => [keys, values],
        }; // (B, S, N, K)
        let dropout = match mode {
            Mode::Train(rng) if self.dropout.probability() > 0.0 => {
                Some(WeightDropout { probability: self.dropout.probability(), seed: rng.u64() })
            }
            _ => None,
        };
        let options = AttentionOptions { causal: true, dropout, ..AttentionOptions::default() };
        let heads = queries.attention(&keys, &values, options); // (B, T, N, K)
        let y = self.projection.forward(&heads.reshape([b, t, d])); // (B, T, D)
        self.dropout.forward(&y, mode)
    }
}
