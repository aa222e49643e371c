//! A product of many rows: `matrixmultiply`'s, shared among threads.
//!
//! Threads take rows or columns, never a part of the inner dimension: an element's bits do not depend on how many
//! threads there are.

use crate::Element;

/// Floating-point operations below which a product stays on one thread.
pub(crate) const PARALLEL: usize = 2_000_000;
/// Rows and columns of a share are multiples of this: whole tiles of the underlying kernel.
const TILE: usize = 32;

/// A matrix: its elements from the first on, and how far apart its rows and its columns are.
#[derive(Copy, Clone)]
pub(crate) struct Factor<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) steps: [usize; 2],
}

/// (M, K) by (K, N) into row-major `out`, for sizes of at least 1.
pub(crate) fn multiply<E: Element>(dims @ [m, k, n]: [usize; 3], a: Factor<'_, E>, b: Factor<'_, E>, out: &mut [E]) {
    let within = |x: Factor<'_, E>, rows, columns| x.data.len() > (rows - 1) * x.steps[0] + (columns - 1) * x.steps[1];
    assert!(within(a, m, k) && within(b, k, n) && out.len() == m * n, "({m}, {k}) by ({k}, {n}): out of bounds");
    let shares = rayon::current_num_threads().min(2 * m * n * k / PARALLEL + 1);
    divide(Product { dims, a, b, to: out.as_mut_ptr(), row: n }, shares);
}

/// (m, k) by (k, n) into the rows from `to` on, of which one begins every `row` elements.
#[derive(Copy, Clone)]
struct Product<'a, E> {
    dims: [usize; 3],
    a: Factor<'a, E>,
    b: Factor<'a, E>,
    to: *mut E,
    row: usize,
}

// SAFETY: `to` is borrowed from a slice that outlives the product (`multiply` holds it), and each thread writes a part
// of the result that no other touches.
#[allow(unsafe_code)]
unsafe impl<E: Element> Send for Product<'_, E> {}

/// Halves the product along its longer side until a share is small or every thread has one.
fn divide<E: Element>(product: Product<'_, E>, shares: usize) {
    let Product { dims: [m, k, n], a, b, to, row } = product;
    if shares <= 1 || m.max(n) < 2 * TILE {
        return multiply_here(product);
    }
    let near = shares / 2;
    let cut = |size: usize| (size * near / shares).next_multiple_of(TILE).min(size - 1);
    let (first, second) = if m >= n {
        let at = cut(m);
        let a = Factor { data: &a.data[at * a.steps[0]..], ..a };
        let to = to.wrapping_add(at * row);
        (Product { dims: [at, k, n], ..product }, Product { dims: [m - at, k, n], a, to, ..product })
    } else {
        let at = cut(n);
        let b = Factor { data: &b.data[at * b.steps[1]..], ..b };
        let to = to.wrapping_add(at);
        (Product { dims: [m, k, at], ..product }, Product { dims: [m, k, n - at], b, to, ..product })
    };
    rayon::join(move || divide(first, near), move || divide(second, shares - near));
}

#[allow(unsafe_code)]
fn multiply_here<E: Element>(Product { dims: [m, k, n], a, b, to, row }: Product<'_, E>) {
    let [[a_row, a_column], [b_row, b_column]] = [a, b].map(|x| x.steps.map(|step| step as isize));
    let (a, b) = (a.data.as_ptr(), b.data.as_ptr());
    // SAFETY: every index within `dims` times the strides stays inside the slices that the product was made from
    // (`multiply` has checked it), and this call alone writes its part of the result.
    unsafe {
        (E::GEMM)(m, k, n, E::ONE, a, a_row, a_column, b, b_row, b_column, E::ZERO, to, row as isize, 1);
    }
}
