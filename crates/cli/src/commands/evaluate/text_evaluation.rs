//! `rungs evaluate --text`: how well runs predict a text, one beside another.

use std::fmt::Display;
use std::path::Path;

use rungs::SavedRun;
use rungs::data::{bytes_per_token, characters_per_token};
use rungs::measures::bootstrap::Ratio;
use rungs::measures::{Difference, PairedBootstrap};
use rungs::tasks::token_losses::evaluation;

use super::resampling::{self, RESAMPLES, resamples};
use super::stretches::Stretches;
use crate::arguments::{Common, Evaluate};
use crate::commands::names;
use crate::terminal::{Facts, Failure, Outcome, output, thousands};
use crate::text_input;

pub(super) fn run(path: &Path, runs: &[SavedRun], evaluate: &Evaluate, common: &Common) -> Outcome {
    for run in runs {
        let of_another_kind = |error| Failure::input(format!("{}: {error}", run.path().display()));
        run.tokenizers.text().map_err(of_another_kind)?;
    }
    check_stride(runs, evaluate.stride)?;
    let (mut content, name) = (text_input::read(path)?, text_input::name(path));
    if !runs.iter().any(|run| run.tokenizers.target.knows("\r")) {
        content = text_input::plain(content, &name);
    }
    let encode = |run: &SavedRun| {
        let whose = if runs.len() > 1 { format!("{}: ", run.path().display()) } else { String::new() };
        let wrong = |problem: &dyn Display| Failure::input(format!("{name}: {whose}{problem}"));
        let tokens = run.tokenizers.target.encode(&content).map_err(|error| wrong(&error))?;
        match tokens.len() {
            0 | 1 => Err(wrong(&"too short: one token to read and one to predict are needed")),
            _ => Ok(tokens),
        }
    };
    let tokens: Vec<Vec<u32>> = runs.iter().map(encode).collect::<Outcome<_>>()?;
    check_same_text(runs, &tokens, &content)?;

    let stretches = Stretches::of(&content);
    let (mut measured, mut counted) = (Vec::new(), Vec::new());
    for (run, tokens) in runs.iter().zip(&tokens) {
        // Windows overlap where that was asked for, and the run reads in windows.
        let stride = evaluate.stride.filter(|_| has_windows(run));
        let losses = run.token_losses(tokens, stride)?;
        let mut facts = report(run, runs.len() > 1, &content, tokens, &losses)?;
        facts.optional("stride", stride);
        measured.push(facts);
        counted.push(stretches.bits_per_character(&run.tokenizers.target, tokens, &losses));
    }
    let resamples = resamples(counted[0].len(), common.seed);
    // By how many bits per character each run is worse than the first, if the text is long enough.
    let difference = |other: &Vec<Ratio>| Difference::of(&PairedBootstrap::new(&counted[0], other, resamples.iter()));
    let others = counted[1..].iter().filter(|_| stretches.are_enough());
    let differences: Vec<Difference> = others.map(difference).collect();
    let of_run = |(run, difference): (&SavedRun, &Difference)| {
        let mut facts = Facts::default();
        facts.field("run", run.path()).field("resamples", resamples.count).field("stretches", resamples.size);
        facts.field("bits_per_char", difference);
        facts
    };
    let names = names(&runs.iter().map(|run| (run.config.settings.rung(), run.path())).collect::<Vec<_>>());
    let columns: Vec<_> = names.iter().map(String::as_str).zip(&measured).collect();
    let table = output::columns("", &columns);
    let compared = measured.split_off(1);
    let mut facts = measured.remove(0);
    facts.field("compared", compared);
    facts.field("differences", runs[1..].iter().zip(&differences).map(of_run).collect::<Vec<_>>());
    if runs.len() == 1 {
        return facts.print(common.json, "");
    }
    output::report(common.json, &facts, || {
        let mut text = table;
        if runs.iter().any(|run| run.tokenizers != runs[0].tokenizers) {
            text += "\nLoss and perplexity are per token, and what a token is differs between these runs.\n";
        }
        if !differences.is_empty() {
            return text + &explained(&names, &differences, resamples.size);
        }
        let bytes = thousands(Stretches::LEAST_BYTES);
        text + &format!("\nThe text is too short for an interval of the difference: {bytes} bytes are needed.\n")
    })
}

/// Whether a run sees nothing beyond a window.
fn has_windows(run: &SavedRun) -> bool {
    !run.config.settings.rung().is_recurrent()
}

/// A run in numbers, alone or beside others.
fn report(run: &SavedRun, beside_others: bool, text: &str, tokens: &[u32], losses: &[f32]) -> Outcome<Facts> {
    let evaluation = evaluation(losses);
    if !evaluation.nats.is_finite() {
        return Err(Failure::running("the loss is not finite: the model's parameters have diverged"));
    }
    let (loss, perplexity) = (evaluation.loss(), evaluation.perplexity());
    let bits_per_char = evaluation.bits_per(characters_per_token(text, tokens));
    let bits_per_byte = evaluation.bits_per(bytes_per_token(text, tokens));
    let (name, unit) = if beside_others { ("loss, nats per token", "") } else { ("loss", " nats per token") };
    let mut facts = Facts::default();
    facts.field("run", run.path());
    facts.field("rung", run.config.settings.rung());
    facts.fact("tokens", evaluation.tokens, "tokens", thousands(evaluation.tokens));
    facts.fact("loss", loss, name, format!("{loss:.4}{unit}"));
    facts.fact("perplexity", perplexity, "perplexity", format!("{perplexity:.4}"));
    facts.fact("bits_per_char", bits_per_char, "bits per character", format!("{bits_per_char:.4}"));
    facts.fact("bits_per_byte", bits_per_byte, "bits per byte", format!("{bits_per_byte:.4}"));
    Ok(facts)
}

/// That there are windows which can begin so far apart. A recurrent run beside one with windows has the whole past
/// anyway.
fn check_stride(runs: &[SavedRun], stride: Option<usize>) -> Outcome {
    let Some(stride) = stride else { return Ok(()) };
    if !runs.iter().any(has_windows) {
        let (path, rung) = (runs[0].path().display(), runs[0].config.settings.rung());
        let problem = "every token is predicted from all before it already";
        let whole = format!("{path} carries its state through the whole text ({rung})");
        return Err(Failure::input(format!("--stride: {whole}: {problem}")));
    }
    let steps_over = |run: &&SavedRun| has_windows(run) && stride > run.config.settings.context();
    let Some(run) = runs.iter().find(steps_over) else { return Ok(()) };
    let (path, context) = (run.path().display(), run.config.settings.context());
    let problem = "the tokens in between would not be predicted";
    let more = format!("{stride} is more than the context of {path}, which is {context}");
    Err(Failure::input(format!("--stride: {more}: {problem}")))
}

/// That runs with other tokens predict the same text: one that has a sign for unknown words predicts an easier one.
fn check_same_text(runs: &[SavedRun], tokens: &[Vec<u32>], content: &str) -> Outcome {
    if runs.iter().all(|run| run.tokenizers == runs[0].tokenizers) {
        return Ok(());
    }
    let other = runs.iter().zip(tokens).find(|(run, tokens)| run.tokenizers.target.decode(tokens) != content);
    let Some((run, _)) = other else { return Ok(()) };
    let problem = "cannot spell this text, so that it would predict another than runs of other tokens";
    Err(Failure::input(format!("--compare: the tokens of {} {problem}", run.path().display())))
}

/// The differences, and what they are differences of.
fn explained(names: &[String], differences: &[Difference], stretches: usize) -> String {
    let table = |(name, difference): (&String, &Difference)| {
        let row = ("bits per character", *difference, 4, "");
        format!("\n{}", resampling::differences(name, &names[0], &[row]))
    };
    let tables: String = names[1..].iter().zip(differences).map(table).collect();
    let (draws, stretches) = (thousands(RESAMPLES), thousands(stretches));
    format!(
        "{tables}\nMore bits are worse. Intervals: paired bootstrap, {draws} draws of {stretches} stretches of the \
         text from these {stretches}.\n"
    )
}
