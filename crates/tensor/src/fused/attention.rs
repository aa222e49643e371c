//! Attention of every query to all keys, tile by tile.
//!
//! ```text
//! s_ij = scale · q_i · k_j             m_i = max_j s_ij          l_i = Σ_j e^(s_ij − m_i)
//! p_ij = e^(s_ij − m_i) / l_i          o_i = Σ_j p_ij v_j
//! ```
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.2.1. A head's scores, T by S numbers, are never there
//! as a whole: they are computed `QUERIES` by `KEYS` ([`heads`]) at a time, and m, l and o follow as keys go by, each
//! rescaled when a larger score appears (Milakov & Gimelshein 2018,
//! [arXiv:1805.02867](https://arxiv.org/abs/1805.02867)). For the way back, m and l are kept and the tiles computed
//! once more (Dao et al. 2022, *FlashAttention*, [arXiv:2205.14135](https://arxiv.org/abs/2205.14135)), so memory grows
//! with T and S, not with their product.
//!
//! Tiles of keys begin at fixed positions and are taken in order, and products are
//! [rows of panels](crate::fast::panel): the bits of o_i depend on its query, keys and values alone, not on the
//! queries computed beside it. So a text that is read piece by piece, its keys and values kept, gives what it gives as
//! a whole.

mod backward;
mod forward;
mod heads;
mod options;

use super::{Grads, Kernel, Needs};
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor};
use heads::Sizes;
use options::Dropping;

pub use options::{AttentionOptions, WeightDropout};

/// Queries (B, T, N, K), keys (B, S, M, K) and values (B, S, M, C) → (B, T, N, C), where N is a multiple of M and each
/// key and value head serves N / M neighbouring query heads.
#[derive(Debug)]
pub(crate) struct AttentionKernel(pub(crate) AttentionOptions);

impl<E: Element> Kernel<E> for AttentionKernel {
    /// m and 1 / l of every head's queries, (B, N, T, 2).
    type Saved = Array<E>;

    fn name(&self) -> &'static str {
        "attention"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let wrong = |why: &str| {
            Err(ShapeError::new(format!("attention: queries {}, keys {} and values {}: {why}", x[0], x[1], x[2])))
        };
        if x.iter().any(|shape| shape.rank() != 4) {
            return wrong("each needs four axes, batch, time, head and width");
        }
        let ([b, t, n, k], [_, s, m, _], [_, _, _, c]) = (x[0].dims(), x[1].dims(), x[2].dims());
        if x[1] != Shape::from([b, s, m, k]) || x[2] != Shape::from([b, s, m, c]) {
            return wrong("they do not fit");
        }
        if m == 0 || n % m != 0 {
            return wrong("query heads are not a multiple of key heads");
        }
        if self.0.causal && t > s {
            return wrong("causal, with more queries than keys");
        }
        if let Some(ranges) = &self.0.keys
            && (ranges.len() != b || ranges.iter().any(|range| range.start > range.end || range.end > s))
        {
            return wrong("one range of keys for each sequence is needed");
        }
        Ok(Shape::from([b, t, n, c]))
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Array<E>) {
        forward::run(&self.0, x)
    }

    fn backward(&self, x: Operands<'_, E>, y: &Array<E>, saved: &Array<E>, dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        backward::run(&self.0, x, y, saved, dy).map(Some).into()
    }

    fn definition(&self, x: &[Tensor<E>]) -> Tensor<E> {
        let sizes = Sizes::of(Operands::from(&[&x[0], &x[1], &x[2]][..]));
        let Sizes { batch: b, queries: t, keys: s, heads: n, key_heads: m, width: k, value_width: c } = sizes;
        let by_head = |x: &Tensor<E>| x.swap_axes(1, 2); // (B, N, T, K)
        let shared = |x: &Tensor<E>, width: usize| {
            by_head(x).unsqueeze(2).expand([b, m, n / m, s, width]).reshape([b, n, s, width])
        };
        let (queries, keys, values) = (by_head(&x[0]), shared(&x[1], k), shared(&x[2], c));
        let scores = queries.matmul(&keys.t()) * self.0.scale(k); // (B, N, T, S)
        let mut weights = scores.masked_fill(&self.0.hidden(sizes), f64::NEG_INFINITY).softmax();
        if let Some(dropping) = Dropping::of(&self.0) {
            let factor = |i: usize| dropping.factor(dropping.of_query(i / s / t, i / s % t), i % s);
            weights = weights * Tensor::constant(Array::from_fn([b, n, t, s], factor));
        }
        by_head(&weights.matmul(&values)) // (B, T, N, C)
    }
}

impl<E: Element> Tensor<E> {
    /// Attention of these queries (B, T, N, K) to keys (B, S, M, K), taking from values (B, S, M, C) → (B, T, N, C):
    /// softmax(QKᵀ · scale) V, head by head. M divides N: each head of keys and values serves N / M neighbouring heads
    /// of queries (Ainslie et al. 2023, *GQA*; M = N is attention as it was, M = 1 Shazeer's of 2019).
    ///
    /// A query that may look at nothing gets zeros, and has no gradient. Memory is linear in T and S.
    ///
    /// # Panics
    /// If the shapes do not fit, or a probability is not in [0, 1).
    #[track_caller]
    pub fn attention(&self, keys: &Tensor<E>, values: &Tensor<E>, options: AttentionOptions) -> Tensor<E> {
        if let Some(WeightDropout { probability, .. }) = options.dropout {
            assert!((0.0..1.0).contains(&probability), "attention: probability {probability} is not in [0, 1)");
        }
        Tensor::apply_kernel(AttentionKernel(options), &[self, keys, values])
    }
}

#[cfg(test)]
mod tests;
