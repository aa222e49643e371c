//! How well targets are predicted that are read, not written: teacher forcing.

use crate::tensor::{Ids, Tensor};
use crate::trainer::Evaluation;

/// How well a translator predicts targets that it is given, and how often its likeliest token is the true one.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Forced {
    /// The loss.
    pub evaluation: Evaluation,
    /// How many tokens were the likeliest.
    pub right: usize,
}

impl Forced {
    /// Counts the positions at which the likeliest token is the target, which is not `ignore`, of logits (…, V).
    pub(super) fn count_right(&mut self, logits: &Tensor, targets: &Ids, ignore: Option<u32>) {
        let vocabulary = logits.shape().last();
        for (z, &target) in logits.to_vec().chunks(vocabulary).zip(targets.as_slice()) {
            let likeliest = (0..vocabulary).fold(0, |best, id| if z[id] > z[best] { id } else { best });
            self.right += usize::from(ignore != Some(target) && likeliest == target as usize);
        }
    }

    /// The share of tokens that were the likeliest.
    pub fn token_accuracy(&self) -> f64 {
        self.right as f64 / self.evaluation.tokens as f64
    }
}
