//! `rungs import`: a folder of Hugging Face becomes a run folder.

use rungs::huggingface::{Imported, import};
use rungs::interop::huggingface::Family;

use crate::arguments::{Common, Import};
use crate::terminal::{Facts, Outcome, complain, thousands};

pub(crate) fn run(Import { family: model_type, folder, out }: &Import, common: &Common) -> Outcome {
    let family = Family::ALL.into_iter().find(|family| family.name() == model_type).expect("one of their names");
    let Imported { run, notices } = import(family, folder, out)?;
    notices.iter().for_each(|notice| complain(notice));
    let (rung, parameters, context) =
        (run.config.settings.rung(), run.parameter_count()?, run.config.settings.context());
    let (vocabulary, tokens_are) = (run.tokenizers.target.vocabulary(), run.tokenizers.target.kind());
    if tokens_are == "ids" {
        complain("there is no tokenizer in this folder: the run works in ids (generate --prompt-ids 5,9,12)");
    }
    let mut facts = Facts::default();
    facts.fact("run", out, "run", out.display());
    facts.fact("rung", rung, "rung", format!("{rung}, as {model_type}"));
    facts.field("model_type", model_type);
    facts.field("notices", notices);
    facts.fact("parameters", parameters, "parameters", thousands(parameters as usize));
    let tokens = format!("{} tokens, {tokens_are}", thousands(vocabulary));
    facts.fact("vocabulary", vocabulary, "vocabulary", tokens);
    facts.field("tokens_are", tokens_are);
    facts.fact("context", context, "context", format!("{} tokens", thousands(context)));
    facts.print(common.json, "")
}
