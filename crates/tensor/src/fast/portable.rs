//! The innermost loops of a product by a packed matrix, or by one as it lies, as plain loops.
//!
//! The sums of a few rows by the columns of a panel stay in registers from the first to the last of the K terms. Every
//! sum takes its terms in order and with one rounding each where the processor can, so its bits do not depend on which
//! loop computed it, on the rows beside it, or on the panel.

use super::buffer::Buffer;
use crate::Element;

/// The most rows that are multiplied at once: their sums must fit the registers.
pub(super) const TILE: usize = 6;
/// Whether a product and a sum are one instruction on any processor of this architecture.
pub(super) const FUSED_EVERYWHERE: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
/// Rows that are written side by side: 4 kB of single precision, and 8.
const NEAR: usize = 64;

/// How many of M rows are multiplied at once, at most `most`, in tiles of nearly equal height.
pub(super) fn height(m: usize, most: usize) -> usize {
    m.div_ceil(m.div_ceil(most).max(1)).max(1)
}

/// a·b + c, rounded once or twice.
#[inline(always)]
fn multiply_add<E: Element, const FUSED: bool>(a: E, b: E, c: E) -> E {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The product by a matrix in panels, tile by tile.
#[inline(always)]
pub(super) fn by_panels<E: Element, const WIDTH: usize, const FUSED: bool>(
    panels: &[E],
    [k, n]: [usize; 2],
    x: &[E],
    steps: [usize; 2],
    out: &mut [E],
) {
    if k == 0 || n == 0 {
        return;
    }
    let rows = height(out.len() / n, if size_of::<E>() == 8 { TILE / 2 } else { TILE });
    let mut columns = Buffer::scratch(rows * k);
    for (number, out) in out.chunks_mut(rows * n).enumerate() {
        let x = &x[number * rows * steps[0]..];
        let columns = &mut columns[..out.len() / n * k];
        match out.len() / n {
            1 => tile::<E, 1, WIDTH, FUSED>(panels, n, x, steps, columns, out),
            2 => tile::<E, 2, WIDTH, FUSED>(panels, n, x, steps, columns, out),
            3 => tile::<E, 3, WIDTH, FUSED>(panels, n, x, steps, columns, out),
            4 => tile::<E, 4, WIDTH, FUSED>(panels, n, x, steps, columns, out),
            5 => tile::<E, 5, WIDTH, FUSED>(panels, n, x, steps, columns, out),
            _ => tile::<E, 6, WIDTH, FUSED>(panels, n, x, steps, columns, out),
        }
    }
}

/// `ROWS` rows by all panels.
#[inline(always)]
fn tile<E: Element, const ROWS: usize, const WIDTH: usize, const FUSED: bool>(
    panels: &[E],
    n: usize,
    x: &[E],
    [down, across]: [usize; 2],
    columns: &mut [E],
    out: &mut [E],
) {
    let k = columns.len() / ROWS;
    for (i, column) in columns.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        let x = &x[i * across..];
        for row in 0..ROWS {
            column[row] = x[row * down];
        }
    }
    // A panel for each group of columns; the caller's buffer may be larger.
    for (panel, first) in panels.chunks_exact(k * WIDTH).zip((0..n).step_by(WIDTH)) {
        let count = WIDTH.min(n - first);
        let mut sums = [[E::ZERO; WIDTH]; ROWS];
        for row in 0..ROWS {
            sums[row][..count].copy_from_slice(&out[row * n + first..][..count]);
        }
        for (w, x) in panel.as_chunks::<WIDTH>().0.iter().zip(columns.as_chunks::<ROWS>().0) {
            for row in 0..ROWS {
                for j in 0..WIDTH {
                    sums[row][j] = multiply_add::<E, FUSED>(x[row], w[j], sums[row][j]);
                }
            }
        }
        for row in 0..ROWS {
            out[row * n + first..][..count].copy_from_slice(&sums[row][..count]);
        }
    }
}

/// The product by a matrix as it lies, which is read once from its first row to its last.
#[inline(always)]
pub(super) fn by_rows<E: Element, const FUSED: bool>(w: &[E], down: usize, [k, n]: [usize; 2], x: &[E], out: &mut [E]) {
    /// Rows of W added at once, so that sums are loaded and stored less often.
    const DEPTH: usize = 4;
    let whole = k - k % DEPTH;
    for i in (0..whole).step_by(DEPTH) {
        let w: [&[E]; DEPTH] = std::array::from_fn(|d| &w[(i + d) * down..][..n]);
        for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            let a: [E; DEPTH] = std::array::from_fn(|d| x[i + d]);
            for j in 0..n {
                let mut sum = out[j];
                for d in 0..DEPTH {
                    sum = multiply_add::<E, FUSED>(a[d], w[d][j], sum);
                }
                out[j] = sum;
            }
        }
    }
    for i in whole..k {
        let w = &w[i * down..][..n];
        for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            for j in 0..n {
                out[j] = multiply_add::<E, FUSED>(x[i], w[j], out[j]);
            }
        }
    }
}

/// The product of one row by columns, some at a time, because a sum waits for each of its additions.
#[inline(always)]
pub(super) fn by_columns<E: Element, const FUSED: bool>(w: &[E], step: usize, k: usize, x: &[E], out: &mut [E]) {
    const ABREAST: usize = 8;
    for (number, out) in out.chunks_mut(ABREAST).enumerate() {
        let w = &w[number * ABREAST * step..];
        for (i, &x) in x[..k].iter().enumerate() {
            for (j, out) in out.iter_mut().enumerate() {
                *out = multiply_add::<E, FUSED>(x, w[j * step + i], *out);
            }
        }
    }
}

/// Columns as rows, by plain loops. Columns are read a few rows at a time, so that what is written stays near.
pub(super) fn transpose<E: Element>(data: &[E], step: usize, [rows, columns]: [usize; 2], width: usize, out: &mut [E]) {
    for start in (0..rows).step_by(NEAR) {
        let many = NEAR.min(rows - start);
        for j in 0..columns {
            let column = &data[j * step + start..][..many];
            for (x, out) in column.iter().zip(out[start * width + j..].iter_mut().step_by(width)) {
                *out = *x;
            }
        }
    }
}
