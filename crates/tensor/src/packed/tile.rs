//! The innermost loops of a product by a packed matrix.
//!
//! The sums of a few rows by the columns of a panel stay in registers from the first to the last of the K terms. Every
//! sum takes its terms in order and with one rounding each where the processor can, so its bits do not depend on which
//! loop computed it, on the rows beside it, or on the panel.
//!
//! Written as plain loops, whether sums stay in registers is up to the compiler, and may change with the code that the
//! loop is inlined into. So single precision on x86-64, which trains, is written with vector instructions
//! ([`super::x86`]).

use crate::Element;
use crate::array::buffer::Buffer;
use crate::simd::{self, Level};

#[cfg(target_arch = "x86_64")]
use super::x86;

/// out += X·W for W (K, N) in panels, row-major out (M, N), and X (M, K) whose rows and columns lie so far apart:
/// `panels, [K, N], X, steps, out`.
pub(crate) type ByPanels<E> = fn(&[E], [usize; 2], &[E], [usize; 2], &mut [E]);
/// out += X·W for W (K, N) as it lies, a row every so many elements, and row-major X and out:
/// `W, down, [K, N], X, out`.
pub(crate) type ByRows<E> = fn(&[E], usize, [usize; 2], &[E], &mut [E]);
/// out += x·W for one row x (K) and W (K, N) whose columns lie together, one every so many elements:
/// `W, step, K, x, out`.
pub(crate) type ByColumns<E> = fn(&[E], usize, usize, &[E], &mut [E]);
/// The most rows that are multiplied at once: their sums must fit the registers.
pub(super) const TILE: usize = 6;
/// Whether a product and a sum are one instruction on any processor of this architecture.
const FUSED_EVERYWHERE: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// How many of M rows are multiplied at once, at most `most`, in tiles of nearly equal height.
pub(super) fn height(m: usize, most: usize) -> usize {
    m.div_ceil(m.div_ceil(most).max(1)).max(1)
}

/// [`ByPanels`] in single precision.
pub(crate) fn single(panels: &[f32], sizes: [usize; 2], x: &[f32], steps: [usize; 2], out: &mut [f32]) {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => x86::by_panels(panels, sizes, x, steps, out),
        Level::Portable => tiles::<f32, 16, FUSED_EVERYWHERE>(panels, sizes, x, steps, out),
    }
}

/// [`ByPanels`] in double precision. Numbers of double size need twice the registers.
pub(crate) fn double(panels: &[f64], sizes: [usize; 2], x: &[f64], steps: [usize; 2], out: &mut [f64]) {
    let level = simd::level();
    simd::run_fused(
        level,
        #[inline(always)]
        || match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => tiles::<f64, 32, true>(panels, sizes, x, steps, out),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => tiles::<f64, 16, true>(panels, sizes, x, steps, out),
            Level::Portable => tiles::<f64, 16, FUSED_EVERYWHERE>(panels, sizes, x, steps, out),
        },
    );
}

/// [`ByRows`] in single precision.
pub(crate) fn single_by_rows(w: &[f32], down: usize, sizes: [usize; 2], x: &[f32], out: &mut [f32]) {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => x86::by_rows(w, down, sizes, x, out),
        Level::Portable => plain::<f32, FUSED_EVERYWHERE>(w, down, sizes, x, out),
    }
}

/// [`ByRows`] in double precision.
pub(crate) fn double_by_rows(w: &[f64], down: usize, sizes: [usize; 2], x: &[f64], out: &mut [f64]) {
    let level = simd::level();
    let fused = level != Level::Portable || FUSED_EVERYWHERE;
    simd::run_fused(
        level,
        #[inline(always)]
        || if fused { plain::<f64, true>(w, down, sizes, x, out) } else { plain::<f64, false>(w, down, sizes, x, out) },
    );
}

/// [`ByColumns`] in single precision.
pub(crate) fn single_by_columns(w: &[f32], step: usize, k: usize, x: &[f32], out: &mut [f32]) {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => x86::columns::by_columns(w, step, k, x, out),
        Level::Portable => inner_products::<f32, FUSED_EVERYWHERE>(w, step, k, x, out),
    }
}

/// [`ByColumns`] in double precision.
pub(crate) fn double_by_columns(w: &[f64], step: usize, k: usize, x: &[f64], out: &mut [f64]) {
    let level = simd::level();
    let fused = level != Level::Portable || FUSED_EVERYWHERE;
    simd::run_fused(
        level,
        #[inline(always)]
        || match fused {
            true => inner_products::<f64, true>(w, step, k, x, out),
            false => inner_products::<f64, false>(w, step, k, x, out),
        },
    );
}

/// a·b + c, rounded once or twice.
#[inline(always)]
fn multiply_add<E: Element, const FUSED: bool>(a: E, b: E, c: E) -> E {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The product by a matrix in panels, tile by tile.
#[inline(always)]
fn tiles<E: Element, const WIDTH: usize, const FUSED: bool>(
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
fn plain<E: Element, const FUSED: bool>(w: &[E], down: usize, [k, n]: [usize; 2], x: &[E], out: &mut [E]) {
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
fn inner_products<E: Element, const FUSED: bool>(w: &[E], step: usize, k: usize, x: &[E], out: &mut [E]) {
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
