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

/// The plain loops, for panels of `WIDTH` columns; `FUSED` if a product and a sum are one instruction and rounded once.
pub(super) struct Plain<const WIDTH: usize, const FUSED: bool>;

impl<const WIDTH: usize, const FUSED: bool> Plain<WIDTH, FUSED> {
    /// a·b + c, rounded once or twice.
    #[inline(always)]
    fn multiply_add<E: Element>(a: E, b: E, c: E) -> E {
        if FUSED { a.mul_add(b, c) } else { a * b + c }
    }

    /// The product by a matrix in panels, tile by tile.
    #[inline(always)]
    pub(super) fn by_panels<E: Element>(panels: &[E], [k, n]: [usize; 2], x: &[E], steps: [usize; 2], out: &mut [E]) {
        if k == 0 || n == 0 {
            return;
        }
        // Numbers of double size need twice the registers.
        let rows = height(out.len() / n, if size_of::<E>() == 8 { TILE / 2 } else { TILE });
        let mut columns = Buffer::scratch(rows * k);
        for (number, out) in out.chunks_mut(rows * n).enumerate() {
            let x = &x[number * rows * steps[0]..];
            let columns = &mut columns[..out.len() / n * k];
            match out.len() / n {
                1 => Self::tile::<E, 1>(panels, n, x, steps, columns, out),
                2 => Self::tile::<E, 2>(panels, n, x, steps, columns, out),
                3 => Self::tile::<E, 3>(panels, n, x, steps, columns, out),
                4 => Self::tile::<E, 4>(panels, n, x, steps, columns, out),
                5 => Self::tile::<E, 5>(panels, n, x, steps, columns, out),
                _ => Self::tile::<E, 6>(panels, n, x, steps, columns, out),
            }
        }
    }

    /// `ROWS` rows by all panels.
    #[inline(always)]
    fn tile<E: Element, const ROWS: usize>(
        panels: &[E],
        n: usize,
        x: &[E],
        [down, across]: [usize; 2],
        columns: &mut [E],
        out: &mut [E],
    ) {
        let k = columns.len() / ROWS;
        for (i, column) in columns.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
            *column = std::array::from_fn(|row| x[i * across + row * down]);
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
                        sums[row][j] = Self::multiply_add(x[row], w[j], sums[row][j]);
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
    pub(super) fn by_rows<E: Element>(w: &[E], down: usize, [k, n]: [usize; 2], x: &[E], out: &mut [E]) {
        /// Rows of W added at once, so that sums are loaded and stored less often.
        const DEPTH: usize = 4;
        let whole = k - k % DEPTH;
        for i in (0..whole).step_by(DEPTH) {
            Self::add_rows::<E, DEPTH>(&w[i * down..], down, n, &x[i..], k, out);
        }
        for i in whole..k {
            Self::add_rows::<E, 1>(&w[i * down..], down, n, &x[i..], k, out);
        }
    }

    /// Adds `ROWS` rows of W to each row of sums, multiplied by its numbers of X, which stand every `step` elements.
    #[inline(always)]
    fn add_rows<E: Element, const ROWS: usize>(w: &[E], down: usize, n: usize, x: &[E], step: usize, out: &mut [E]) {
        let w: [&[E]; ROWS] = std::array::from_fn(|d| &w[d * down..][..n]);
        for (x, out) in x.chunks(step).zip(out.chunks_exact_mut(n)) {
            let x: [E; ROWS] = std::array::from_fn(|d| x[d]);
            for j in 0..n {
                out[j] = (0..ROWS).fold(out[j], |sum, d| Self::multiply_add(x[d], w[d][j], sum));
            }
        }
    }

    /// The product of one row by columns, some at a time, because a sum waits for each of its additions.
    #[inline(always)]
    pub(super) fn by_columns<E: Element>(w: &[E], step: usize, k: usize, x: &[E], out: &mut [E]) {
        const ABREAST: usize = 8;
        for (number, out) in out.chunks_mut(ABREAST).enumerate() {
            let w = &w[number * ABREAST * step..];
            for (i, &x) in x[..k].iter().enumerate() {
                for (j, out) in out.iter_mut().enumerate() {
                    *out = Self::multiply_add(x, w[j * step + i], *out);
                }
            }
        }
    }

    /// Columns as rows. Columns are read a few rows at a time, so that what is written stays near.
    #[inline(always)]
    pub(super) fn transpose<E: Element>(
        data: &[E],
        step: usize,
        [rows, columns]: [usize; 2],
        width: usize,
        out: &mut [E],
    ) {
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
}
