//! `rungs evaluate --pairs`: how well runs translate, one beside another.

use std::path::Path;

use rungs::decoding::{Beam, GenerateOptions, Length, Search};
use rungs::measures::{Bleu, ChrF, Measured, Stemming};
use rungs::{Error, Rung, SavedRun, TextPair};
use serde::Serialize;

use super::baselines::Baselines;
use super::length_buckets::{Bucket, buckets};
use super::pair_measures::{OfLength, PairMeasures};
use super::resampling::{self, OfRun, resamples};
use super::tables;
use super::target_writer::TargetWriter;
use crate::arguments::{Common, Evaluate};
use crate::commands::learning_data;
use crate::commands::run_names::names;
use crate::plots::bars::{Bars, Series};
use crate::plots::plot_file::write_plot;
use crate::terminal::failure::{Failure, Outcome, complain};
use crate::terminal::output::{self, thousands};
use crate::terminal::progress::TranslationProgress;
use crate::text_input;

/// The most tokens of a translation that is measured.
const MOST: usize = 200;

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    measures: &'a PairMeasures,
    compared: &'a [PairMeasures],
    /// Of each compared run from the first.
    differences: &'a [OfRun],
    baselines: &'a Baselines,
    /// Pairs that a language model among the runs cannot read; where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<usize>,
}

pub(super) fn run(path: &Path, runs: Vec<SavedRun>, evaluate: &Evaluate, common: &Common) -> Outcome {
    let runs: Vec<_> = runs.into_iter().map(Translator::new).collect::<Outcome<_>>()?;
    let lower_case = lower_case(&runs)?;
    let pairs = learning_data::pairs(&text_input::read(path)?, &text_input::name(path), evaluate.columns, lower_case)?;
    let search = Search::Beam(Beam::new(evaluate.beam));
    let options = GenerateOptions { search, length: Length::at_most(MOST), ..GenerateOptions::default() };
    let (pairs, left_out) = readable(pairs, &runs, path)?;
    runs.iter().try_for_each(|run| run.writer.try_search(&pairs[0], &options))?;
    runs.iter().try_for_each(|run| run.writer.check_lengths(&pairs, path, run.run.path()))?;

    let by_length = evaluate.by_length || evaluate.plot.is_some();
    let words = |pair: &TextPair| pair.source.split_whitespace().count();
    let buckets = by_length.then(|| buckets(&pairs.iter().map(words).collect::<Vec<_>>()));
    let names = names(&runs.iter().map(|run| (run.rung(), run.run.path())).collect::<Vec<_>>());
    let stemming = if evaluate.stem { Stemming::Porter } else { Stemming::No };
    let mut measured = Vec::new();
    let mut outputs = Vec::new();
    for (run, name) in runs.iter().zip(&names) {
        let mut progress = TranslationProgress::new(name, pairs.len(), common.json);
        let (measures, of_outputs) = run.measure(&pairs, buckets.as_deref(), &options, stemming, &mut progress)?;
        measured.push(measures);
        outputs.push(of_outputs);
    }
    let baselines = Baselines::measure(&pairs, stemming, common.seed);
    let (measures, compared) = measured.split_first().expect("one run at least is measured");
    let others = compared.iter().map(|run| run.run.as_str()).zip(&outputs[1..]);
    let differences = resampling::compare(&outputs[0], others, &resamples(pairs.len(), common.seed));

    if let (Some(path), Some(buckets)) = (&evaluate.plot, &buckets) {
        write_plot(path, &bars(&names, buckets, &measured).svg())?;
    }
    if common.json {
        let (differences, baselines) = (&differences, &baselines);
        return output::json(&Report { measures, compared, differences, baselines, left_out });
    }
    let mut text = tables::table(&names, &measured, &baselines.columns());
    if runs.iter().any(|run| !run.writer.writes_as(&runs[0].writer)) {
        text += "\nLoss and token accuracy are per token, and what a token is differs between these runs.\n";
    }
    if !differences.is_empty() {
        text += &format!("\n{}", tables::compared(&names, &differences, pairs.len()));
    }
    if let Some(buckets) = &buckets {
        text += &format!("\n{}", tables::by_length(&names, buckets, &measured));
    }
    output::print(&text)
}

/// Those of the pairs that every run can read, and how many that leaves out, where a run is one that may leave some.
fn readable(pairs: Vec<TextPair>, runs: &[Translator], path: &Path) -> Outcome<(Vec<TextPair>, Option<usize>)> {
    if !runs.iter().any(|run| run.writer.answers()) {
        return Ok((pairs, None));
    }
    let all = pairs.len();
    let pairs: Vec<_> = pairs.into_iter().filter(|pair| runs.iter().all(|run| run.writer.can_read(pair))).collect();
    let left_out = all - pairs.len();
    let why = "longer than the context with their template, or not of known characters alone";
    if pairs.is_empty() {
        return Err(Failure::input(format!("{}: all pairs are {why}", text_input::name(path))));
    }
    if left_out > 0 {
        let (left_out, all) = (thousands(left_out), thousands(all));
        complain(&format!("{left_out} of {all} pairs are left out: {why}"));
    }
    Ok((pairs, Some(left_out)))
}

/// A run that is measured. It is known to be whole, and to write targets.
struct Translator {
    run: SavedRun,
    writer: TargetWriter,
}

impl Translator {
    fn new(run: SavedRun) -> Outcome<Self> {
        let writer = TargetWriter::open(&run).map_err(|error| match error {
            Error::Text(problem) => Failure::input(format!("{}: {problem}", run.path().display())),
            other => other.into(),
        })?;
        Ok(Self { run, writer })
    }

    fn rung(&self) -> Rung {
        self.run.config.settings.rung()
    }

    fn measure(
        &self,
        pairs: &[TextPair],
        buckets: Option<&[Bucket]>,
        options: &GenerateOptions,
        stemming: Stemming,
        progress: &mut TranslationProgress,
    ) -> Outcome<(PairMeasures, Measured)> {
        let forced = self.writer.forced(pairs)?;
        let texts = self.writer.texts(pairs, options, progress)?;
        let outputs = texts.iter().zip(pairs).map(|(text, pair)| (text.as_str(), pair.target.as_str()));
        let outputs = Measured::new(outputs, stemming);
        let of_length = |bucket: &Bucket| OfLength::new(bucket, outputs.bleu_of(&bucket.members));
        let measures = PairMeasures {
            run: self.run.path().display().to_string(),
            rung: self.rung(),
            parameters: self.run.parameter_count()?,
            pairs: pairs.len(),
            loss: forced.evaluation.loss(),
            token_accuracy: forced.token_accuracy(),
            quality: outputs.quality(),
            bleu_signature: Bleu::SIGNATURE,
            chrf_signature: ChrF::SIGNATURE,
            rouge_signature: stemming.signature(),
            by_length: buckets.map(|buckets| buckets.iter().map(of_length).collect()),
        };
        Ok((measures, outputs))
    }
}

/// Whether the runs learnt lower-cased texts: all or none, else their translations have no reference in common.
fn lower_case(runs: &[Translator]) -> Outcome<bool> {
    let of = |run: &Translator| run.run.config.settings.data.examples.lower_case();
    let first = of(&runs[0]);
    for run in &runs[1..] {
        if of(run) != first {
            let (lower, other) = if first { (&runs[0], run) } else { (run, &runs[0]) };
            return Err(Failure::input(format!(
                "--compare: {} learnt lower-cased texts and {} did not, so they cannot be measured on the same pairs",
                lower.run.path().display(),
                other.run.path().display()
            )));
        }
    }
    Ok(first)
}

/// BLEU by the length of the source.
fn bars(names: &[String], buckets: &[Bucket], measured: &[PairMeasures]) -> Bars {
    let series = |(name, measures): (&String, &PairMeasures)| Series {
        name: name.clone(),
        scores: measures.by_length.iter().flatten().map(|of_length| of_length.bleu).collect(),
    };
    Bars {
        across: "words of the source",
        upwards: "BLEU",
        groups: buckets.iter().map(Bucket::to_string).collect(),
        series: names.iter().zip(measured).map(series).collect(),
    }
}
