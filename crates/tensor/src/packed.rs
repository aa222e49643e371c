//! A matrix that is multiplied from the left many times, packed once.
//!
//! A recurrent network multiplies its state by the same matrix at every step. A general product packs its operands
//! anew at every call, which costs as much as the product itself when there are few rows. A [`PackedMatrix`] is cut
//! into panels of columns, each laid out as the innermost loop reads it; then a handful of rows is multiplied as fast
//! as a large matrix.
//!
//! Every element of a product is one sum in the order of the inner dimension, whoever computes it: its bits depend
//! neither on the rows computed beside it nor on whether the matrix was packed. They do depend on whether the processor
//! has a fused multiply-add.

use crate::array::buffer::Buffer;
use crate::parallel::for_each_chunk;
use crate::simd::{self, Level};
use crate::{Array, Element};

/// The most rows that are multiplied at once: their sums must fit the registers.
const TILE: usize = 6;
/// Rows in all from which packing pays.
const MANY: usize = 8;
/// Elements below which one thread packs.
const PARALLEL: usize = 64 * 1024;
/// Whether a product and a sum are one instruction on any processor of this architecture.
const FUSED_EVERYWHERE: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// The right factor W (K, N) of many products X·W.
#[derive(Debug)]
pub struct PackedMatrix<E: Element = f32> {
    rows: usize,
    columns: usize,
    layout: Layout<E>,
}

#[derive(Debug)]
enum Layout<E: Element> {
    /// Panels of `width` columns, one after another; each holds its K rows of `width` elements, the last one padded.
    Panels { panels: Buffer<E>, width: usize },
    /// As it was: rows of neighbours, one every `down` elements, so that columns of a wider matrix need no copy.
    Plain { matrix: Array<E>, down: usize },
}

impl<E: Element> PackedMatrix<E> {
    /// Prepares a matrix (K, N), of any strides, that `count` rows will be multiplied with in all. For a few rows packing
    /// would cost more than it saves, and the matrix is used as it lies.
    ///
    /// # Panics
    /// If the array is not a matrix.
    #[track_caller]
    pub fn new(matrix: &Array<E>, count: usize) -> Self {
        let [rows, columns] = matrix.dims();
        let [down, across] = matrix.steps();
        let plain = count < MANY && across == 1 || matrix.size() == 0;
        let layout = if plain { Layout::Plain { matrix: matrix.clone(), down } } else { pack(matrix) };
        Self { rows, columns, layout }
    }

    /// out += X·W for X (M, K) and out (M, N), both row-major.
    ///
    /// # Panics
    /// If the slices do not hold equally many rows of those sizes.
    #[track_caller]
    pub fn add_product(&self, x: &[E], out: &mut [E]) {
        let (k, n) = (self.rows, self.columns);
        if k == 0 || n == 0 {
            return;
        }
        let m = x.len() / k;
        assert!(x.len() == m * k && out.len() == m * n, "add_product: {} by ({k}, {n}) into {}", x.len(), out.len());
        let level = simd::level();
        let fused = level != Level::Portable || FUSED_EVERYWHERE;
        match &self.layout {
            Layout::Plain { matrix, down } => simd::run_fused(
                level,
                #[inline(always)]
                || {
                    if fused {
                        plain::<E, true>(matrix.data(), *down, [k, n], x, out)
                    } else {
                        plain::<E, false>(matrix.data(), *down, [k, n], x, out)
                    }
                },
            ),
            Layout::Panels { panels, width: 32 } => simd::run_fused(
                level,
                #[inline(always)]
                || tiles::<E, 32, true>(panels, k, n, x, out),
            ),
            Layout::Panels { panels, .. } => simd::run_fused(
                level,
                #[inline(always)]
                || {
                    if fused {
                        tiles::<E, 16, true>(panels, k, n, x, out)
                    } else {
                        tiles::<E, 16, false>(panels, k, n, x, out)
                    }
                },
            ),
        }
    }
}

fn pack<E: Element>(matrix: &Array<E>) -> Layout<E> {
    let [rows, columns] = matrix.dims();
    let width = match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 32,
        _ => 16,
    };
    let mut panels = Buffer::scratch(columns.next_multiple_of(width) * rows);
    let (data, [down, across]) = (matrix.data(), matrix.steps());
    for_each_chunk(&mut panels, rows * width, PARALLEL, &|panel, out| {
        let first = panel * width;
        let count = width.min(columns - first);
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let start = row * down + first * across;
            for (j, x) in out[..count].iter_mut().enumerate() {
                *x = data[start + j * across];
            }
            out[count..].fill(E::ZERO);
        }
    });
    Layout::Panels { panels, width }
}

/// a·b + c, rounded once or twice.
#[inline(always)]
fn multiply_add<E: Element, const FUSED: bool>(a: E, b: E, c: E) -> E {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The product by a matrix in panels, tile by tile.
#[inline(always)]
fn tiles<E: Element, const WIDTH: usize, const FUSED: bool>(panels: &[E], k: usize, n: usize, x: &[E], out: &mut [E]) {
    let m = x.len() / k;
    // Numbers of double size need twice the registers.
    let most = if size_of::<E>() == 8 { TILE / 2 } else { TILE };
    let rows = m.div_ceil(m.div_ceil(most).max(1)); // tiles of nearly equal height
    let mut columns = Buffer::scratch(rows * k);
    for (x, out) in x.chunks(rows * k).zip(out.chunks_mut(rows * n)) {
        match x.len() / k {
            1 => tile::<E, 1, WIDTH, FUSED>(panels, n, x, &mut columns, out),
            2 => tile::<E, 2, WIDTH, FUSED>(panels, n, x, &mut columns, out),
            3 => tile::<E, 3, WIDTH, FUSED>(panels, n, x, &mut columns, out),
            4 => tile::<E, 4, WIDTH, FUSED>(panels, n, x, &mut columns, out),
            5 => tile::<E, 5, WIDTH, FUSED>(panels, n, x, &mut columns, out),
            _ => tile::<E, 6, WIDTH, FUSED>(panels, n, x, &mut columns, out),
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
    columns: &mut [E],
    out: &mut [E],
) {
    let k = x.len() / ROWS;
    let columns = &mut columns[..ROWS * k];
    for (i, column) in columns.chunks_exact_mut(ROWS).enumerate() {
        for row in 0..ROWS {
            column[row] = x[row * k + i];
        }
    }
    for (number, panel) in panels.chunks_exact(k * WIDTH).enumerate() {
        let first = number * WIDTH;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rng, Tensor};

    /// X·W with each sum in order, in double precision.
    fn by_hand<E: Element>(x: &[E], w: &Array<E>, start: &[E]) -> Vec<f64> {
        let [k, n] = w.dims();
        let w = w.to_vec();
        let sum = |row: usize, j: usize| (0..k).map(|i| x[row * k + i].to_f64() * w[i * n + j].to_f64()).sum::<f64>();
        start.iter().enumerate().map(|(at, start)| start.to_f64() + sum(at / n, at % n)).collect()
    }

    fn check<E: Element>(tolerance: f64) {
        let mut rng = Rng::new(7);
        for (m, k, n) in
            [(1, 1, 1), (1, 9, 33), (3, 5, 16), (6, 4, 31), (7, 12, 32), (13, 17, 65), (25, 64, 48), (4, 0, 5)]
        {
            let (x, w) = (Array::<E>::normal([m, k], 0.0, 1.0, &mut rng), Array::normal([n, k], 0.0, 1.0, &mut rng));
            let start = Array::<E>::normal([m, n], 0.0, 1.0, &mut rng).to_vec();
            let w = w.permute(&[1, 0]);
            let (x, expected) = (x.to_vec(), by_hand(&x.to_vec(), &w, &start));
            let times = |w: &Array<E>, count| {
                let mut out = start.clone();
                PackedMatrix::new(w, count).add_product(&x, &mut out);
                out
            };
            let packed = times(&w, usize::MAX);
            for (found, expected) in packed.iter().zip(expected) {
                assert!((found.to_f64() - expected).abs() < tolerance * (1.0 + expected.abs()), "{m} {k} {n}");
            }
            assert_eq!(times(&w.contiguous(), 1), packed, "as it lies, {m} {k} {n}");
            let within = Tensor::concat(&[&w, &w, &w].map(|w| Tensor::constant(w.clone())), 1).slice(1, n..2 * n);
            assert_eq!(times(within.array(), 1), packed, "as columns of a wider matrix, {m} {k} {n}");
            for row in 0..m {
                let mut out = start[row * n..][..n].to_vec();
                PackedMatrix::new(&w, usize::MAX).add_product(&x[row * k..][..k], &mut out);
                assert_eq!(out, packed[row * n..][..n], "row {row} alone, {m} {k} {n}");
            }
        }
    }

    #[test]
    fn products_are_right_and_a_row_never_depends_on_its_neighbours_or_the_layout() {
        simd::tests::at_every_level(|| {
            check::<f32>(1e-5);
            check::<f64>(1e-14);
        });
    }
}
