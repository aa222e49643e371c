//! `rungs export`: a run folder becomes one that Hugging Face's `transformers` loads.

use rungs::huggingface::export;

use crate::arguments::{Common, Export};
use crate::terminal::{Facts, Outcome, complain, thousands};

pub(crate) fn run(Export { out, saved }: &Export, common: &Common) -> Outcome {
    let run = saved.open()?;
    let exported = export(&run, out)?;
    let (model_type, parameters) = (exported.family.name(), run.parameter_count()?);
    let kind = run.tokenizers.target.kind();
    if !["byte pairs", "ids"].contains(&kind) {
        complain(&format!("the tokenizer is not among the files: transformers has no counterpart of {kind}"));
    }
    let mut facts = Facts::default();
    facts.field("run", &saved.run);
    facts.fact("out", out, "folder", out.display());
    facts.fact("model_type", model_type, "model type", model_type);
    facts.fact("parameters", parameters, "parameters", thousands(parameters as usize));
    facts.fact("files", &exported.files, "files", exported.files.join(", "));
    facts.print(common.json, "")
}
