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

use rungs::SavedRun;

use crate::arguments::{Common, Evaluate};
use crate::plots::plot_file::check_plot;
use crate::terminal::failure::{Failure, Outcome};

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    // Whatever can be wrong is found before the long work begins.
    evaluate.plot.as_deref().map_or(Ok(()), check_plot)?;
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => text_evaluation::run(path, runs(evaluate)?, evaluate, common),
        (None, Some(path)) => pair_evaluation::run(path, runs(evaluate)?, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}

/// The runs that are measured: the first, and those that it is compared with.
fn runs(evaluate: &Evaluate) -> Outcome<Vec<SavedRun>> {
    let base = evaluate.base.base.as_deref();
    let folders = std::iter::once(&evaluate.run).chain(&evaluate.compare).enumerate();
    folders.map(|(i, folder)| super::open(folder, base.filter(|_| i == 0))).collect()
}
