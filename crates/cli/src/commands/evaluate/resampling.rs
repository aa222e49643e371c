//! How sure a difference between two runs is: what is drawn, and how often.

use rungs::measures::{Comparison, Measured, Resamples};
use rungs::tensor::Rng;
use serde::Serialize;

/// How often texts are drawn.
pub(super) const RESAMPLES: usize = 1_000;

/// Draws from so many texts, the same for all runs.
pub(super) fn resamples(size: usize, seed: Option<u64>) -> Resamples {
    Resamples { size, count: RESAMPLES, rng: Rng::new(seed.unwrap_or(0)).fork("bootstrap") }
}

/// By how much a run's outputs are better than the first run's.
#[derive(Serialize)]
pub(super) struct OfRun {
    pub(super) run: String,
    #[serde(flatten)]
    pub(super) comparison: Comparison,
}

/// Each of the other runs beside the first.
pub(super) fn compare<'r>(
    first: &Measured,
    others: impl IntoIterator<Item = (&'r str, &'r Measured)>,
    resamples: &Resamples,
) -> Vec<OfRun> {
    let of_run =
        |(run, other): (&str, &Measured)| OfRun { run: run.to_owned(), comparison: first.compare(other, resamples) };
    others.into_iter().map(of_run).collect()
}
