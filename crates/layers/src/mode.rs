//! Training or evaluation, as an argument.
//!
//! Some layers behave differently while training ([`Dropout`](crate::Dropout)), and then they need randomness. Both
//! facts travel together: to train is to have a generator. A layer therefore cannot be left in the wrong mode, and a
//! run repeats bit for bit from its seed.

use rungs_tensor::Rng;

/// Whether a forward pass trains, and with which random numbers.
#[derive(Debug)]
pub enum Mode<'r> {
    /// Training: dropout drops, with numbers drawn from this generator in the order of the computation.
    Train(&'r mut Rng),
    /// Evaluation and generation: deterministic.
    Eval,
}
