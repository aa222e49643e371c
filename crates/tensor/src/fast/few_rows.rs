//! A product of a few rows, as generation makes one for every token.
//!
//! A general product packs both factors first, which takes longer than a few rows by a matrix. Here the right factor is
//! read once, where it lies: a row after another if its columns are neighbours, or else, as the transpose of such a
//! matrix, a few columns after others. That is as fast as memory is.
//!
//! The sums are taken as `matrixmultiply` takes them, [`DEPTH`] terms at a time, so that a row has the bits it has
//! among many.

use super::buffer::Buffer;
use super::many_rows::Factor;
use super::panel;
use super::parallel::for_each_chunk;
use crate::Element;

/// Rows from which on a general product is faster.
pub(crate) const MANY: usize = 16;
/// Terms of a sum that are added up by themselves before they are added to the others: `matrixmultiply`'s `KC`, for
/// both types of numbers.
const DEPTH: usize = 256;
/// Sums that stay in the first cache.
const SUMS: usize = 4096;
/// Rows of a panel that are packed and used at a time: 8 kB, or twice that with vectors of 512 bits or numbers of 64,
/// stay in the first cache.
const PACKED: usize = 64;
/// Elements of the right factor below which one thread reads them all.
const SMALL: usize = 1 << 16;

/// (M, K) by (K, N) into row-major `out`. Threads take columns.
pub(crate) fn multiply<E: Element>([m, k, n]: [usize; 3], a: Factor<'_, E>, b: Factor<'_, E>, out: &mut [E]) {
    let x = by_depth([m, k], a);
    let width = panel::width();
    let columns = match b.steps[1] {
        1 => n.div_ceil(rayon::current_num_threads()).min(SUMS / m).next_multiple_of(width),
        _ => width,
    };
    // Row-major, but for each share of the columns by itself: a thread writes to what is its own.
    let mut shares = Buffer::scratch(m * n);
    let least = if k * n < SMALL { usize::MAX } else { 0 };
    for_each_chunk(&mut shares, m * columns, least, &|number, share| {
        let first = number * columns;
        let b = Factor { data: &b.data[first * b.steps[1]..], steps: b.steps };
        add_up([m, share.len() / m], &x, b, share);
    });
    for (number, share) in shares.chunks(m * columns).enumerate() {
        let count = share.len() / m;
        for (row, share) in share.chunks_exact(count).enumerate() {
            out[row * n + number * columns..][..count].copy_from_slice(share);
        }
    }
}

/// The left factor in pieces of [`DEPTH`] columns, each row-major, one after another.
fn by_depth<E: Element>([m, k]: [usize; 2], a: Factor<'_, E>) -> Buffer<E> {
    let mut x = Buffer::scratch(m * k);
    for (number, x) in x.chunks_mut(m * DEPTH).enumerate() {
        let depth = x.len() / m;
        for (row, x) in x.chunks_exact_mut(depth).enumerate() {
            let at = row * a.steps[0] + number * DEPTH * a.steps[1];
            (0..depth).for_each(|i| x[i] = a.data[at + i * a.steps[1]]);
        }
    }
    x
}

/// The product for columns that one thread takes.
fn add_up<E: Element>([m, n]: [usize; 2], x: &[E], b: Factor<'_, E>, out: &mut [E]) {
    let [down, across] = b.steps;
    let mut sums = Buffer::scratch(m * n);
    let [by_rows, by_columns] = [across == 1, m == 1 && down == 1];
    let mut panel = Buffer::scratch(if by_rows || by_columns { 0 } else { panel::size(PACKED, n) });
    for (number, x) in x.chunks(m * DEPTH).enumerate() {
        let (depth, b) = (x.len() / m, &b.data[number * DEPTH * down..]);
        sums.fill(E::ZERO);
        if by_rows {
            E::by_rows(b, down, [depth, n], x, &mut sums);
        } else if by_columns {
            E::by_columns(b, across, depth, x, &mut sums);
        } else {
            for first in (0..depth).step_by(PACKED) {
                let rows = PACKED.min(depth - first);
                panel::pack(&b[first * down..], [rows, n], [down, across], &mut panel);
                E::by_panels(&panel, [rows, n], &x[first..], [depth, 1], &mut sums);
            }
        }
        if number == 0 {
            out.copy_from_slice(&sums);
        } else {
            out.iter_mut().zip(sums.iter()).for_each(|(y, &sum)| *y += sum);
        }
    }
}
