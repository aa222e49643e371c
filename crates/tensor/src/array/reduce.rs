//! Reductions along axes: sum, maximum, log-sum-exp.
//!
//! The order of additions is part of the result, so it is fixed: a run of numbers is summed in [`LANES`] interleaved
//! partial sums (which is also what a vector unit wants), runs longer than [`CHUNK`] in chunks whose sums are added in
//! order. Threads share chunks; they never choose them.

use super::{Array, Buffer};
use crate::{Element, Shape, simd};
use rayon::prelude::*;

const LANES: usize = 16;
const CHUNK: usize = 4096;
/// Rows whose partial sums are added up before they join the rest.
const ROWS: usize = 256;
/// Elements below which a reduction stays on one thread.
const PARALLEL: usize = 32 * 1024;

/// A way to make one number out of many: an associative function and what it gives for nothing.
trait Fold<E>: Sync {
    fn identity() -> E;
    fn join(a: E, b: E) -> E;
}

struct Sum;
impl<E: Element> Fold<E> for Sum {
    fn identity() -> E {
        E::ZERO
    }
    #[inline(always)]
    fn join(a: E, b: E) -> E {
        a + b
    }
}

struct Largest;
impl<E: Element> Fold<E> for Largest {
    fn identity() -> E {
        E::NEGATIVE_INFINITY
    }
    #[inline(always)]
    fn join(a: E, b: E) -> E {
        a.larger(b)
    }
}

/// The sum over the marked axes, which stay with size 1. The sum of nothing is 0.
pub(crate) fn sum<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    reduce::<E, Sum>(x, axes)
}

/// The maximum over the marked axes, which stay with size 1. NaN if any element is; −∞ for nothing.
pub(crate) fn max<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    reduce::<E, Largest>(x, axes)
}

/// ln Σ eˣ over the marked axes, which stay with size 1; the maximum is taken out first, so nothing overflows. −∞ for
/// nothing, or where every element is −∞.
pub(crate) fn logsumexp<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    let largest = max(x, axes);
    // Subtracting an infinite maximum would make ∞ − ∞.
    let shift = super::map::map(&largest, |m| if m.is_finite() { m } else { E::ZERO });
    let shifted = super::map::zip(
        x,
        &shift.expand(x.shape),
        #[inline(always)]
        |x, m| (x - m).exp(),
    );
    super::map::zip(&sum(&shifted, axes), &shift, |s, m| s.ln() + m)
}

/// Reduces one group of neighbouring marked axes after the other, the last group first.
fn reduce<E: Element, F: Fold<E>>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    let shape = x.shape;
    let Some(last) = (0..shape.rank()).rev().find(|&axis| axes[axis]) else { return x.clone() };
    let first = (0..last).rev().take_while(|&axis| axes[axis]).last().unwrap_or(last);
    let size = |from: usize, to: usize| (from..to).map(|axis| shape.dim(axis)).product::<usize>();
    let (before, middle, after) = (size(0, first), size(first, last + 1), size(last + 1, shape.rank()));
    let reduced = (first..=last).fold(shape, |shape, axis| shape.with(axis, 1));
    let x = x.contiguous();
    let mut out = Buffer::scratch(before * after);
    if after == 1 {
        runs::<E, F>(x.data(), middle, &mut out);
    } else {
        columns::<E, F>(x.data(), middle, after, &mut out);
    }
    let rest: Vec<bool> = axes.iter().enumerate().map(|(axis, &marked)| marked && axis < first).collect();
    reduce::<E, F>(&Array::from_buffer(out, reduced), &rest)
}

/// One number for each run of `length` neighbours.
fn runs<E: Element, F: Fold<E>>(x: &[E], length: usize, out: &mut [E]) {
    if length == 0 {
        return out.fill(F::identity());
    }
    let run = |(y, run): (&mut E, &[E])| *y = long_run::<E, F>(run);
    if out.len() * length < PARALLEL || out.len() == 1 {
        out.iter_mut().zip(x.chunks(length)).for_each(run);
    } else {
        let least = PARALLEL.div_ceil(length);
        out.par_iter_mut().with_min_len(least).zip(x.par_chunks(length)).for_each(run);
    }
}

fn long_run<E: Element, F: Fold<E>>(x: &[E]) -> E {
    if x.len() <= CHUNK {
        return short_run::<E, F>(x);
    }
    let partial: Vec<E> = if x.len() < PARALLEL {
        x.chunks(CHUNK).map(short_run::<E, F>).collect()
    } else {
        x.par_chunks(CHUNK).map(short_run::<E, F>).collect()
    };
    partial.into_iter().fold(F::identity(), F::join)
}

fn short_run<E: Element, F: Fold<E>>(x: &[E]) -> E {
    simd::run(
        #[inline(always)]
        || {
            let mut lanes = [F::identity(); LANES];
            let mut blocks = x.chunks_exact(LANES);
            for block in &mut blocks {
                for (lane, &x) in lanes.iter_mut().zip(block) {
                    *lane = F::join(*lane, x);
                }
            }
            for (lane, &x) in lanes.iter_mut().zip(blocks.remainder()) {
                *lane = F::join(*lane, x);
            }
            let mut width = LANES / 2;
            while width > 0 {
                for i in 0..width {
                    lanes[i] = F::join(lanes[i], lanes[i + width]);
                }
                width /= 2;
            }
            lanes[0]
        },
    )
}

/// `x` is (before, rows, width); adds up the rows of each block, so `out` is (before, width).
fn columns<E: Element, F: Fold<E>>(x: &[E], rows: usize, width: usize, out: &mut [E]) {
    if rows == 0 || out.is_empty() {
        return out.fill(F::identity());
    }
    let block = |(total, block): (&mut [E], &[E])| {
        if rows <= ROWS {
            return add_rows::<E, F>(block, total);
        }
        let partial: Vec<Buffer<E>> = block
            .par_chunks(ROWS * width)
            .map(|rows| {
                let mut total = Buffer::scratch(width);
                add_rows::<E, F>(rows, &mut total);
                total
            })
            .collect();
        total.fill(F::identity());
        partial.iter().for_each(|rows| join_row::<E, F>(total, rows));
    };
    if x.len() < PARALLEL {
        out.chunks_mut(width).zip(x.chunks(rows * width)).for_each(block);
    } else {
        out.par_chunks_mut(width).zip(x.par_chunks(rows * width)).for_each(block);
    }
}

fn add_rows<E: Element, F: Fold<E>>(rows: &[E], total: &mut [E]) {
    total.fill(F::identity());
    rows.chunks(total.len()).for_each(|row| join_row::<E, F>(total, row));
}

fn join_row<E: Element, F: Fold<E>>(total: &mut [E], row: &[E]) {
    simd::run(
        #[inline(always)]
        || {
            total.iter_mut().zip(row).for_each(|(t, &x)| *t = F::join(*t, x));
        },
    );
}

/// The shape with the marked axes of size 1.
pub(crate) fn reduced(shape: &Shape, axes: &[bool]) -> Shape {
    (0..shape.rank()).filter(|&axis| axes[axis]).fold(*shape, |shape, axis| shape.with(axis, 1))
}
