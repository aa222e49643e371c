//! `rungs evaluate`: how well a trained model predicts a text, or writes what it should for a source.

mod length_buckets;
mod pair_evaluation;
mod pair_measures;
mod resampling;
mod stretches;
mod target_writer;
mod text_evaluation;

use rungs::SavedRun;

use crate::arguments::{Common, Evaluate};
use crate::plots::check_plot;
use crate::terminal::{Failure, Outcome};

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    // Whatever can be wrong is found before the long work begins.
    evaluate.plot.as_deref().map_or(Ok(()), check_plot)?;
    // The first, and those that it is compared with.
    let mut runs = vec![evaluate.saved.open()?];
    runs.extend(evaluate.compare.iter().map(SavedRun::open).collect::<Result<Vec<_>, _>>()?);
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => text_evaluation::run(path, &runs, evaluate, common),
        (None, Some(path)) => pair_evaluation::run(path, runs, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}
