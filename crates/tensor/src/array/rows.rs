//! Loops over the rows of a row-major array, where a row is everything along the last axis.

use crate::Element;
use rayon::prelude::*;

/// Elements below which all rows stay on one thread.
const PARALLEL: usize = 16 * 1024;

/// Calls `f(row number, row)` for each row of `width` elements; rows are shared among threads.
pub(crate) fn for_each_row<E: Element>(out: &mut [E], width: usize, f: impl Fn(usize, &mut [E]) + Sync) {
    if width == 0 {
        return;
    }
    if out.len() < PARALLEL {
        out.chunks_mut(width).enumerate().for_each(|(i, row)| f(i, row));
    } else {
        let least = (PARALLEL / 2).div_ceil(width);
        out.par_chunks_mut(width).with_min_len(least).enumerate().for_each(|(i, row)| f(i, row));
    }
}

/// One number for each row of `width` elements of `x`.
pub(crate) fn each_row<E: Element>(x: &[E], width: usize, count: usize, f: impl Fn(&[E]) -> E + Sync) -> Vec<E> {
    let row = |i: usize| f(&x[i * width..(i + 1) * width]);
    if count * width < PARALLEL {
        (0..count).map(row).collect()
    } else {
        (0..count).into_par_iter().with_min_len((PARALLEL / 2).div_ceil(width)).map(row).collect()
    }
}

/// The sum of f(xᵢ) over a row, in the order of [`reduce`](super::reduce).
#[inline(always)]
pub(crate) fn sum_row<E: Element>(x: &[E], f: impl Fn(usize, E) -> E) -> E {
    const LANES: usize = 16;
    let mut lanes = [E::ZERO; LANES];
    let whole = x.len() - x.len() % LANES;
    for start in (0..whole).step_by(LANES) {
        for lane in 0..LANES {
            lanes[lane] += f(start + lane, x[start + lane]);
        }
    }
    for i in whole..x.len() {
        lanes[i - whole] += f(i, x[i]);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            let other = lanes[i + width];
            lanes[i] += other;
        }
        width /= 2;
    }
    lanes[0]
}

/// The largest element of a row; −∞ if it is empty.
#[inline(always)]
pub(crate) fn max_row<E: Element>(x: &[E]) -> E {
    const LANES: usize = 16;
    let mut lanes = [E::NEGATIVE_INFINITY; LANES];
    for block in x.chunks(LANES) {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane = lane.larger(x);
        }
    }
    lanes.into_iter().fold(E::NEGATIVE_INFINITY, E::larger)
}
