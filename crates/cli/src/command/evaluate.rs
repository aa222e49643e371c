//! `rungs evaluate`: how well a trained model predicts a text, or translates.

use std::path::Path;

use rungs::models::LengthPenalty;
use rungs::models::measures::{Bleu, ChrF, exact_match};
use rungs::{SavedRun, Search, TextPair, measure_forced, translate};
use serde::Serialize;

use crate::arguments::{Common, Evaluate};
use crate::failure::{Failure, Outcome};
use crate::output::{self, thousands};
use crate::text;

#[derive(Serialize)]
struct Report {
    tokens: usize,
    loss: f64,
    perplexity: f64,
    bits_per_char: f64,
}

pub(crate) fn run(evaluate: &Evaluate, common: &Common) -> Outcome {
    let run = SavedRun::open(&evaluate.run)?;
    match (&evaluate.text, &evaluate.pairs) {
        (Some(path), _) => on_text(&run, path, common),
        (None, Some(path)) => on_pairs(&run, path, evaluate, common),
        (None, None) => Err(Failure::input("--text or --pairs is needed")),
    }
}

fn on_text(run: &SavedRun, path: &Path, common: &Common) -> Outcome {
    let tokenizer = run.tokens.text()?;
    let content = text::read(path)?;
    let name = text::name(path);
    let tokens = tokenizer.encode(&content).map_err(|error| Failure::input(format!("{name}: {error}")))?;
    if tokens.len() < 2 {
        return Err(Failure::input(format!("{name}: too short: one token to read and one to predict are needed")));
    }
    let evaluation = run.evaluate(&tokens)?;
    let report = Report {
        tokens: evaluation.tokens,
        loss: evaluation.loss(),
        perplexity: evaluation.perplexity(),
        bits_per_char: evaluation.bits_per_character(rungs::corpus::characters_per_token(&content, &tokens)),
    };
    if !report.loss.is_finite() {
        return Err(Failure::running("the loss is not finite: the model's parameters have diverged"));
    }
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("tokens", thousands(report.tokens)),
        ("loss", format!("{:.4} nats per token", report.loss)),
        ("perplexity", format!("{:.4}", report.perplexity)),
        ("bits per character", format!("{:.4}", report.bits_per_char)),
    ]))
}

/// The most tokens of a translation that is measured.
const MOST: usize = 200;

#[derive(Serialize)]
struct PairReport {
    pairs: usize,
    loss: f64,
    token_accuracy: f64,
    exact_match: f64,
    bleu: f64,
    chrf: f64,
    bleu_signature: &'static str,
    chrf_signature: &'static str,
}

fn on_pairs(run: &SavedRun, path: &Path, evaluate: &Evaluate, common: &Common) -> Outcome {
    let vocabularies = run.tokens.pairs()?;
    let lower_case = run.config.settings.pair_settings()?.lower_case;
    let pairs = super::texts::pairs(&text::read(path)?, &text::name(path), evaluate.columns, lower_case)?;
    let model = run.model()?.translation()?;
    let ids = |pair: &TextPair| (vocabularies.source.encode(&pair.source), vocabularies.target.encode(&pair.target));
    let encoded: Vec<_> = pairs.iter().map(ids).collect();
    let sources: Vec<Vec<u32>> = encoded.iter().map(|(source, _)| source.clone()).collect();
    let forced = measure_forced(model.as_ref(), encoded.into()).map_err(rungs::Error::from)?;
    let search = Search { beam: evaluate.beam, penalty: LengthPenalty::Power(1.0), min: 0, max: MOST };
    let found = translate(model.as_ref(), &sources, search).map_err(Failure::input)?;
    let texts: Vec<String> = found.iter().map(|texts| vocabularies.target.decode(&texts[0].ids)).collect();
    let (mut bleu, mut chrf) = (Bleu::default(), ChrF::default());
    for (text, pair) in texts.iter().zip(&pairs) {
        bleu.add(text, &pair.target);
        chrf.add(text, &pair.target);
    }
    let report = PairReport {
        pairs: pairs.len(),
        loss: forced.evaluation.loss(),
        token_accuracy: forced.token_accuracy(),
        exact_match: exact_match(texts.iter().zip(&pairs).map(|(text, pair)| (text.as_str(), pair.target.as_str()))),
        bleu: bleu.score(),
        chrf: chrf.score(),
        bleu_signature: Bleu::SIGNATURE,
        chrf_signature: ChrF::SIGNATURE,
    };
    if common.json {
        return output::json(&report);
    }
    output::print(&output::listing(&[
        ("pairs", thousands(report.pairs)),
        ("loss", format!("{:.4} nats per token", report.loss)),
        ("token accuracy", format!("{:.2} %", 100.0 * report.token_accuracy)),
        ("exact match", format!("{:.2} %", 100.0 * report.exact_match)),
        ("BLEU", format!("{:.2}  {}", report.bleu, report.bleu_signature)),
        ("chrF", format!("{:.2}  {}", report.chrf, report.chrf_signature)),
    ]))
}
