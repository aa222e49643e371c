//! Sharing work among threads: the one place that does.
//!
//! Work is cut into pieces of fixed size, whoever computes them, so results do not depend on the number of threads. The
//! work itself comes as a `dyn` function: it is called once for thousands of numbers, and the machinery around it is
//! compiled once for each element type instead of once for each operation.

use rayon::prelude::*;

/// Calls `body(number, chunk)` for every chunk of `size` elements of `out`; on several threads if there are at least
/// `threshold` elements and more than one chunk.
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    size: usize,
    threshold: usize,
    body: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    if out.len() >= threshold && out.len() > size {
        out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| body(i, chunk));
    } else {
        out.chunks_mut(size).enumerate().for_each(|(i, chunk)| body(i, chunk));
    }
}
