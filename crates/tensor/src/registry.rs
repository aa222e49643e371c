//! Every operation, function and kernel of this crate with its gradient check, in one list.
//!
//! `rungs check` runs the list, and a test reads the sources for `impl … Op`, `impl … Function` and `impl … Kernel` and
//! fails if one of them is missing here. The crates above have lists of the same kind.
//!
//! Each check meets scalars, axes of size 0 and 1 and uneven sizes, with every operand contiguous, permuted, sliced and
//! repeated in turn. Elements are drawn away from kinks and poles: what happens there is a definition,
//! not a derivative.

mod control;
pub(crate) mod entry;
mod kernels;
pub(crate) mod operands;
mod operations;

use crate::ops::{arithmetic, functions};

pub use control::{Control, controls};
pub use entry::{Entry, Kind};

/// The checks of this crate.
pub fn entries() -> Vec<Entry> {
    [arithmetic::entries(), operations::entries(), functions::entries(), kernels::entries()].concat()
}

#[cfg(test)]
mod tests;
