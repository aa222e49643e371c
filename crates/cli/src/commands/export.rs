//! `rungs export`: a run folder becomes one that Hugging Face's `transformers` loads.

use std::path::Path;

use rungs::huggingface::export;
use serde::Serialize;

use super::open;
use crate::arguments::{Common, Export};
use crate::terminal::failure::{Outcome, complain};
use crate::terminal::output::{self, thousands};

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    out: &'a Path,
    model_type: &'static str,
    parameters: u64,
    files: Vec<&'static str>,
}

pub(crate) fn run(flags: &Export, common: &Common) -> Outcome {
    let run = open(&flags.run, flags.base.base.as_deref())?;
    let exported = export(&run, &flags.out)?;
    let report = Report {
        run: &flags.run,
        out: &flags.out,
        model_type: exported.family.name(),
        parameters: run.parameter_count()?,
        files: exported.files,
    };
    let kind = run.tokenizers.target().kind();
    if !["byte pairs", "ids"].contains(&kind) {
        complain(&format!("the tokenizer is not among the files: transformers has no counterpart of {kind}"));
    }
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("folder", report.out.display().to_string()),
        ("model type", report.model_type.to_owned()),
        ("parameters", thousands(report.parameters as usize)),
        ("files", report.files.join(", ")),
    ]))
}
