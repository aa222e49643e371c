//! `rungs generate`: a trained model writes.

mod answer_questions;
mod continue_prompts;
mod decoding_options;
mod translate_sources;
mod written_texts;

use rungs::tensor::Rng;

use crate::arguments::{Common, Generate};
use crate::plots::plot_file::check_plot;
use crate::terminal::failure::Outcome;
use crate::terminal::output;

pub(crate) fn run(flags: &Generate, common: &Common) -> Outcome {
    flags.plot.as_deref().map_or(Ok(()), check_plot)?;
    let run = super::open(&flags.run, flags.base.base.as_deref())?;
    let rng = Rng::new(common.seed.unwrap_or(0)).fork("generate");
    let asked = flags.source.is_some() || flags.sources.is_some();
    let report = match (asked, run.config.settings.prompts()) {
        (true, Some(_)) => answer_questions::run(&run, flags, &rng, common)?,
        (true, None) => translate_sources::run(&run, flags, &rng, common)?,
        (false, _) => continue_prompts::run(&run, flags, &rng, common)?,
    };
    if common.json { output::json(&report) } else { Ok(()) }
}
