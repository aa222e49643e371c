//! Every operation, function and kernel of this crate with its gradient check, in one list.
//!
//! `rungs check` runs the list, and a test reads the sources for `impl … Op`, `impl … Function` and `impl … Kernel` and
//! fails if one of them is missing here. The crates above have lists of the same kind.
//!
//! Each check meets scalars, axes of size 0 and 1 and uneven sizes, with every operand contiguous, permuted, sliced and
//! repeated in turn. Elements are drawn away from kinks and poles: what happens there is a definition,
//! not a derivative.

use crate::Rng;
use crate::check::{Accuracy, GradientMismatch};

mod functions;
mod kernels;
mod operands;
mod operations;

/// What an entry checks.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An operation, `impl Op`.
    Op,
    /// An elementwise function, `impl Function`.
    Function,
    /// A fused kernel, `impl Kernel`.
    Kernel,
    /// A layer, `parameters!`.
    Layer,
    /// A model, `parameters!`.
    Model,
}

/// A gradient check for one type.
#[derive(Copy, Clone, Debug)]
pub struct Entry {
    /// The name of the type that it checks.
    pub covers: &'static str,
    /// What that type is.
    pub kind: Kind,
    /// Runs the check on random inputs.
    pub run: fn(&mut Rng) -> Result<Accuracy, GradientMismatch>,
}

/// The checks of this crate.
pub fn entries() -> Vec<Entry> {
    let mut entries = operations::entries();
    entries.extend(functions::entries());
    entries.extend(kernels::entries());
    entries
}
