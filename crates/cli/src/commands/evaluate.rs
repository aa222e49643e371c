//! `rungs evaluate`: how well a trained model predicts a text, or writes what it should for a source.

mod baselines;
mod length_buckets;
mod pair_evaluation;
mod pair_measures;
mod resampling;
mod stretches;
mod tables;
mod target_writer;
mod text_evaluation;

use crate::arguments::{Common, Evaluate};
use crate::terminal::failure::{Failure, Outcome};

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => text_evaluation::run(path, evaluate, common),
        (None, Some(path)) => pair_evaluation::run(path, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}
