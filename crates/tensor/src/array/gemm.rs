//! Matrix products of strided arrays, shared among threads.
//!
//! The product itself is `matrixmultiply`'s, or for a few rows that of [`few`]. Only rows, columns and batches are
//! divided among threads, never the inner dimension, and both accumulate the inner dimension in one order for every
//! block of the result: so an element's bits depend neither on the number of threads nor on how many rows are computed
//! beside it.

use super::{Array, Buffer};
use crate::parallel::for_each_chunk;
use crate::{Element, Shape};

mod few;

/// Floating-point operations below which a product stays on one thread.
const PARALLEL: usize = 2_000_000;
/// Rows and columns of a share are multiples of this: whole tiles of the underlying kernel.
const TILE: usize = 32;

/// One factor: its elements from the first on, and how far apart its rows and columns are.
#[derive(Copy, Clone)]
struct Factor<'a, E> {
    data: &'a [E],
    steps: [usize; 2],
}

impl<'a, E: Element> Factor<'a, E> {
    /// The matrix of an array that is used in this batch of a result of this shape.
    fn of(x: &'a Array<E>, shape: &Shape, mut batch: usize) -> Self {
        let axes = shape.rank() - 2;
        let mut offset = 0;
        for axis in (0..axes).rev() {
            offset += batch % shape.dim(axis) * x.strides[axis];
            batch /= shape.dim(axis);
        }
        Self { data: &x.data()[offset..], steps: [x.strides[axes], x.strides[axes + 1]] }
    }
}

/// The same as `matrixmultiply` takes it.
#[derive(Copy, Clone)]
struct Matrix<E> {
    data: *const E,
    row: isize,
    column: isize,
}

impl<E: Element> Matrix<E> {
    fn of(Factor { data, steps: [row, column] }: Factor<'_, E>) -> Self {
        Self { data: data.as_ptr(), row: row as isize, column: column as isize }
    }
}

/// (m, k) by (k, n) into row-major `out`, which starts at `to`.
#[derive(Copy, Clone)]
struct Product<E> {
    dims: [usize; 3],
    a: Matrix<E>,
    b: Matrix<E>,
    to: *mut E,
    row: isize,
}

// SAFETY: the pointers are borrowed from arrays that outlive the product (`matmul` holds them), `a` and `b` are only
// read, and each thread writes a part of the result that no other touches.
#[allow(unsafe_code)]
unsafe impl<E: Element> Send for Product<E> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<E: Element> Sync for Product<E> {}

/// (…, M, K)·(…, K, N); shapes have been checked.
pub(crate) fn matmul<E: Element>(a: &Array<E>, b: &Array<E>, shape: Shape) -> Array<E> {
    let rank = shape.rank();
    let (m, n, k) = (shape.dim(rank - 2), shape.dim(rank - 1), a.shape.dim(rank - 1));
    if shape.size() == 0 || k == 0 {
        return Array::zeros(shape); // a sum over nothing
    }
    let mut out = Buffer::scratch(shape.size());
    let batches = shape.size() / (m * n);
    let operations = 2 * m * n * k;
    let compute = |batch: usize, out: &mut [E]| {
        let [a, b] = [a, b].map(|x| Factor::of(x, &shape, batch));
        if m < few::MANY {
            return few::multiply([m, k, n], a, b, out);
        }
        let (a, b, to) = (Matrix::of(a), Matrix::of(b), out.as_mut_ptr());
        divide(Product { dims: [m, k, n], a, b, to, row: n as isize }, operations);
    };
    if batches == 1 {
        compute(0, &mut out);
    } else {
        // Several small products make one piece of work.
        let few = PARALLEL.div_ceil(operations);
        for_each_chunk(&mut out, few * m * n, 0, &|piece, out| {
            for (i, out) in out.chunks_mut(m * n).enumerate() {
                compute(piece * few + i, out);
            }
        });
    }
    Array::from_buffer(out, shape)
}

/// Halves the product along its longer side until a share is small or every thread has one.
fn divide<E: Element>(product: Product<E>, operations: usize) {
    let shares = rayon::current_num_threads().min(operations / PARALLEL + 1);
    divide_into(product, shares);
}

fn divide_into<E: Element>(product: Product<E>, shares: usize) {
    let [m, _, n] = product.dims;
    if shares <= 1 || m.max(n) < 2 * TILE {
        return multiply(product);
    }
    let near = shares / 2;
    let cut = |size: usize| (size * near / shares).next_multiple_of(TILE).min(size - 1);
    let (first, second) = if m >= n { product.split_rows(cut(m)) } else { product.split_columns(cut(n)) };
    rayon::join(|| divide_into(first, near), || divide_into(second, shares - near));
}

impl<E: Element> Product<E> {
    fn split_rows(self, at: usize) -> (Self, Self) {
        let [m, k, n] = self.dims;
        let a = Matrix { data: self.a.data.wrapping_offset(at as isize * self.a.row), ..self.a };
        let to = self.to.wrapping_offset(at as isize * self.row);
        (Self { dims: [at, k, n], ..self }, Self { dims: [m - at, k, n], a, to, ..self })
    }

    fn split_columns(self, at: usize) -> (Self, Self) {
        let [m, k, n] = self.dims;
        let b = Matrix { data: self.b.data.wrapping_offset(at as isize * self.b.column), ..self.b };
        (Self { dims: [m, k, at], ..self }, Self { dims: [m, k, n - at], b, to: self.to.wrapping_add(at), ..self })
    }
}

#[allow(unsafe_code)]
fn multiply<E: Element>(product: Product<E>) {
    let Product { dims: [m, k, n], a, b, to, row } = product;
    // SAFETY: every index within `dims` times the strides stays inside the arrays that the product was made from
    // (`Array` keeps its views within their storage), and this call alone writes its part of the result.
    unsafe {
        (E::GEMM)(m, k, n, E::ONE, a.data, a.row, a.column, b.data, b.row, b.column, E::ZERO, to, row, 1);
    }
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
