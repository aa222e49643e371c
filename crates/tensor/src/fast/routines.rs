//! Products for every case and a pool of memory: what each kind of numbers brings along for speed.
//!
//! Declared here and implemented above in [`dispatch`](super::dispatch), so that whatever lies in between can be
//! written for any [`Element`](crate::Element). Every product adds to `out`, and takes the terms of each of its sums in
//! order.

use super::pool::Pool;

/// The signature of a strided general matrix product, C ← α·A·B + β·C, as `matrixmultiply` has it:
/// `m, k, n, α, A, A's row and column stride, B, …, β, C, …`.
pub(crate) type Gemm<E> =
    unsafe fn(usize, usize, usize, E, *const E, isize, isize, *const E, isize, isize, E, *mut E, isize, isize);

/// Products and memory for one kind of numbers. Out of reach for other crates, which seals `Element`.
pub trait Routines: Sized + 'static {
    /// The product of many rows.
    const GEMM: Gemm<Self>;

    /// out += X·W for W (K, N) in [panels](super::panel), row-major out (M, N), and X (M, K) whose rows and columns lie
    /// `steps` apart.
    fn by_panels(panels: &[Self], sizes: [usize; 2], x: &[Self], steps: [usize; 2], out: &mut [Self]);

    /// out += X·W for W (K, N) as it lies, a row every `down` elements, and row-major X and out.
    fn by_rows(w: &[Self], down: usize, sizes: [usize; 2], x: &[Self], out: &mut [Self]);

    /// out += x·W for one row x (K) and W (K, N) whose columns lie together, one every `step` elements.
    fn by_columns(w: &[Self], step: usize, k: usize, x: &[Self], out: &mut [Self]);

    /// Writes columns as rows: `rows` and `columns` of `data`, a column every `step` elements, to rows that begin every
    /// `width` elements of `out`.
    fn transpose(data: &[Self], step: usize, sizes: [usize; 2], width: usize, out: &mut [Self]);

    /// Where buffers of this type wait to be used again.
    fn pool() -> &'static Pool<Self>;
}
