//! What is made small: cross-entropy, over one-hot rows or over ids.

use super::metric::classes;
use crate::tensor::{CrossEntropy, Element, Ids, Mask, Reduction, Tensor};
use crate::trainer;
use std::fmt::Debug;

/// Keras's `epsilon()`: how near a probability may come to 0 and to 1.
const EPSILON: f64 = 1e-7;

/// A loss against targets of type Y.
pub trait Loss<Y, E: Element>: Debug + Send + Sync {
    /// The loss of a batch with outputs (B, …, V), as a sum and the number of positions that it is divided by.
    ///
    /// # Panics
    /// If shapes do not fit.
    #[track_caller]
    fn loss(&self, targets: &Y, outputs: &Tensor<E>) -> trainer::Loss<E>;
}

/// What a model gives for each class.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Any numbers x; the probabilities are softmax(x). A Keras model that ends in a softmax is trained on its logits
    /// as well: with TensorFlow, its losses look behind the softmax, because ln softmax loses digits if taken in two
    /// steps.
    #[default]
    Logits,
    /// Probabilities, clipped to [10⁻⁷, 1 − 10⁻⁷].
    Probabilities,
}

/// ℓ = −Σ_v y_v ln p_v at every position, averaged over all positions, or over those whose class is not ignored.
///
/// | targets | Keras's name |
/// |---|---|
/// | [`Tensor`] (…, V): one-hot rows, or any distribution | `CategoricalCrossentropy` |
/// | [`Ids`] (…): the class of each position | `SparseCategoricalCrossentropy` |
///
/// A row of zeros is a target too: it costs nothing, has no gradient, and counts in the average. (In Keras with
/// TensorFlow it costs nothing either, but has the gradient p: the kernel takes y for a distribution without looking,
/// and returns p − y. Whoever pads with rows of zeros there trains those positions towards equal probabilities.)
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct CategoricalCrossEntropy {
    /// What is compared with the targets.
    pub outputs: Outputs,
    /// Positions of this class (padding) are left out of the sum and of the number it is divided by: Keras's
    /// `ignore_class` for ids, and a mask for one-hot rows, whose class is that of their largest number.
    pub ignore_class: Option<u32>,
}

impl<E: Element> Loss<Tensor<E>, E> for CategoricalCrossEntropy {
    fn loss(&self, targets: &Tensor<E>, outputs: &Tensor<E>) -> trainer::Loss<E> {
        let (rows, shape) = (targets.shape(), outputs.shape());
        assert!(rows == shape, "categorical cross-entropy: outputs {shape} for targets {rows}");
        let log_p = match self.outputs {
            Outputs::Logits => outputs.log_softmax(),
            Outputs::Probabilities => clipped_ln(&(outputs / outputs.sum_over([-1]))),
        };
        let positions = shape.size() / shape.last();
        let Some(ignored) = self.ignore_class else {
            return trainer::Loss { total: -(targets * log_p).sum(), tokens: positions };
        };
        let classes = classes(targets);
        let column: Vec<usize> = shape.iter().take(shape.rank() - 1).chain([1]).collect();
        let padding = Mask::from_fn(&column, |position| classes[position] == ignored);
        let tokens = classes.iter().filter(|&&class| class != ignored).count();
        trainer::Loss { total: -(targets * log_p).masked_fill(&padding, 0.0).sum(), tokens }
    }
}

impl<E: Element> Loss<Ids, E> for CategoricalCrossEntropy {
    fn loss(&self, targets: &Ids, outputs: &Tensor<E>) -> trainer::Loss<E> {
        let tokens = targets.as_slice().iter().filter(|&&id| self.ignore_class != Some(id)).count();
        let options = CrossEntropy { ignore: self.ignore_class, reduction: Reduction::Sum, ..CrossEntropy::default() };
        let total = match self.outputs {
            Outputs::Logits => outputs.cross_entropy(targets, options),
            Outputs::Probabilities => clipped_ln(outputs).cross_entropy(targets, options), // softmax(ln p) = p / Σ p
        };
        trainer::Loss { total, tokens }
    }
}

/// ln p with p in [ε, 1 − ε].
fn clipped_ln<E: Element>(p: &Tensor<E>) -> Tensor<E> {
    p.maximum(&Tensor::scalar(EPSILON)).minimum(&Tensor::scalar(1.0 - EPSILON)).ln()
}
