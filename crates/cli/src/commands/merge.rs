//! `rungs merge`: an adapter and the model that it adapts become a whole model.

use rungs::run;

use crate::arguments::{Common, Merge};
use crate::terminal::{Facts, Outcome, thousands};

pub(crate) fn run(Merge { out, saved }: &Merge, common: &Common) -> Outcome {
    let merged = run::merge(&saved.open()?, out)?;
    let (rung, parameters) = (merged.config.settings.rung(), merged.parameter_count()?);
    let mut facts = Facts::default();
    facts.fact("run", out, "run", out.display());
    facts.fact("rung", rung, "rung", rung);
    facts.fact("parameters", parameters, "parameters", thousands(parameters as usize));
    facts.fact("merged_from", &saved.run, "merged from", saved.run.display());
    facts.print(common.json, "")
}
