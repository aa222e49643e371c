//! The options of attention: who looks at whom, the scale of the scores, which weights are dropped.

use super::heads::Sizes;
use crate::{Element, Mask};
use std::ops::Range;
use std::sync::Arc;

/// Who looks at whom in [`Tensor::attention`](crate::Tensor::attention), and how.
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

impl AttentionOptions {
    pub(super) fn scale(&self, width: usize) -> f64 {
        self.scale.unwrap_or_else(|| 1.0 / (width as f64).sqrt())
    }

    /// Which keys query t of a sequence sees.
    pub(super) fn visible(&self, row: usize, t: usize, queries: usize, keys: usize) -> Range<usize> {
        let all = self.keys.as_ref().map_or(0..keys, |ranges| ranges[row].clone());
        let end = if self.causal { all.end.min((keys + t + 1).saturating_sub(queries)) } else { all.end };
        all.start.min(end)..end
    }

    /// A mask (B, 1, T, S) of the keys that a query does not see.
    pub(super) fn hidden(&self, Sizes { batch, queries, keys, .. }: Sizes) -> Mask {
        Mask::from_fn([batch, 1, queries, keys], |i| {
            let (s, t, row) = (i % keys, i / keys % queries, i / keys / queries);
            !self.visible(row, t, queries, keys).contains(&s)
        })
    }
}

/// What the kept weights are multiplied by, and how to tell which they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dropping<E> {
    threshold: u32,
    kept: E,
    seed: u64,
}

impl<E: Element> Dropping<E> {
    pub(super) fn of(options: &AttentionOptions) -> Option<Self> {
        let WeightDropout { probability, seed } = options.dropout.filter(|dropout| dropout.probability > 0.0)?;
        let threshold = (probability * 2f64.powi(32)) as u32;
        Some(Self { threshold, kept: E::from_f64(1.0 / (1.0 - probability)), seed })
    }

    /// The number that decides about a query's weights, of a head counted over the whole batch.
    pub(super) fn of_query(&self, head: usize, t: usize) -> u32 {
        let mut mixed = self.seed ^ ((head as u64) << 32 | t as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        (mixed ^ (mixed >> 32)) as u32
    }

    /// What the weight of key s is multiplied by: 0, or 1/(1 − p). A mixer of 32 bits, which vector units have.
    #[inline(always)]
    pub(super) fn factor(&self, of_query: u32, s: usize) -> E {
        let mut x = of_query.wrapping_add((s as u32).wrapping_mul(0x9e37_79b9));
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
        if (x ^ (x >> 16)) >= self.threshold { self.kept } else { E::ZERO }
    }
}
