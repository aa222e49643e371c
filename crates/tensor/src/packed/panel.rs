//! The innermost loops of a product by a packed matrix.
//!
//! A matrix W (K, N) in *panels*: its columns in groups of [`width`], one group after another; each holds its K rows of
//! `width` elements, the last group padded with zeros. The sums of a few rows of a product by the columns of a panel
//! stay in registers from the first to the last of the K terms.

use crate::Element;
use crate::array::buffer::Buffer;
use crate::simd::{self, Level};

/// The most rows that are multiplied at once: their sums must fit the registers.
const TILE: usize = 6;
/// Whether a product and a sum are one instruction on any processor of this architecture.
const FUSED_EVERYWHERE: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// The columns of a panel on this machine.
pub(crate) fn width() -> usize {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 32,
        _ => 16,
    }
}

/// How many elements a matrix takes in panels.
pub(crate) fn size(rows: usize, columns: usize) -> usize {
    rows * columns.next_multiple_of(width())
}

/// Packs a matrix of these sizes, whose rows and columns lie `down` and `across` apart in `data`.
pub(crate) fn pack<E: Element>(data: &[E], [rows, columns]: [usize; 2], [down, across]: [usize; 2], panels: &mut [E]) {
    let width = width();
    for (number, panel) in panels[..size(rows, columns)].chunks_exact_mut((rows * width).max(1)).enumerate() {
        let first = number * width;
        let count = width.min(columns - first);
        for (row, out) in panel.chunks_exact_mut(width).enumerate() {
            let start = row * down + first * across;
            if across == 1 {
                out[..count].copy_from_slice(&data[start..][..count]);
            } else {
                for (j, x) in out[..count].iter_mut().enumerate() {
                    *x = data[start + j * across];
                }
            }
            out[count..].fill(E::ZERO);
        }
    }
}

/// out += X·W for W (K, N) in panels, row-major out (M, N), and X (M, K) whose rows and columns lie `steps` apart in `x`.
pub(crate) fn add_product<E: Element>(panels: &[E], [k, n]: [usize; 2], x: &[E], steps: [usize; 2], out: &mut [E]) {
    let level = simd::level();
    let fused = level != Level::Portable || FUSED_EVERYWHERE;
    simd::run_fused(
        level,
        #[inline(always)]
        || match (width(), fused) {
            (32, _) => tiles::<E, 32, true>(panels, [k, n], x, steps, out),
            (_, true) => tiles::<E, 16, true>(panels, [k, n], x, steps, out),
            (_, false) => tiles::<E, 16, false>(panels, [k, n], x, steps, out),
        },
    );
}

/// out += X·W for W (K, N) as it lies, a row every `down` elements, and row-major X and out.
pub(crate) fn add_plain_product<E: Element>(w: &[E], down: usize, [k, n]: [usize; 2], x: &[E], out: &mut [E]) {
    let level = simd::level();
    let fused = level != Level::Portable || FUSED_EVERYWHERE;
    simd::run_fused(
        level,
        #[inline(always)]
        || if fused { plain::<E, true>(w, down, [k, n], x, out) } else { plain::<E, false>(w, down, [k, n], x, out) },
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
    let m = out.len() / n;
    // Numbers of double size need twice the registers.
    let most = if size_of::<E>() == 8 { TILE / 2 } else { TILE };
    let rows = m.div_ceil(m.div_ceil(most).max(1)); // tiles of nearly equal height
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

/// `ROWS` rows by all panels. The sums of a panel's columns stay in registers: what is read and written in between has
/// sizes that the compiler knows, and nothing is looked up by an index that it would have to check.
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
    for (number, panel) in panels.chunks_exact(k * WIDTH).enumerate() {
        let first = number * WIDTH;
        if first >= n {
            break; // the caller's buffer may be larger
        }
        let count = WIDTH.min(n - first);
        let mut start = [[E::ZERO; WIDTH]; ROWS];
        for row in 0..ROWS {
            start[row][..count].copy_from_slice(&out[row * n + first..][..count]);
        }
        let end = panel_sums::<E, ROWS, WIDTH, FUSED>(panel, columns, start);
        for row in 0..ROWS {
            out[row * n + first..][..count].copy_from_slice(&end[row][..count]);
        }
    }
}

#[inline(always)]
fn panel_sums<E: Element, const ROWS: usize, const WIDTH: usize, const FUSED: bool>(
    panel: &[E],
    columns: &[E],
    mut sums: [[E; WIDTH]; ROWS],
) -> [[E; WIDTH]; ROWS] {
    for (w, x) in panel.as_chunks::<WIDTH>().0.iter().zip(columns.as_chunks::<ROWS>().0) {
        for row in 0..ROWS {
            for j in 0..WIDTH {
                sums[row][j] = multiply_add::<E, FUSED>(x[row], w[j], sums[row][j]);
            }
        }
    }
    sums
}

/// The product by a matrix as it lies, which is read once from its first row to its last for each row of `x`.
#[inline(always)]
fn plain<E: Element, const FUSED: bool>(w: &[E], down: usize, [k, n]: [usize; 2], x: &[E], out: &mut [E]) {
    /// Rows of W added at once, so that sums are loaded and stored less often.
    const DEPTH: usize = 4;
    for (x, out) in x.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
        let whole = k - k % DEPTH;
        for i in (0..whole).step_by(DEPTH) {
            let a: [E; DEPTH] = std::array::from_fn(|d| x[i + d]);
            let w: [&[E]; DEPTH] = std::array::from_fn(|d| &w[(i + d) * down..][..n]);
            for j in 0..n {
                let mut sum = out[j];
                for d in 0..DEPTH {
                    sum = multiply_add::<E, FUSED>(a[d], w[d][j], sum);
                }
                out[j] = sum;
            }
        }
        for i in whole..k {
            let w = &w[i * down..][..n];
            for j in 0..n {
                out[j] = multiply_add::<E, FUSED>(x[i], w[j], out[j]);
            }
        }
    }
}
