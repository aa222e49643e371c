//! What is measured besides the loss.

use crate::tensor::{Element, Ids, Tensor, argmax};
use std::fmt::Debug;

/// A mean that more can be added to.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Mean {
    /// Σ weight · value.
    pub total: f64,
    /// Σ weight.
    pub weight: f64,
}

impl Mean {
    /// Takes in another.
    pub fn add(&mut self, other: Self) {
        self.total += other.total;
        self.weight += other.weight;
    }

    /// The mean; 0 if there is nothing, as in Keras.
    pub fn value(&self) -> f64 {
        if self.weight == 0.0 { 0.0 } else { self.total / self.weight }
    }
}

/// A number that says how well outputs meet targets of type Y.
pub trait Metric<Y, E: Element>: Debug + Send + Sync {
    /// What it is called in a [`History`](super::History).
    fn name(&self) -> &str;

    /// The mean over a batch with outputs (B, …, V), with the weight that it has in an epoch.
    ///
    /// # Panics
    /// If shapes do not fit.
    #[track_caller]
    fn measure(&self, targets: &Y, outputs: &Tensor<E>) -> Mean;
}

/// The share of positions whose likeliest class, the first of equals, is the target's.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Accuracy {
    /// Positions of this class (padding) do not count. Keras's accuracy knows only masks, not this option: there a loss
    /// that ignores a class leaves the accuracy as it is.
    pub ignore_class: Option<u32>,
}

impl Accuracy {
    #[track_caller]
    fn of_classes<E: Element>(self, targets: &[u32], outputs: &Tensor<E>) -> Mean {
        let likeliest = classes(outputs);
        let (found, needed) = (likeliest.len(), targets.len());
        assert!(found == needed, "accuracy: {found} positions for {needed} targets");
        let counted = targets.iter().zip(&likeliest).filter(|&(&class, _)| self.ignore_class != Some(class));
        let mean = |mean: Mean, (class, likeliest)| Mean {
            total: mean.total + f64::from(u8::from(class == likeliest)),
            weight: mean.weight + 1.0,
        };
        counted.fold(Mean::default(), mean)
    }
}

impl<E: Element> Metric<Ids, E> for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }

    fn measure(&self, targets: &Ids, outputs: &Tensor<E>) -> Mean {
        self.of_classes(targets.as_slice(), outputs)
    }
}

impl<E: Element> Metric<Tensor<E>, E> for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }

    fn measure(&self, targets: &Tensor<E>, outputs: &Tensor<E>) -> Mean {
        self.of_classes(&classes(targets), outputs)
    }
}

/// The likeliest class of each row (…, V); the first where there is no largest.
pub(super) fn classes<E: Element>(x: &Tensor<E>) -> Vec<u32> {
    x.to_vec().chunks(x.shape().last()).map(|row| argmax(row).unwrap_or(0) as u32).collect()
}
