//! `rungs import`: a folder of Hugging Face becomes a run folder.

use std::path::Path;

use rungs::huggingface::import;
use rungs::interop::huggingface::Family;
use rungs::{Rung, SavedRun};
use serde::Serialize;

use crate::arguments::{Common, Import};
use crate::terminal::failure::{Outcome, complain};
use crate::terminal::output::{self, thousands};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    rung: Rung,
    model_type: &'static str,
    parameters: u64,
    vocabulary: usize,
    /// What the tokens are.
    tokens_are: &'static str,
    context: usize,
}

pub(crate) fn run(flags: &Import, common: &Common) -> Outcome {
    let run: SavedRun = import(flags.family, &flags.folder, &flags.out)?;
    let report = Report {
        run: &flags.out,
        rung: run.config.settings.rung(),
        model_type: Family::name(flags.family),
        parameters: run.parameter_count()?,
        vocabulary: run.tokenizers.target().vocabulary(),
        tokens_are: run.tokenizers.target().kind(),
        context: run.config.settings.context(),
    };
    if report.tokens_are == "ids" {
        complain("there is no tokenizer in this folder: the run works in ids (generate --prompt-ids 5,9,12)");
    }
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("run", report.run.display().to_string()),
        ("rung", format!("{}, as {}", report.rung, report.model_type)),
        ("parameters", thousands(report.parameters as usize)),
        ("vocabulary", format!("{} tokens, {}", thousands(report.vocabulary), report.tokens_are)),
        ("context", format!("{} tokens", thousands(report.context))),
    ]))
}
