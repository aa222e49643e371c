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
//! [rotary positions](crate::positional_encoding) queries and keys are turned before they meet.
//!
//! While a text is generated, the keys and values of earlier positions stay in a
//! [cache](crate::key_value_cache).

use crate::{Angles, Dropout, KeyValueCache, Linear, Mode, Present, parameters};
use rungs_tensor::{AttentionOptions, Element, Tensor};

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
    /// N, the heads of queries.
    pub heads: usize,
    /// M, the heads of keys and values.
    pub key_heads: usize,
    /// Whether no position looks at a later one.
    pub causal: bool,
}

parameters!(SelfAttention { qkv, projection, dropout: _, heads: _, key_heads: _, causal: _ });

impl<E: Element> SelfAttention<E> {
    /// Attention to all positions in N heads of queries that share M heads of keys and values, of these two parts: D →
    /// (N + 2M)·K and N·K → D.
    ///
    /// # Panics
    /// If the parts do not have these widths, or N is not a multiple of M.
    #[track_caller]
    pub fn new(qkv: Linear<E>, projection: Linear<E>, [n, m]: [usize; 2], dropout: Dropout) -> Self {
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
        let parts = self.qkv.forward(x, mode).split(-1, &[n * k, m * k, m * k]);
        let heads_of = |part: usize, heads: usize| parts[part].reshape([b, t, heads, k]);
        let turned = |x: Tensor<E>| angles.map_or_else(|| x.clone(), |angles| angles.turn(&x));
        let queries = turned(heads_of(0, n)); // (B, T, N, K)
        let (keys, values) = (turned(heads_of(1, m)), heads_of(2, m)); // (B, T, M, K)
        let ([keys, values], present) = match cache {
            Some(cache) => (cache.extend(&keys, &values), cache.present()),
            None => ([keys, values], present),
        }; // (B, S, M, K)
        let dropout = self.dropout.of_weights(mode);
        let options = AttentionOptions { causal: self.causal, keys: present, dropout, ..AttentionOptions::default() };
        let heads = queries.attention(&keys, &values, options); // (B, T, N, K)
        let y = self.projection.forward(&heads.reshape([b, t, n * k]), mode); // (B, T, D)
        self.dropout.forward(&y, mode)
    }
}

/// That N heads of equal width fill the queries, and M of keys serve as many of them each.
#[track_caller]
pub(crate) fn check_heads(width: usize, [n, m]: [usize; 2]) {
    assert!(n > 0 && width.is_multiple_of(n), "attention: width {width} is not a multiple of {n} heads");
    assert!(m > 0 && n.is_multiple_of(m), "attention: {n} heads of queries are not a multiple of {m} of keys");
}
