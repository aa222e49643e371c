//! `--use-generation-config`: the options that a model's `generation_config.json` gives where none is given.

use rungs::SavedRun;
use rungs::generator::Request;
use rungs::huggingface::GenerationConfig;

use crate::arguments::Generate;
use crate::terminal::{Failure, Outcome};

/// The configuration of a run, if it is wanted.
fn wanted(flags: &Generate, run: &SavedRun) -> Outcome<Option<GenerationConfig>> {
    if !flags.use_generation_config {
        return Ok(None);
    }
    let said = &run.config.settings.data.generation;
    let wrong = |problem: &str| Failure::input(format!("--use-generation-config: {problem}"));
    if said.is_empty() {
        return Err(wrong("this run has none: import keeps what a generation_config.json says"));
    }
    GenerationConfig::new(said).map(Some).map_err(|error| wrong(&error.to_string()))
}

/// The options, with those of the configuration where they are wanted and not given; but for lengths.
pub(super) fn completed(flags: &Generate, run: &SavedRun) -> Outcome<Generate> {
    let mut flags = flags.clone();
    let Some(config) = wanted(&flags, run)? else { return Ok(flags) };
    let shaped = [flags.temperature, flags.top_p, flags.min_p, flags.typical].iter().any(Option::is_some);
    let searched = flags.greedy || flags.beam.is_some() || flags.contrastive.is_some();
    let drawn = shaped || flags.top_k.is_some();
    match config.sampling {
        _ if searched => {}
        Some(sampling) => {
            // Who draws says so, even at the model's own temperature.
            flags.temperature = flags.temperature.or(sampling.temperature).or(Some(1.0));
            flags.top_k = flags.top_k.or(sampling.top_k);
            flags.top_p = flags.top_p.or(sampling.top_p);
            flags.min_p = flags.min_p.or(sampling.min_p);
            flags.typical = flags.typical.or(sampling.typical);
        }
        None if drawn => {}
        None => (flags.beam, flags.greedy) = (config.beams, config.beams.is_none()),
    }
    if flags.beam.is_some() {
        flags.length_penalty = flags.length_penalty.or(Some(config.length_penalty));
        flags.early_stopping = flags.early_stopping.or(Some(config.early_stopping));
    }
    flags.repetition_penalty = flags.repetition_penalty.or(config.repetition_penalty);
    flags.no_repeat_ngram = flags.no_repeat_ngram.or(config.no_repeat_ngram);
    flags.n = flags.n.or(Some(config.texts));
    if flags.stop.is_empty() {
        flags.stop = config.stops.iter().map(|stop| stop.replace('\\', "\\\\")).collect();
    }
    Ok(flags)
}

/// Sets the fewest and the most tokens that the configuration says, where they are not given.
pub(super) fn set_length(flags: &mut Generate, run: &SavedRun, requests: &[Request]) -> Outcome {
    let Some(config) = wanted(flags, run)? else { return Ok(()) };
    let mut lengths: Vec<usize> = requests.iter().map(|request| request.ids.len()).collect();
    lengths.sort_unstable();
    let (Some(&shortest), Some(&longest)) = (lengths.first(), lengths.last()) else { return Ok(()) };
    if flags.max_tokens.is_some() && flags.min_tokens.is_some() {
        return Ok(());
    }
    if config.counts_prompt() && shortest != longest {
        let problem = "max_length and min_length count the prompt, and these prompts differ in length (--max-tokens \
                       and --min-tokens count none)";
        return Err(Failure::input(format!("--use-generation-config: {problem}")));
    }
    let context = run.config.settings.context();
    let length =
        config.length(longest, context).map_err(|error| Failure::input(format!("--use-generation-config: {error}")));
    let [min, max] = length?;
    let max = flags.max_tokens.unwrap_or(max);
    (flags.min_tokens, flags.max_tokens) = (flags.min_tokens.or(Some(min.min(max))), Some(max));
    Ok(())
}
