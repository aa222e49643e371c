//! Where in the sequence a vector stands.
//!
//! Attention sees a set: permute its inputs and its outputs are permuted with them. So a vector that depends on the
//! position is added to each token's. Either it is learnt, P (T, D), one row per position
//! ([`LearnedPositions`]; Gehring et al. 2017, GPT 2018), or it is given by waves whose lengths go from 2π to
//! 10000·2π ([`sinusoidal_positions`]; Vaswani et al. 2017, *Attention Is All You Need*, section 3.5):
//!
//! P\[t, 2i\] = sin(t / 10000^(2i/D)),  P\[t, 2i+1\] = cos(t / 10000^(2i/D)).
//!
//! Or nothing is added, and queries and keys are turned instead ([`Rotary`]; Su et al. 2021, *RoFormer*): the pair (i,
//! i + K/2) of a head's vector at position t by the angle t / θ^(2i/K). A score q · k then depends on the two vectors
//! and on how far apart they stand, and on nothing else of the positions.

use crate::{Init, parameters};
use rungs_tensor::{Array, Element, Ids, Rng, Tensor};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// y = P\[t\], with a learnt row for each position.
///
/// Parameters: T·D for the longest T.
#[derive(Debug, Clone)]
pub struct LearnedPositions<E: Element = f32> {
    /// P (T, D): one row per position.
    pub weight: Tensor<E>,
}

parameters!(LearnedPositions { weight });

impl<E: Element> LearnedPositions<E> {
    /// Vectors of `width` numbers for positions 0 to `context` − 1, drawn from `init`.
    #[track_caller]
    pub fn new(context: usize, width: usize, init: Init, rng: &mut Rng) -> Self {
        Self { weight: init.tensor([context, width], rng) }
    }

    /// The longest sequence.
    pub fn context(&self) -> usize {
        self.weight.dims::<2>()[0]
    }

    /// The vectors of these positions, (T, D), to be added to (B, T, D).
    ///
    /// # Panics
    /// If a position is past the longest sequence.
    #[track_caller]
    pub fn forward(&self, positions: Range<usize>) -> Tensor<E> {
        let context = self.context();
        assert!(positions.end <= context, "positions {positions:?} of a context of {context}");
        self.weight.slice(0, positions) // (T, D)
    }

    /// The vectors of positions that differ from row to row: (B, T) → (B, T, D).
    ///
    /// # Panics
    /// If a position is past the longest sequence.
    #[track_caller]
    pub fn forward_each(&self, positions: &Ids) -> Tensor<E> {
        self.weight.embedding(positions) // (B, T, D)
    }
}

/// P (T, D), the waves of Vaswani et al. (2017), for these positions. A constant: nothing to learn, and no last
/// position.
///
/// For any shift s, P\[t + s\] is a rotation of P\[t\] that does not depend on t, so that attention can learn to look
/// a fixed distance back.
pub fn sinusoidal_positions<E: Element>(positions: Range<usize>, width: usize) -> Tensor<E> {
    let scale = |pair: usize| 10000f64.powf((2 * pair) as f64 / width as f64);
    let scales: Vec<f64> = (0..width.div_ceil(2)).map(scale).collect();
    let wave = |flat: usize| {
        let (t, d) = (positions.start + flat / width, flat % width);
        let angle = t as f64 / scales[d / 2];
        E::from_f64(if d % 2 == 0 { angle.sin() } else { angle.cos() })
    };
    Tensor::constant(Array::from_fn([positions.len(), width], wave))
}

/// Rotary positions. They have no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotary {
    /// θ, 10,000 in the paper: the slowest pair needs about 2πθ positions for a turn.
    pub theta: f64,
}

impl Default for Rotary {
    /// The paper's θ.
    fn default() -> Self {
        Self { theta: 10_000.0 }
    }
}

/// The cosines and sines of the angles of some positions, (T, K/2) each, or (B·T, K/2) if they differ from row to row.
#[derive(Debug, Clone)]
pub struct Angles<E: Element = f32> {
    cosines: Arc<[E]>,
    sines: Arc<[E]>,
}

impl Rotary {
    /// The angles of these positions, T or, where they differ from row to row, B·T, for heads of `width` numbers. They
    /// are the same for all layers.
    ///
    /// # Panics
    /// If the width is odd.
    #[track_caller]
    pub fn angles<E: Element>(&self, positions: impl IntoIterator<Item = usize>, width: usize) -> Angles<E> {
        assert!(width.is_multiple_of(2), "rotary positions: a head of {width} numbers has no pairs");
        let angle = |t: usize, pair: usize| t as f64 / self.theta.powf(2.0 * pair as f64 / width as f64);
        let angles: Vec<f64> =
            positions.into_iter().flat_map(|t| (0..width / 2).map(move |pair| angle(t, pair))).collect();
        let each = |f: fn(f64) -> f64| angles.iter().map(|&angle| E::from_f64(f(angle))).collect();
        Angles { cosines: each(f64::cos), sines: each(f64::sin) }
    }
}

impl<E: Element> Angles<E> {
    /// Queries or keys (B, T, N, K), turned.
    ///
    /// # Panics
    /// If they are not of these positions and this width.
    #[track_caller]
    pub fn turn(&self, x: &Tensor<E>) -> Tensor<E> {
        let rotate = |x: &Tensor<E>| x.rotate(self.cosines.clone(), self.sines.clone());
        let [b, t, n, k] = x.dims();
        match self.cosines.len() == b * t * k / 2 {
            // Where every row has positions of its own, all rows are one sequence of them.
            true => rotate(&x.reshape([1, b * t, n, k])).reshape([b, t, n, k]),
            false => rotate(x),
        }
    }
}
