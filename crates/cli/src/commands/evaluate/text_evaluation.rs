//! `rungs evaluate --text`: how well runs predict a text, one beside another.

use std::path::Path;

use rungs::data::{bytes_per_token, characters_per_token};
use rungs::measures::{Difference, PairedBootstrap};
use rungs::tasks::token_losses::evaluation;
use rungs::text::Tokenizer;
use rungs::{Rung, SavedRun};
use serde::Serialize;

use super::resampling::{RESAMPLES, resamples};
use super::stretches::Stretches;
use super::tables;
use crate::arguments::{Common, Evaluate};
use crate::commands::run_names::names;
use crate::terminal::failure::{Failure, Outcome};
use crate::terminal::output::{self, thousands};
use crate::text_input;

/// A run in numbers.
#[derive(Serialize)]
struct Measures {
    run: String,
    rung: Rung,
    tokens: usize,
    loss: f64,
    perplexity: f64,
    bits_per_char: f64,
    bits_per_byte: f64,
    /// Where windows that overlap were asked for, and the run reads in windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<usize>,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    measures: &'a Measures,
    compared: &'a [Measures],
    /// Of each compared run, if the text is long enough.
    differences: &'a [OfRun],
}

/// By how many bits per character a run is worse than the first.
#[derive(Serialize)]
struct OfRun {
    run: String,
    resamples: usize,
    stretches: usize,
    bits_per_char: Difference,
}

pub(super) fn run(path: &Path, runs: Vec<SavedRun>, evaluate: &Evaluate, common: &Common) -> Outcome {
    let runs: Vec<_> = runs.into_iter().map(Reader::new).collect::<Outcome<_>>()?;
    check_stride(&runs, evaluate.stride)?;
    let content = text_input::read(path)?;
    let name = text_input::name(path);
    let several = runs.len() > 1;
    let encode = |run: &Reader| {
        let whose = if several { format!("{}: ", run.run.path().display()) } else { String::new() };
        let tokens = run.tokenizer.encode(&content);
        let tokens = tokens.map_err(|error| Failure::input(format!("{name}: {whose}{error}")))?;
        match tokens.len() {
            0 | 1 => Err(Failure::input(format!(
                "{name}: {whose}too short: one token to read and one to predict are needed"
            ))),
            _ => Ok(tokens),
        }
    };
    let tokens: Vec<Vec<u32>> = runs.iter().map(encode).collect::<Outcome<_>>()?;
    check_same_text(&runs, &tokens, &content)?;

    let stretches = Stretches::of(&content);
    let (mut measured, mut counted) = (Vec::new(), Vec::new());
    for (run, tokens) in runs.iter().zip(&tokens) {
        let stride = evaluate.stride.filter(|_| run.has_windows());
        let losses = run.run.token_losses(tokens, stride)?;
        measured.push(run.measures(&content, tokens, &losses, stride)?);
        counted.push(stretches.bits_per_character(&run.tokenizer, tokens, &losses));
    }
    let (first, others) = counted.split_first().expect("one run at least is measured");
    let differences: Vec<OfRun> = match stretches.are_enough() {
        false => Vec::new(),
        true => (others.iter().zip(&measured[1..]))
            .map(|(other, measures)| OfRun {
                run: measures.run.clone(),
                resamples: RESAMPLES,
                stretches: first.len(),
                bits_per_char: Difference::of(&PairedBootstrap::new(
                    first,
                    other,
                    resamples(first.len(), common.seed).iter(),
                )),
            })
            .collect(),
    };

    let (measures, compared) = measured.split_first().expect("one run at least is measured");
    if common.json {
        return output::json(&Report { measures, compared, differences: &differences });
    }
    if !several {
        return output::print(&listing(measures));
    }
    let names = names(&runs.iter().map(|run| (run.rung(), run.run.path())).collect::<Vec<_>>());
    let mut text = table(&names, &measured);
    if runs.iter().any(|run| run.tokenizer != runs[0].tokenizer) {
        text += "\nLoss and perplexity are per token, and what a token is differs between these runs.\n";
    }
    text += &match differences.is_empty() {
        true => format!(
            "\nThe text is too short for an interval of the difference: {} bytes are needed.\n",
            thousands(Stretches::LEAST_BYTES)
        ),
        false => explained(&names, &differences),
    };
    output::print(&text)
}

/// A run that is measured. It is known to be whole, and to go on with texts.
struct Reader {
    run: SavedRun,
    tokenizer: Tokenizer,
}

impl Reader {
    fn new(run: SavedRun) -> Outcome<Self> {
        let of_another_kind = |error| Failure::input(format!("{}: {error}", run.path().display()));
        let tokenizer = run.tokenizers.text().map_err(of_another_kind)?.clone();
        Ok(Self { run, tokenizer })
    }

    fn rung(&self) -> Rung {
        self.run.config.settings.rung()
    }

    /// Whether it sees nothing beyond a window.
    fn has_windows(&self) -> bool {
        !self.rung().is_recurrent()
    }

    fn measures(&self, content: &str, tokens: &[u32], losses: &[f32], stride: Option<usize>) -> Outcome<Measures> {
        let evaluation = evaluation(losses);
        if !evaluation.nats.is_finite() {
            return Err(Failure::running("the loss is not finite: the model's parameters have diverged"));
        }
        Ok(Measures {
            run: self.run.path().display().to_string(),
            rung: self.rung(),
            tokens: evaluation.tokens,
            loss: evaluation.loss(),
            perplexity: evaluation.perplexity(),
            bits_per_char: evaluation.bits_per(characters_per_token(content, tokens)),
            bits_per_byte: evaluation.bits_per(bytes_per_token(content, tokens)),
            stride,
        })
    }
}

/// That there are windows which can begin so far apart. A recurrent run beside one with windows has the whole past
/// anyway.
fn check_stride(runs: &[Reader], stride: Option<usize>) -> Outcome {
    let Some(stride) = stride else { return Ok(()) };
    if !runs.iter().any(Reader::has_windows) {
        return Err(Failure::input(format!(
            "--stride: {} carries its state through the whole text ({}): every token is predicted \
             from all before it already",
            runs[0].run.path().display(),
            runs[0].rung()
        )));
    }
    for run in runs.iter().filter(|run| run.has_windows()) {
        let context = run.run.config.settings.context();
        if stride > context {
            return Err(Failure::input(format!(
                "--stride: {stride} is more than the context of {}, which is {context}: the tokens in between \
                 would not be predicted",
                run.run.path().display()
            )));
        }
    }
    Ok(())
}

/// That runs with other tokens predict the same text: one that has a sign for unknown words predicts an easier one.
fn check_same_text(runs: &[Reader], tokens: &[Vec<u32>], content: &str) -> Outcome {
    if runs.iter().all(|run| run.tokenizer == runs[0].tokenizer) {
        return Ok(());
    }
    let spells = |(run, tokens): &(&Reader, &Vec<u32>)| run.tokenizer.decode(tokens) == content;
    match runs.iter().zip(tokens).find(|run| !spells(run)) {
        None => Ok(()),
        Some((run, _)) => Err(Failure::input(format!(
            "--compare: the tokens of {} cannot spell this text, so that it would predict another than \
             runs of other tokens",
            run.run.path().display()
        ))),
    }
}

/// What is measured of a run.
const LINES: [tables::Line<Measures>; 5] = [
    ("tokens", |run| thousands(run.tokens)),
    ("loss", |run| format!("{:.4}", run.loss)),
    ("perplexity", |run| format!("{:.4}", run.perplexity)),
    ("bits per character", |run| format!("{:.4}", run.bits_per_char)),
    ("bits per byte", |run| format!("{:.4}", run.bits_per_byte)),
];

/// One run: a line for each measure.
fn listing(measures: &Measures) -> String {
    let unit = |name| if name == "loss" { " nats per token" } else { "" };
    output::listing(&LINES.map(|(name, value)| (name, value(measures) + unit(name))))
}

/// Several runs: a row for each measure, a column for each run.
fn table(names: &[String], measured: &[Measures]) -> String {
    let header = std::iter::once(String::new()).chain(names.iter().cloned()).collect();
    let row = |(name, value): tables::Line<Measures>| -> Vec<String> {
        let name = if name == "loss" { "loss, nats per token" } else { name };
        std::iter::once(name.to_owned()).chain(measured.iter().map(value)).collect()
    };
    output::table(&std::iter::once(header).chain(LINES.map(row)).collect::<Vec<_>>())
}

/// The differences, and what they are differences of.
fn explained(names: &[String], differences: &[OfRun]) -> String {
    let mut text = String::new();
    for (name, of_run) in names[1..].iter().zip(differences) {
        let row = tables::Row { name: "bits per character", difference: of_run.bits_per_char, digits: 4, unit: "" };
        text += &format!("\n{}", tables::differences(name, &names[0], &[row]));
    }
    let stretches = thousands(differences[0].stretches);
    text + &format!(
        "\nMore bits are worse. Intervals: paired bootstrap, {} draws of {stretches} stretches of the text \
         from these {stretches}.\n",
        thousands(RESAMPLES)
    )
}
