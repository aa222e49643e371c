//! What needs no model, measured on the same pairs as the runs.

use rungs::TextPair;
use rungs::measures::baselines::sentences;
use rungs::measures::{Baseline, Measured, Quality, Stemming};
use rungs::tensor::Rng;
use serde::Serialize;

/// The baselines in numbers.
#[derive(Serialize)]
pub(super) struct Baselines {
    lead_1: Quality,
    random: Quality,
    copy: Quality,
    /// Whether a source has more than one sentence; if none has, lead-1 and random are copies.
    #[serde(skip)]
    summarise: bool,
}

impl Baselines {
    pub(super) fn measure(pairs: &[TextPair], stemming: Stemming, seed: Option<u64>) -> Self {
        let rng = Rng::new(seed.unwrap_or(0));
        let quality = |baseline: Baseline| {
            let mut rng = rng.fork(baseline.name());
            let outputs = pairs.iter().map(|pair| (baseline.output(&pair.source, &mut rng), pair.target.as_str()));
            Measured::new(outputs, stemming).quality()
        };
        Self {
            lead_1: quality(Baseline::Lead),
            random: quality(Baseline::Random),
            copy: quality(Baseline::Copy),
            summarise: pairs.iter().any(|pair| sentences(&pair.source).len() > 1),
        }
    }

    /// Those that differ, with their names.
    pub(super) fn columns(&self) -> Vec<(&'static str, &Quality)> {
        let all = [(Baseline::Lead, &self.lead_1), (Baseline::Random, &self.random), (Baseline::Copy, &self.copy)];
        let shown = all.into_iter().filter(|(baseline, _)| self.summarise || *baseline == Baseline::Copy);
        shown.map(|(baseline, quality)| (baseline.name(), quality)).collect()
    }
}
