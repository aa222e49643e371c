//! The heads of an attention, each a matrix of vectors, and the tiles that they are read in.

use crate::op::Operands;
use crate::{Array, Element};

/// Queries and keys of a tile. Keys are a multiple of every panel's width.
pub(super) const QUERIES: usize = 64;
pub(super) const KEYS: usize = 64;

/// B, T, S, N, M, K and C.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) heads: usize,
    pub(super) key_heads: usize,
    pub(super) width: usize,
    pub(super) value_width: usize,
}

impl Sizes {
    pub(super) fn of<E: Element>(x: Operands<'_, E>) -> Self {
        let [batch, queries, heads, width] = x.array(0).dims();
        let [_, keys, key_heads, value_width] = x.array(2).dims();
        Self { batch, queries, keys, heads, key_heads, width, value_width }
    }

    /// N / M.
    pub(super) fn group(&self) -> usize {
        self.heads / self.key_heads.max(1)
    }
}

/// One head of one sequence: its vectors lie `step` apart, and the numbers of a vector `across`.
#[derive(Clone, Copy)]
pub(super) struct Head<'a, E> {
    pub(super) data: &'a [E],
    pub(super) step: usize,
    pub(super) across: usize,
}

impl<'a, E: Element> Head<'a, E> {
    /// A head of an array (B, T, N, K).
    pub(super) fn of(array: &'a Array<E>, row: usize, head: usize) -> Self {
        let [by_row, step, by_head, across] = array.steps();
        // An array without elements has no first one either.
        let data = array.data().get(row * by_row + head * by_head..).unwrap_or(&[]);
        Self { data, step, across }
    }

    /// Writes scale times vectors t to t + count, of which the numbers lie together, row-major.
    pub(super) fn scaled(&self, [t, count]: [usize; 2], width: usize, scale: E, out: &mut [E]) {
        for (i, out) in out.chunks_exact_mut(width.max(1)).take(count).enumerate() {
            for (out, x) in out.iter_mut().zip(&self.data[(t + i) * self.step..]) {
                *out = *x * scale;
            }
        }
    }
}

/// The array itself if each of its vectors lies together, else a copy.
pub(super) fn together<E: Element>(array: &Array<E>) -> Array<E> {
    let [_, _, _, across] = array.steps();
    if across == 1 { array.clone() } else { array.contiguous() }
}
