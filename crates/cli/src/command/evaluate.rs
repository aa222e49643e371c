//! `rungs evaluate`: how well a trained model predicts a text, or writes what it should for a source.

mod baselines;
mod lengths;
mod pairs;
mod prose;
mod resampling;
mod stretches;
mod text;
mod writer;

use crate::arguments::{Common, Evaluate};
use crate::failure::{Failure, Outcome};

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => text::run(path, evaluate, common),
        (None, Some(path)) => pairs::run(path, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}
