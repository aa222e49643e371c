//! Reductions along axes: sum, maximum, log-sum-exp.
//!
//! The order of additions is part of the result, so it is fixed: a run of numbers is summed in interleaved partial sums
//! ([`rows`](super::rows)), runs longer than [`CHUNK`] in chunks whose sums are added in order. Threads share chunks;
//! they never choose them.

use super::Array;
use super::map::map;
use super::rows::{each_row, max_row, sum_row};
use crate::fast::buffer::Buffer;
use crate::fast::parallel::for_each_chunk;
use crate::fast::simd::inlined;
use crate::{Element, Shape, vectorized};

const CHUNK: usize = 4096;
/// Rows whose partial sums are added up before they join the rest.
const ROWS: usize = 256;
/// Elements below which a reduction stays on one thread.
const PARALLEL: usize = 32 * 1024;

/// A way to make one number out of many: an associative function and what it gives for nothing.
trait Fold<E>: Sync {
    const IDENTITY: E;
    fn join(a: E, b: E) -> E;
    fn row(x: &[E]) -> E;
}

struct Sum;
impl<E: Element> Fold<E> for Sum {
    const IDENTITY: E = E::ZERO;
    #[inline(always)]
    fn join(a: E, b: E) -> E {
        a + b
    }
    #[inline(always)]
    fn row(x: &[E]) -> E {
        sum_row(x, inlined!(|_, x| x))
    }
}

struct Largest;
impl<E: Element> Fold<E> for Largest {
    const IDENTITY: E = E::NEGATIVE_INFINITY;
    #[inline(always)]
    fn join(a: E, b: E) -> E {
        a.larger(b)
    }
    #[inline(always)]
    fn row(x: &[E]) -> E {
        max_row(x)
    }
}

/// The sum over the marked axes, which stay with size 1. The sum of nothing is 0.
pub(crate) fn sum<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    reduce::<E, Sum>(x, axes)
}

/// The mean over the marked axes, which stay with size 1; NaN of nothing. To Σx/n is added what its rounding left, so
/// that the mean of equal numbers is that number.
pub(crate) fn mean<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    let n = E::from_f64(count(&x.shape, axes) as f64);
    let mean = map([&sum(x, axes)], |[sum]| sum / n);
    let rest = sum(&map([x, &mean.expand(x.shape)], inlined!(|[x, mean]| x - mean)), axes);
    map([&mean, &rest], |[mean, rest]| if rest.is_finite() { mean + rest / n } else { mean })
}

/// The maximum over the marked axes, which stay with size 1. NaN if any element is; −∞ for nothing.
pub(crate) fn max<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    reduce::<E, Largest>(x, axes)
}

/// ln Σ eˣ over the marked axes, which stay with size 1; the maximum is taken out first, so nothing overflows. −∞ for
/// nothing, or where every element is −∞.
pub(crate) fn logsumexp<E: Element>(x: &Array<E>, axes: &[bool]) -> Array<E> {
    if let Some((true, others)) = axes.split_last()
        && !others.contains(&true)
    {
        return logsumexp_of_rows(x);
    }
    let largest = max(x, axes);
    // Subtracting an infinite maximum would make ∞ − ∞.
    let shift = map([&largest], |[m]| if m.is_finite() { m } else { E::ZERO });
    let shifted = map([x, &shift.expand(x.shape)], inlined!(|[x, m]| (x - m).exp()));
    map([&sum(&shifted, axes), &shift], |[s, m]| s.ln() + m)
}

/// The same over the last axis alone, with the same bits: a row is read while it is near, and nothing of its size is
/// made.
fn logsumexp_of_rows<E: Element>(x: &Array<E>) -> Array<E> {
    let (shape, x) = (x.shape, x.contiguous());
    let (axis, width) = (shape.rank() - 1, shape.last());
    let reduced = shape.with(axis, 1);
    let totals = each_row(x.data(), width, reduced.size(), 1, &|row, total| {
        vectorized!({
            let m = max_row(row);
            // Subtracting an infinite maximum would make ∞ − ∞.
            let shift = if m.is_finite() { m } else { E::ZERO };
            let mut sum = E::ZERO;
            for chunk in row.chunks(CHUNK) {
                sum += sum_row(chunk, inlined!(|_, x| (x - shift).exp()));
            }
            total[0] = sum.ln() + shift;
        });
    });
    Array::from_vec(totals, reduced)
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
        return out.fill(F::IDENTITY);
    }
    let few = (CHUNK / length).max(1);
    for_each_chunk(out, few, PARALLEL.div_ceil(length), &|piece, out| {
        for (i, y) in out.iter_mut().enumerate() {
            *y = run::<E, F>(&x[(piece * few + i) * length..][..length]);
        }
    });
}

fn run<E: Element, F: Fold<E>>(x: &[E]) -> E {
    if x.len() <= CHUNK {
        return vectorized!(F::row(x));
    }
    let mut partial = vec![E::ZERO; x.len().div_ceil(CHUNK)];
    for_each_chunk(&mut partial, 1, PARALLEL / CHUNK, &|i, y| {
        let chunk = &x[i * CHUNK..x.len().min((i + 1) * CHUNK)];
        y[0] = vectorized!(F::row(chunk));
    });
    pairwise::<E, F>(&partial)
}

/// Joins neighbours, then what they gave, until one is left: the rounding error grows with the logarithm of their
/// number.
fn pairwise<E: Element, F: Fold<E>>(x: &[E]) -> E {
    match x {
        [] => F::IDENTITY,
        [x] => *x,
        _ => {
            let (left, right) = x.split_at(x.len().div_ceil(2));
            F::join(pairwise::<E, F>(left), pairwise::<E, F>(right))
        }
    }
}

/// `x` is (before, rows, width); adds up the rows of each block, so `out` is (before, width).
fn columns<E: Element, F: Fold<E>>(x: &[E], rows: usize, width: usize, out: &mut [E]) {
    if rows == 0 || out.is_empty() {
        return out.fill(F::IDENTITY);
    }
    for_each_chunk(out, width, PARALLEL.div_ceil(rows), &|i, total| {
        let block = &x[i * rows * width..][..rows * width];
        if rows <= ROWS {
            return add_rows::<E, F>(block, total);
        }
        let mut partial = Buffer::scratch(rows.div_ceil(ROWS) * width);
        for_each_chunk(&mut partial, width, PARALLEL.div_ceil(ROWS), &|j, total| {
            add_rows::<E, F>(&block[j * ROWS * width..block.len().min((j + 1) * ROWS * width)], total);
        });
        columns::<E, F>(&partial, rows.div_ceil(ROWS), width, total);
    });
}

fn add_rows<E: Element, F: Fold<E>>(rows: &[E], total: &mut [E]) {
    total.fill(F::IDENTITY);
    for row in rows.chunks(total.len()) {
        vectorized!({
            for (t, &x) in total.iter_mut().zip(row) {
                *t = F::join(*t, x);
            }
        });
    }
}

/// The number of elements along the marked axes.
pub(crate) fn count(shape: &Shape, axes: &[bool]) -> usize {
    (0..shape.rank()).filter(|&axis| axes[axis]).map(|axis| shape.dim(axis)).product()
}

/// The shape with the marked axes of size 1.
pub(crate) fn reduced(shape: &Shape, axes: &[bool]) -> Shape {
    (0..shape.rank()).filter(|&axis| axes[axis]).fold(*shape, |shape, axis| shape.with(axis, 1))
}
