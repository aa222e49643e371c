//! A factor of a product, wherever its elements lie.

/// A matrix: its elements from the first on, and how far apart its rows and its columns are.
#[derive(Copy, Clone)]
pub(crate) struct Factor<'a, E> {
    pub(crate) data: &'a [E],
    pub(crate) steps: [usize; 2],
}
