//! Multi-head attention from one sequence to another: a decoder looks at what an encoder has shown.
//!
//! ```text
//! Q = xW_Q, K = sW_K, V = sW_V                        in N heads of width K, usually D / N
//! y = concat(head_1, …, head_N) W_O                   head = softmax(QKᵀ / √K + L) V
//! ```
//! with x, y (B, T, D), s (B, S, D_s); L is −∞ on padding and 0 elsewhere: every position sees the whole source.
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.2.3.
//!
//! Beside [attention over a recurrent encoder](crate::attention) the score is a scaled product and there are
//! several of them, each of which reads from another part of the source. Keys and values depend on the source alone, so
//! they are computed once for it ([`SourceMemory`]), whatever is written afterwards, and in however many steps.

use crate::self_attention::check_heads;
use crate::{Dropout, Linear, Mode, Present, SourceMemory, parameters};
use rungs_tensor::{AttentionOptions, Element, Tensor};

/// Multi-head attention to another sequence.
///
/// Parameters: D·N·K + D_s·2M·K + N·K·D, which is 4D² where all widths are D, and (N + 2M)·K + D for the biases.
#[derive(Debug, Clone)]
pub struct CrossAttention<E: Element = f32> {
    /// W_Q (D, N·K).
    pub query: Linear<E>,
    /// W_K and W_V side by side, (D_s, 2M·K).
    pub key_value: Linear<E>,
    /// W_O (N·K, D).
    pub projection: Linear<E>,
    /// On the attention weights, and on the way out.
    pub dropout: Dropout,
    /// N, the heads of queries.
    pub heads: usize,
    /// M, the heads of keys and values.
    pub key_heads: usize,
}

parameters!(CrossAttention { query, key_value, projection, dropout: _, heads: _, key_heads: _ });

impl<E: Element> CrossAttention<E> {
    /// Attention in N heads of queries that share M heads of keys and values, of these parts: D → N·K, D_s → 2M·K and
    /// N·K → D.
    ///
    /// # Panics
    /// If the parts do not have these widths, or N is not a multiple of M.
    #[track_caller]
    pub fn new(
        query: Linear<E>,
        key_value: Linear<E>,
        projection: Linear<E>,
        [n, m]: [usize; 2],
        dropout: Dropout,
    ) -> Self {
        let ([d, width], [_, pairs], [inputs, output]) = (query.widths(), key_value.widths(), projection.widths());
        check_heads(inputs, [n, m]);
        let fit = width == inputs && pairs == 2 * m * (inputs / n) && output == d;
        assert!(
            fit,
            "attention: parts of {width}, {pairs} and ({inputs}, {output}) do not fit queries of {d}, {n} and {m} heads"
        );
        Self { query, key_value, projection, dropout, heads: n, key_heads: m }
    }

    /// K.
    pub fn head_width(&self) -> usize {
        self.projection.widths()[0] / self.heads
    }

    /// What an encoder has shown (B, S, D_s), and which of it is there, ready to be looked at. An adapter of keys and
    /// values drops nothing.
    #[track_caller]
    pub fn memory(&self, source: &Tensor<E>, present: Option<&Present>) -> SourceMemory<E> {
        let ([b, s, _], m, k) = (source.dims(), self.key_heads, self.head_width());
        let [keys, values] =
            self.key_value.forward(source, &mut Mode::Eval).chunks(-1).map(|part| part.reshape([b, s, m, k]));
        SourceMemory { keys, values, present: present.cloned() }
    }

    /// x (B, T, D) → y (B, T, D).
    ///
    /// # Panics
    /// If the memory is of another batch size, or its ranges do not fit it.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, memory: &SourceMemory<E>, mode: &mut Mode<'_>) -> Tensor<E> {
        let ([b, t, _], n, k) = (x.dims(), self.heads, self.head_width());
        let queries = self.query.forward(x, mode).reshape([b, t, n, k]);
        let dropout = self.dropout.of_weights(mode);
        let options = AttentionOptions { keys: memory.present.clone(), dropout, ..AttentionOptions::default() };
        let heads = queries.attention(&memory.keys, &memory.values, options); // (B, T, N, K)
        let y = self.projection.forward(&heads.reshape([b, t, n * k]), mode); // (B, T, D)
        self.dropout.forward(&y, mode)
    }

    /// Where x (B, T, D) looks: the mean over the heads of the weights that [`forward`](Self::forward) takes values
    /// with, (B, T, S), dropout aside.
    ///
    /// The kernel never has them as a whole, so they are computed once more, by the equation.
    #[track_caller]
    pub fn weights(&self, x: &Tensor<E>, memory: &SourceMemory<E>) -> Tensor<E> {
        let [b, t, _] = x.dims();
        let [_, s, m, k] = memory.keys.dims();
        let n = self.heads;
        let queries = self.query.forward(x, &mut Mode::Eval).reshape([b, t, n, k]).swap_axes(1, 2); // (B, N, T, K)
        let keys = memory.keys.swap_axes(1, 2).unsqueeze(2); // (B, M, 1, S, K)
        let keys = keys.expand([b, m, n / m, s, k]).reshape([b, n, s, k]);
        let scores = queries.matmul(&keys.t()) / (k as f64).sqrt(); // (B, N, T, S)
        let weights = memory.masked(&scores.reshape([b, n * t, s])).softmax();
        weights.reshape([b, n, t, s]).mean_over([1]).squeeze(1) // (B, T, S)
    }
}
