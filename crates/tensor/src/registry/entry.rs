//! An entry of a registry of gradient checks.

use crate::Rng;
use crate::check::Outcome;

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
    pub run: fn(&mut Rng) -> Outcome,
}
