//! Sharing work among threads: the one place that does.
//!
//! Work is cut into pieces of fixed size, whoever computes them, so results do not depend on the number of threads. The
//! work itself comes as a `dyn` function: it is called once for thousands of numbers, and the machinery around it is
//! compiled once for each element type instead of once for each operation.

use crate::Element;
use rayon::prelude::*;
use std::ops::Range;

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

/// What [`for_each_part`] does with some rows and their part of each array.
pub type Part<'a, E, const N: usize> = &'a (dyn Fn(Range<usize>, [&mut [E]; N]) + Sync);

/// Shares rows among the threads. Each of the `arrays` holds the rows one after another, each array in its own number of
/// elements per row; `body` gets the range of rows that a part is, and that part of each array.
///
/// How the rows are shared depends on the number of threads: `body` must compute a row without regard to the others.
/// Rows fewer than `least` stay together.
pub fn for_each_part<E: Element, const N: usize>(
    rows: Range<usize>,
    least: usize,
    arrays: [&mut [E]; N],
    body: Part<'_, E, N>,
) {
    divide(rows, least.max(1), rayon::current_num_threads(), arrays, body);
}

fn divide<E: Element, const N: usize>(
    rows: Range<usize>,
    least: usize,
    parts: usize,
    arrays: [&mut [E]; N],
    body: Part<'_, E, N>,
) {
    if parts < 2 || rows.len() < 2 * least {
        return body(rows, arrays);
    }
    let first = (rows.len() * (parts / 2) / parts).max(1);
    let mut near = Vec::with_capacity(N);
    let far = arrays.map(|array| {
        let (a, b) = array.split_at_mut(array.len() / rows.len() * first);
        near.push(a);
        b
    });
    let near: [&mut [E]; N] = near.try_into().expect("one part of each array");
    let (start, cut, end) = (rows.start, rows.start + first, rows.end);
    rayon::join(
        || divide(start..cut, least, parts / 2, near, body),
        || divide(cut..end, least, parts - parts / 2, far, body),
    );
}
