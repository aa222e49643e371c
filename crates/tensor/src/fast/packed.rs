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

use super::buffer::Buffer;
use super::panel;
use super::parallel::for_each_chunk;
use crate::{Array, Element};

/// Rows in all from which packing pays.
const MANY: usize = 8;
/// Elements below which one thread packs.
const PARALLEL: usize = 64 * 1024;

/// The right factor W (K, N) of many products X·W.
#[derive(Debug)]
pub struct PackedMatrix<E: Element = f32> {
    rows: usize,
    columns: usize,
    layout: Layout<E>,
}

#[derive(Debug)]
enum Layout<E: Element> {
    /// Panels, as [`panel`] has them.
    Panels(Buffer<E>),
    /// As it was: rows of neighbours, one every `down` elements, so that columns of a wider matrix need no copy.
    Plain { matrix: Array<E>, down: usize },
}

impl<E: Element> PackedMatrix<E> {
    /// Prepares a matrix (K, N), of any strides, that `count` rows will be multiplied with in all. For a few rows
    /// packing would cost more than it saves, and the matrix is used as it lies.
    ///
    /// # Panics
    /// If the array is not a matrix.
    #[track_caller]
    pub fn new(matrix: &Array<E>, count: usize) -> Self {
        let [rows, columns] = matrix.dims();
        let [down, across] = matrix.steps();
        if count < MANY && across == 1 || matrix.size() == 0 {
            return Self { rows, columns, layout: Layout::Plain { matrix: matrix.clone(), down } };
        }
        let width = panel::width();
        let mut panels = Buffer::scratch(panel::size(rows, columns));
        for_each_chunk(&mut panels, rows * width, PARALLEL, &|number, out| {
            let first = number * width;
            let data = &matrix.data()[first * across..];
            panel::pack(data, [rows, width.min(columns - first)], [down, across], out);
        });
        Self { rows, columns, layout: Layout::Panels(panels) }
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
        match &self.layout {
            Layout::Plain { matrix, down } => E::by_rows(matrix.data(), *down, [k, n], x, out),
            Layout::Panels(panels) => E::by_panels(panels, [k, n], x, [k, 1], out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fast::simd;
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
