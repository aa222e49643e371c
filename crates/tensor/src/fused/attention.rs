//! Attention of every query to all keys, tile by tile.
//!
//! ```text
//! s_ij = scale · q_i · k_j             m_i = max_j s_ij          l_i = Σ_j e^(s_ij − m_i)
//! p_ij = e^(s_ij − m_i) / l_i          o_i = Σ_j p_ij v_j
//! ```
//! Vaswani et al. (2017), *Attention Is All You Need*, section 3.2.1. A head's scores, T by S numbers, are never there
//! as a whole: they are computed [`QUERIES`] by [`KEYS`] at a time, and m, l and o follow as keys go by, each rescaled
//! when a larger score appears (Milakov & Gimelshein 2018, [arXiv:1805.02867](https://arxiv.org/abs/1805.02867)). For
//! the way back, m and l are kept and the tiles computed once more (Dao et al. 2022, *FlashAttention*,
//! [arXiv:2205.14135](https://arxiv.org/abs/2205.14135)), so memory grows with T and S, not with their product.
//!
//! Tiles of keys begin at fixed positions and are taken in order, and products are
//! [rows of panels](crate::fast::panel): the bits of o_i depend on its query, keys and values alone, not on the
//! queries computed beside it. So a text that is read piece by piece, its keys and values kept, gives what it gives as
//! a whole.

mod backward;
mod forward;

use super::{Grads, Kernel, Needs};
use crate::op::Operands;
use crate::{Array, Element, Mask, Shape, ShapeError, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// Queries and keys of a tile. Keys are a multiple of every panel's width.
const QUERIES: usize = 64;
const KEYS: usize = 64;

/// Who looks at whom in [`Tensor::attention`], and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AttentionOptions {
    /// Whether a query sees only keys up to its own position. The last query stands at the last key: of T queries and S
    /// keys, query t sees the keys 0 to S − T + t.
    pub causal: bool,
    /// Which keys of each sequence of the batch are there; the others are padding and not looked at. None: all.
    pub keys: Option<Arc<[Range<usize>]>>,
    /// What scores are multiplied by; none for 1/√K.
    pub scale: Option<f64>,
    /// Sets each weight to zero with a probability, and divides the others by what remains. None in evaluation.
    pub dropout: Option<WeightDropout>,
}

/// Which attention weights are dropped: a function of these numbers, the head, the query and the key alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightDropout {
    /// The probability, in [0, 1).
    pub probability: f64,
    /// Another seed drops others.
    pub seed: u64,
}

/// Queries (B, T, N, K), keys (B, S, M, K) and values (B, S, M, C) → (B, T, N, C), where N is a multiple of M and each
/// key and value head serves N / M neighbouring query heads.
#[derive(Debug)]
pub(crate) struct AttentionKernel(pub(crate) AttentionOptions);

/// B, T, S, N, M, K and C.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    queries: usize,
    keys: usize,
    heads: usize,
    key_heads: usize,
    width: usize,
    value_width: usize,
}

impl Sizes {
    fn of<E: Element>(x: Operands<'_, E>) -> Self {
        let [batch, queries, heads, width] = x.array(0).dims();
        let [_, keys, key_heads, value_width] = x.array(2).dims();
        Self { batch, queries, keys, heads, key_heads, width, value_width }
    }

    /// N / M.
    fn group(&self) -> usize {
        self.heads / self.key_heads.max(1)
    }
}

/// One head of one sequence: its vectors lie `step` apart, and the numbers of a vector `across`.
#[derive(Clone, Copy)]
struct Head<'a, E> {
    data: &'a [E],
    step: usize,
    across: usize,
}

impl<'a, E: Element> Head<'a, E> {
    /// A head of an array (B, T, N, K).
    fn of(array: &'a Array<E>, row: usize, head: usize) -> Self {
        let [by_row, step, by_head, across] = array.steps();
        // An array without elements has no first one either.
        let data = array.data().get(row * by_row + head * by_head..).unwrap_or(&[]);
        Self { data, step, across }
    }
}

/// The array itself if each of its vectors lies together, else a copy.
fn together<E: Element>(array: &Array<E>) -> Array<E> {
    let [_, _, _, across] = array.steps();
    if across == 1 { array.clone() } else { array.contiguous() }
}

impl AttentionOptions {
    fn scale(&self, width: usize) -> f64 {
        self.scale.unwrap_or_else(|| 1.0 / (width as f64).sqrt())
    }

    /// Which keys query t of a sequence sees.
    fn visible(&self, row: usize, t: usize, queries: usize, keys: usize) -> Range<usize> {
        let all = self.keys.as_ref().map_or(0..keys, |ranges| ranges[row].clone());
        let end = if self.causal { all.end.min((keys + t + 1).saturating_sub(queries)) } else { all.end };
        all.start.min(end)..end
    }

    /// The same for every sequence and query: (B, 1, T, S), true where a key is not seen.
    fn hidden(&self, Sizes { batch, queries, keys, .. }: Sizes) -> Mask {
        Mask::from_fn([batch, 1, queries, keys], |i| {
            let (s, t, row) = (i % keys, i / keys % queries, i / keys / queries);
            !self.visible(row, t, queries, keys).contains(&s)
        })
    }
}

/// What the kept weights are multiplied by, and how to tell which they are.
#[derive(Debug, Clone, Copy)]
struct Dropping<E> {
    threshold: u32,
    kept: E,
    seed: u64,
}

impl<E: Element> Dropping<E> {
    fn of(options: &AttentionOptions) -> Option<Self> {
        let WeightDropout { probability, seed } = options.dropout.filter(|dropout| dropout.probability > 0.0)?;
        let threshold = (probability * 2f64.powi(32)) as u32;
        Some(Self { threshold, kept: E::from_f64(1.0 / (1.0 - probability)), seed })
    }

    /// The number that decides about a query's weights, of a head counted over the whole batch.
    fn of_query(&self, head: usize, t: usize) -> u32 {
        let mut mixed = self.seed ^ ((head as u64) << 32 | t as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed ^ (mixed >> 32)) as u32
    }

    /// What the weight of key s is multiplied by: 0, or 1/(1 − p). A mixer of 32 bits, which vector units have.
    #[inline(always)]
    fn factor(&self, of_query: u32, s: usize) -> E {
        let mut x = of_query.wrapping_add((s as u32).wrapping_mul(0x9e37_79b9));
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        if (x ^ (x >> 16)) >= self.threshold { self.kept } else { E::ZERO }
    }
}

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

    fn backward(
        &self,
        x: Operands<'_, E>,
        y: &Array<E>,
        saved: &Array<E>,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E> {
        let [dq, dk, dv] = backward::run(&self.0, x, y, saved, dy);
        [needs.operand(0).then_some(dq), needs.operand(1).then_some(dk), needs.operand(2).then_some(dv)].into()
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
