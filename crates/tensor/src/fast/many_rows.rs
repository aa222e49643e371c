//! A product of many rows: `matrixmultiply`'s, shared among threads.
//!
//! Threads take rows or columns, never a part of the inner dimension: an element's bits do not depend on how many
//! threads there are.

use super::factor::Factor;
use crate::Element;

/// Floating-point operations below which a product stays on one thread.
pub(crate) const PARALLEL: usize = 2_000_000;
/// Rows and columns of a share are multiples of this: whole tiles of the underlying kernel.
const TILE: usize = 32;

/// (M, K) by (K, N) into row-major `out`, for sizes of at least 1.
pub(crate) fn multiply<E: Element>([m, k, n]: [usize; 3], a: Factor<'_, E>, b: Factor<'_, E>, out: &mut [E]) {
    let within = |x: Factor<'_, E>, rows, columns| x.data.len() > (rows - 1) * x.steps[0] + (columns - 1) * x.steps[1];
    assert!(within(a, m, k) && within(b, k, n) && out.len() == m * n, "({m}, {k}) by ({k}, {n}): out of bounds");
    let (a, b, to) = (Matrix::of(a), Matrix::of(b), out.as_mut_ptr());
    divide(Product { dims: [m, k, n], a, b, to, row: n as isize }, 2 * m * n * k);
}

/// A factor as `matrixmultiply` takes it.
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

// SAFETY: the pointers are borrowed from slices that outlive the product (`multiply` holds them), `a` and `b` are only
// read, and each thread writes a part of the result that no other touches.
#[allow(unsafe_code)]
unsafe impl<E: Element> Send for Product<E> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<E: Element> Sync for Product<E> {}

/// Halves the product along its longer side until a share is small or every thread has one.
fn divide<E: Element>(product: Product<E>, operations: usize) {
    let shares = rayon::current_num_threads().min(operations / PARALLEL + 1);
    divide_into(product, shares);
}

fn divide_into<E: Element>(product: Product<E>, shares: usize) {
    let [m, _, n] = product.dims;
    if shares <= 1 || m.max(n) < 2 * TILE {
        return multiply_here(product);
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
fn multiply_here<E: Element>(product: Product<E>) {
    let Product { dims: [m, k, n], a, b, to, row } = product;
    // SAFETY: every index within `dims` times the strides stays inside the slices that the product was made from
    // (`multiply` has checked it), and this call alone writes its part of the result.
    unsafe {
        (E::GEMM)(m, k, n, E::ONE, a.data, a.row, a.column, b.data, b.row, b.column, E::ZERO, to, row, 1);
    }
}
