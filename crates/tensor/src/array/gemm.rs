//! Matrix products of strided arrays.
//!
//! C = A·B is c_ij = Σ_k a_ik b_kj, for each pair of matrices of a batch. What to multiply with what is found here, the
//! sums themselves are taken by code that is there for speed: [`few_rows`], which reads B where it lies, or
//! [`many_rows`], which packs both factors first. Only rows, columns and batches are divided among threads, never the
//! inner dimension, and both take the terms of a sum in one order, the same for every element of the result. So an
//! element's bits depend neither on the number of threads nor on how many rows are computed beside it.

use super::Array;
use crate::fast::buffer::Buffer;
use crate::fast::few_rows;
use crate::fast::many_rows::{self, Factor};
use crate::fast::parallel::for_each_chunk;
use crate::{Element, Shape};

/// (…, M, K)·(…, K, N); shapes have been checked.
pub(crate) fn matmul<E: Element>(a: &Array<E>, b: &Array<E>, shape: Shape) -> Array<E> {
    let rank = shape.rank();
    let (m, n, k) = (shape.dim(rank - 2), shape.dim(rank - 1), a.shape.dim(rank - 1));
    if shape.size() == 0 || k == 0 {
        return Array::zeros(shape); // a sum over nothing
    }
    let mut out = Buffer::scratch(shape.size());
    let leading = Shape::new(&shape.to_vec()[..rank - 2]);
    let batches = leading.size();
    let compute = |batch: usize, out: &mut [E]| {
        let [a, b] = [a, b].map(|x| Factor {
            data: &x.data()[leading.offset(batch, &x.strides)..],
            steps: [x.strides[rank - 2], x.strides[rank - 1]],
        });
        if m < few_rows::MANY {
            few_rows::multiply([m, k, n], a, b, out);
        } else {
            many_rows::multiply([m, k, n], a, b, out);
        }
    };
    if batches == 1 {
        compute(0, &mut out);
    } else {
        // Several small products make one piece of work.
        let few = many_rows::PARALLEL.div_ceil(2 * m * n * k);
        for_each_chunk(&mut out, few * m * n, 0, &|piece, out| {
            for (i, out) in out.chunks_mut(m * n).enumerate() {
                compute(piece * few + i, out);
            }
        });
    }
    Array::from_buffer(out, shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    fn random<E: Element>(shape: [usize; 2], rng: &mut Rng) -> Array<E> {
        Array::normal(shape, 0.0, 1.0, rng)
    }

    /// Sizes around every threshold, each factor as it lies and transposed, all rows and some of them.
    fn check<E: Element>(tolerance: f64) {
        let mut rng = Rng::new(3);
        let sizes = [
            (1, 1, 1),
            (1, 700, 40),
            (1, 269, 333),
            (3, 17, 5),
            (15, 400, 333),
            (16, 257, 32),
            (37, 600, 70),
            (64, 1025, 131),
        ];
        for (m, k, n) in sizes {
            let (a, b) = (random::<E>([m, k], &mut rng), random::<E>([k, n], &mut rng));
            let other = |x: &Array<E>| x.permute(&[1, 0]).contiguous().permute(&[1, 0]);
            let all = matmul(&a, &b, [m, n].into()).to_vec();
            for (a, b) in [(other(&a), b.clone()), (a.clone(), other(&b))] {
                assert_eq!(matmul(&a, &b, [m, n].into()).to_vec(), all, "{m}×{k}×{n}, transposed");
                for rows in [0..1, m / 2..m, m.saturating_sub(16)..m - 1] {
                    let some = matmul(&a.slice(0, rows.clone()), &b, [rows.len(), n].into()).to_vec();
                    assert_eq!(some, all[rows.start * n..rows.end * n], "rows {rows:?} of {m}×{k}×{n}");
                }
            }
            let (a, b) = (a.to_vec(), b.to_vec());
            for (i, found) in all.iter().enumerate() {
                let terms = (0..k).map(|t| a[i / n * k + t].to_f64() * b[t * n + i % n].to_f64());
                let (expected, size) = terms.fold((0.0, 1.0), |(sum, size), term| (sum + term, size + term.abs()));
                assert!((found.to_f64() - expected).abs() < tolerance * size, "{m}×{k}×{n}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn products_are_right_and_a_row_does_not_depend_on_layouts_or_on_the_rows_beside_it() {
        check::<f32>(1e-6);
        check::<f64>(1e-15);
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let mut rng = Rng::new(2);
        for m in [130, 2] {
            let (a, b) = (random::<f32>([m, 700], &mut rng), random([700, 333], &mut rng));
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| matmul(&a, &b, [m, 333].into()).to_vec())
            };
            let one = with(1);
            assert!([2, 3, 8].into_iter().all(|threads| with(threads) == one));
        }
    }
}
