//! Attention over an encoder: a decoder looks back at every state of the source and takes a weighted mean.
//!
//! ```text
//! e_s = score(q, k_s)          a_s = softmax(e)_s          context = Σ_s a_s v_s
//! ```
//! with a query q (D_q), what the encoder showed at source position s, v_s (D_v), and its key k_s, computed once for
//! all queries. The scores:
//!
//! | [`Score`] | score(q, v_s) | paper |
//! |---|---|---|
//! | `Additive` | uᵀ tanh(q W_q + v_s W_v) | Bahdanau, Cho & Bengio (2014) |
//! | `Dot` | qᵀ v_s | Luong, Pham & Manning (2015) |
//! | `General` | qᵀ W v_s | the same |
//! | `Concat` | uᵀ tanh(\[q; v_s\] W) | the same |
//!
//! The papers are *Neural Machine Translation by Jointly Learning to Align and Translate* and *Effective Approaches to
//! Attention-based Neural Machine Translation*.
//!
//! `Concat` is `Additive` with one matrix where that has two: \[q; v\] W = q W_q + v W_v for W_q the first rows of W
//! and W_v the others. It is computed so too, and differs in how its weights are kept and first drawn.
//!
//! Padding is masked before the softmax: its weights are exactly 0, the others sum to 1.

use crate::{Init, Present, parameters};
use rungs_tensor::{Element, Ids, Mask, Rng, Tensor};
use serde::{Deserialize, Serialize};

/// How a query is compared with a source position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// uᵀ tanh(q W_q + v_s W_v), with an inner width of its own.
    Additive,
    /// qᵀ v_s, for queries and values of one width.
    Dot,
    /// qᵀ W v_s.
    General,
    /// uᵀ tanh(\[q; v_s\] W).
    Concat,
}

/// Attention over an encoder.
///
/// Parameters, with A the inner width: (D_q + D_v + 1)·A for `Additive` and `Concat`, D_v·D_q for `General`, none for
/// `Dot`.
#[derive(Debug, Clone)]
pub struct Attention<E: Element = f32> {
    /// W_q (D_q, A), of `Additive`.
    pub w_query: Option<Tensor<E>>,
    /// W_v (D_v, A) of `Additive`, Wᵀ (D_v, D_q) of `General`, W (D_q + D_v, A) of `Concat`.
    pub w_value: Option<Tensor<E>>,
    /// u (A), of `Additive` and `Concat`.
    pub u: Option<Tensor<E>>,
    /// How queries are compared.
    pub score: Score,
}

parameters!(Attention { w_query, w_value, u, score: _ });

/// A source that has been read, as attention sees it: what queries are compared with, and what they take.
#[derive(Debug, Clone)]
pub struct SourceMemory<E: Element = f32> {
    /// (B, S, A) or (B, S, D_q); in heads (B, S, M, K).
    pub keys: Tensor<E>,
    /// (B, S, D_v), what the encoder showed; in heads (B, S, M, K).
    pub values: Tensor<E>,
    /// The positions of each source that are no padding; `None` if nothing is padded.
    pub present: Option<Present>,
}

impl<E: Element> SourceMemory<E> {
    /// Rows of the batch, some perhaps several times: one for each hypothesis of a search.
    pub fn rows(&self, rows: &Ids) -> Self {
        let present = |present: &Present| rows.as_slice().iter().map(|&row| present[row as usize].clone()).collect();
        let [keys, values] = [&self.keys, &self.values].map(|x| x.select(0, rows));
        Self { keys, values, present: self.present.as_ref().map(present) }
    }

    /// Scores (B, T, S) of which those of padding become −∞.
    pub(crate) fn masked(&self, scores: &Tensor<E>) -> Tensor<E> {
        let Some(present) = &self.present else { return scores.clone() };
        let [b, _, s] = scores.dims();
        let padding = Mask::from_fn([b, 1, s], |i| !present[i / s].contains(&(i % s)));
        scores.masked_fill(&padding, f64::NEG_INFINITY)
    }
}

impl<E: Element> Attention<E> {
    /// Attention for queries of D_q and values of D_v numbers, with weights by Xavier. `inner` is A, which `Dot` and
    /// `General` do not have.
    ///
    /// # Panics
    /// If `Dot` is to compare different widths.
    #[track_caller]
    pub fn new(score: Score, query: usize, value: usize, inner: usize, rng: &mut Rng) -> Self {
        assert!(score != Score::Dot || query == value, "dot attention: queries of {query} and values of {value}");
        let mut draw = |rows, columns| Some(Init::XavierUniform.tensor([rows, columns], rng));
        let (w_query, w_value) = match score {
            Score::Additive => (draw(query, inner), draw(value, inner)),
            Score::Dot => (None, None),
            Score::General => (None, draw(value, query)),
            Score::Concat => (None, draw(query + value, inner)),
        };
        let has_inner = matches!(score, Score::Additive | Score::Concat);
        let u = has_inner.then(|| draw(inner, 1).expect("drawn").reshape(inner).as_variable());
        Self { w_query, w_value, u, score }
    }

    /// What the encoder showed (B, S, D_v), and how many positions of each source there are, ready to be looked at.
    ///
    /// # Panics
    /// If there is not one length per source, or one is not in 1..=S.
    #[track_caller]
    pub fn memory(&self, values: &Tensor<E>, lengths: &[usize]) -> SourceMemory<E> {
        let [b, s, width] = values.dims();
        let fit = lengths.len() == b && lengths.iter().all(|l| (1..=s).contains(l));
        assert!(fit, "attention: lengths {lengths:?} of {b} sources of {s} positions");
        let keys = match (self.score, &self.w_value) {
            (Score::Concat, Some(w)) => {
                let rows = w.dims::<2>()[0];
                values.matmul(&w.slice(0, rows - width..rows)) // (B, S, A)
            }
            (_, Some(w)) => values.matmul(w), // (B, S, A) or (B, S, D_q)
            (_, None) => values.clone(),
        };
        SourceMemory { keys, values: values.clone(), present: Some(lengths.iter().map(|&length| 0..length).collect()) }
    }

    /// Queries (B, T, D_q) → their contexts (B, T, D_v) and the weights (B, T, S) that made them.
    #[track_caller]
    pub fn look(&self, query: &Tensor<E>, memory: &SourceMemory<E>) -> (Tensor<E>, Tensor<E>) {
        let [_, _, width] = query.dims();
        let scores = match &self.u {
            None => query.matmul(&memory.keys.t()), // (B, T, S)
            Some(u) => {
                let first_rows = |w: &Tensor<E>| w.slice(0, 0..width);
                let w = self.w_query.clone().or_else(|| self.w_value.as_ref().map(first_rows));
                let w = w.expect("a score with u has a matrix");
                let query = query.matmul(&w).unsqueeze(2); // (B, T, 1, A)
                let inner = (query + memory.keys.unsqueeze(1)).tanh(); // (B, T, S, A)
                inner.matmul(&u.unsqueeze(1)).squeeze(3) // (B, T, S)
            }
        };
        let weights = memory.masked(&scores).softmax(); // (B, T, S)
        (weights.matmul(&memory.values), weights) // (B, T, D_v)
    }
}

#[cfg(test)]
mod tests;
