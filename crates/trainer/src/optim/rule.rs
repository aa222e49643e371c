//! A rule of optimization, and what it is told about the step it takes.

use rungs_layers::tensor::Element;
use std::fmt::Debug;

/// What a rule is told about the step it takes.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct StepSize {
    /// t, counted from 1.
    pub count: u64,
    /// η.
    pub learning_rate: f64,
    /// What the gradient is to be multiplied by before anything else.
    pub gradient_factor: f64,
    /// How many axes the parameter has.
    pub axes: usize,
}

/// Whether weight decay is for a parameter of so many axes: for two or more.
///
/// | group | parameters | decay |
/// |---|---|---|
/// | decayed | matrices: weights of layers, embeddings, learned positions | λ |
/// | not decayed | vectors: biases, gains and biases of norms, the vector u of additive attention | 0 |
///
/// A weight that multiplies makes a function steep, and pulling it to zero makes the function smooth. A bias only moves
/// it, and a gain pulled to zero switches its unit off. So the shape decides, and no list of names has to be kept; the
/// tests hold the two groups of every model against the names of their parameters.
pub fn decays(axes: usize) -> bool {
    axes >= 2
}

/// What an optimizer does to each number of a parameter.
pub trait Rule<E: Element>: Debug + Send + Sync {
    /// The names of the arrays it keeps beside each parameter. They have the parameter's shape and start at zero.
    fn moments(&self) -> &'static [&'static str];

    /// Takes one step on a piece of a parameter. All slices have the same length, and there are as many moments as
    /// [`moments`](Self::moments) names. What happens to one element must not depend on the others.
    fn update(&self, step: &StepSize, parameter: &mut [E], gradient: &[E], moments: &mut [&mut [E]]);
}

/// 0 for a number too small for its type's full precision, where arithmetic is a hundred times slower.
///
/// A running mean m ← β m of a gradient that stays away (a rare word's) falls into that range and then never leaves it:
/// β times the smallest number above zero rounds back to that number.
#[inline(always)]
pub(crate) fn without_denormals<E: Element>(x: E, smallest_normal: E) -> E {
    if x.abs() < smallest_normal { E::ZERO } else { x }
}

/// The smallest positive number with full precision.
pub(crate) fn smallest_normal<E: Element>() -> E {
    E::from_f64(if size_of::<E>() == size_of::<f32>() { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE })
}
