//! The order in which a loop visits several strided arrays of one shape.
//!
//! Neighbouring axes that all operands step through evenly are merged, so arrays that are contiguous become one long
//! run whatever their rank; what is left is a number of equal runs along the last axis, found one after the other by
//! an odometer. Long runs are cut into pieces and pieces are shared among threads. Who computes a piece never changes
//! what is computed.

use crate::fast::parallel::for_each_chunk;
use crate::shape::{MAX_RANK, Shape, Strides};

/// The elements in one piece of work: large enough that handing it over costs little.
const GRAIN: usize = 16 * 1024;

struct Walk<const N: usize> {
    /// Sizes of the merged axes but the last, and each operand's step along them.
    outer: [(usize, [usize; N]); MAX_RANK],
    rank: usize,
    /// The length of a run, and each operand's step within it.
    length: usize,
    steps: [usize; N],
}

impl<const N: usize> Walk<N> {
    fn new(shape: &Shape, strides: [&Strides; N]) -> Self {
        let mut axes = [(1_usize, [0_usize; N]); MAX_RANK];
        let mut count = 0;
        for axis in 0..shape.rank() {
            let (dim, step) = (shape.dim(axis), strides.map(|s| s[axis]));
            if dim == 1 {
                continue;
            }
            match axes[..count].last_mut() {
                Some(last) if (0..N).all(|i| last.1[i] == step[i] * dim) => *last = (last.0 * dim, step),
                _ => {
                    axes[count] = (dim, step);
                    count += 1;
                }
            }
        }
        let (length, steps) = if count > 0 { axes[count - 1] } else { (1, [0; N]) };
        Self { outer: axes, rank: count.saturating_sub(1), length, steps }
    }

    /// The position of a run, as counters and as each operand's offset.
    fn seek(&self, mut run: usize) -> ([usize; MAX_RANK], [usize; N]) {
        let (mut counters, mut offsets) = ([0; MAX_RANK], [0; N]);
        for axis in (0..self.rank).rev() {
            let (dim, step) = self.outer[axis];
            counters[axis] = run % dim;
            run /= dim;
            for i in 0..N {
                offsets[i] += counters[axis] * step[i];
            }
        }
        (counters, offsets)
    }

    /// Turns the odometer by one.
    #[inline]
    fn advance(&self, counters: &mut [usize; MAX_RANK], offsets: &mut [usize; N]) {
        for axis in (0..self.rank).rev() {
            let (dim, step) = self.outer[axis];
            counters[axis] += 1;
            for i in 0..N {
                offsets[i] += step[i];
            }
            if counters[axis] < dim {
                return;
            }
            counters[axis] = 0;
            for i in 0..N {
                offsets[i] -= dim * step[i];
            }
        }
    }
}

/// What is done to a run: the run of the output, each operand's offset at its first element, each operand's step within
/// it.
pub(crate) type Body<'a, T, const N: usize> = &'a (dyn Fn(&mut [T], [usize; N], [usize; N]) + Sync);

/// Writes `out`, which is row-major of shape `shape`, run by run.
pub(crate) fn for_each_run<T: Send, const N: usize>(
    out: &mut [T],
    shape: &Shape,
    strides: [&Strides; N],
    body: Body<'_, T, N>,
) {
    if out.is_empty() {
        return;
    }
    let walk = Walk::new(shape, strides);
    let (length, steps) = (walk.length, walk.steps);
    if length < GRAIN {
        let runs = GRAIN / length;
        for_each_chunk(out, runs * length, 2 * GRAIN, &|piece, out| {
            let (mut counters, mut offsets) = walk.seek(piece * runs);
            for run in out.chunks_exact_mut(length) {
                body(run, offsets, steps);
                walk.advance(&mut counters, &mut offsets);
            }
        });
    } else {
        for_each_chunk(out, length, 2 * GRAIN, &|i, run| {
            let (_, offsets) = walk.seek(i);
            for_each_chunk(run, GRAIN, 2 * GRAIN, &|j, piece| {
                body(piece, std::array::from_fn(|k| offsets[k] + j * GRAIN * steps[k]), steps);
            });
        });
    }
}
