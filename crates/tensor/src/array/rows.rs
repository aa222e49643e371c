//! Loops over the rows of a row-major array, where a row is everything along the last axis.

use super::Array;
use crate::fast::parallel::for_each_chunk;
use crate::fast::simd::inlined;
use crate::{Element, vectorized};

/// Elements below which all rows stay on one thread, and the elements in one piece of work.
const PARALLEL: usize = 16 * 1024;
const PIECE: usize = 8 * 1024;

/// Calls `f(row number, row)` for each row of `width` elements; rows are shared among threads.
pub(crate) fn for_each_row<E: Element>(out: &mut [E], width: usize, f: &(dyn Fn(usize, &mut [E]) + Sync)) {
    if width == 0 {
        return;
    }
    let rows = (PIECE / width).max(1);
    for_each_chunk(out, rows * width, PARALLEL, &|piece, out| {
        out.chunks_mut(width).enumerate().for_each(|(i, row)| f(piece * rows + i, row));
    });
}

/// The array with each row (along its last axis) written over by `f(row number, row)`; mark `f` `#[inline(always)]`.
#[inline]
pub(crate) fn map_rows<E: Element>(x: &Array<E>, f: impl Fn(usize, &mut [E]) + Sync) -> Array<E> {
    let mut y = x.contiguous();
    let width = y.shape().last();
    for_each_row(y.make_mut(), width, &|i, row| {
        vectorized!(f(i, row));
    });
    y
}

/// `numbers` numbers for each of `count` rows of `width` elements of `x`, written by `f` where they belong.
pub(crate) fn each_row<E: Element>(
    x: &[E],
    width: usize,
    count: usize,
    numbers: usize,
    f: &(dyn Fn(&[E], &mut [E]) + Sync),
) -> Vec<E> {
    let mut out = vec![E::ZERO; count * numbers];
    let rows = (PIECE / width.max(1)).max(1);
    for_each_chunk(&mut out, rows * numbers, PARALLEL.div_ceil(width.max(1)) * numbers, &|piece, out| {
        for (i, y) in out.chunks_mut(numbers).enumerate() {
            f(&x[(piece * rows + i) * width..][..width], y);
        }
    });
    out
}

/// How many partial sums a row is added up in: what a vector unit wants, and a fixed part of the result.
pub(crate) const LANES: usize = 16;

/// The sum of f(i, xᵢ) over a row, in [`LANES`] interleaved partial sums.
#[inline(always)]
pub(crate) fn sum_row<E: Element>(x: &[E], f: impl Fn(usize, E) -> E) -> E {
    let mut lanes = [E::ZERO; LANES];
    // Blocks of a known size become vectors; checked places would not.
    let (blocks, rest) = x.as_chunks::<LANES>();
    for (i, block) in blocks.iter().enumerate() {
        for lane in 0..LANES {
            lanes[lane] += f(i * LANES + lane, block[lane]);
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        lanes[lane] += f(blocks.len() * LANES + lane, x);
    }
    join_lanes(lanes, inlined!(|a, b| a + b))
}

/// The largest element of a row; −∞ if it is empty, NaN if any element is.
#[inline(always)]
pub(crate) fn max_row<E: Element>(x: &[E]) -> E {
    let mut lanes = [E::NEGATIVE_INFINITY; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].larger(block[lane]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = lane.larger(x);
    }
    join_lanes(lanes, E::larger)
}

/// Where a row is largest: at the first of equals. NaN is never the largest; none if no element is greater than −∞, as
/// in an empty row.
pub fn argmax<E: Element>(row: &[E]) -> Option<usize> {
    let (mut place, mut most) = (None, E::NEGATIVE_INFINITY);
    for (i, &x) in row.iter().enumerate() {
        if x > most {
            (place, most) = (Some(i), x);
        }
    }
    place
}

/// Joins the upper half of the lanes to the lower until one is left.
#[inline(always)]
fn join_lanes<E: Element>(mut lanes: [E; LANES], join: impl Fn(E, E) -> E) -> E {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = join(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn argmax_takes_the_first_of_equals_and_never_nan() {
        assert_eq!(argmax(&[1.0, 3.0, f64::NAN, 3.0]), Some(1));
        assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY, -5.0]), Some(2));
        assert_eq!(argmax(&[f64::NEG_INFINITY, f64::NAN]), None);
        assert_eq!(argmax::<f32>(&[]), None);
    }
}
