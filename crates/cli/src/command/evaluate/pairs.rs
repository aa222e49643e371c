//! `rungs evaluate --pairs`: how well runs translate, one beside another.

use std::path::Path;

use rungs::models::decode::{Beam, Search};
use rungs::models::measures::{Bleu, ChrF, Measured, Quality, Stemming};
use rungs::models::{EncoderDecoder, GenerateOptions, Length, PairVocabulary, SequenceVocabulary};
use rungs::tensor::Rng;
use rungs::{Rung, SavedRun, TextPair, measure_forced, translate};
use serde::Serialize;

use super::baselines::Baselines;
use super::lengths::{Bucket, buckets};
use super::prose;
use super::resampling::{self, OfRun, resamples};
use crate::arguments::{Common, Evaluate};
use crate::bars::{Bars, Series};
use crate::command::names::names;
use crate::command::texts;
use crate::failure::{Failure, Outcome};
use crate::picture::check_picture;
use crate::progress::TranslationProgress;
use crate::{output, text};

/// The most tokens of a translation that is measured.
const MOST: usize = 200;
/// Sources that are translated between two looks at the clock: as many as are searched together anyway.
const TOGETHER: usize = 64;

/// A run in numbers.
#[derive(Serialize)]
pub(super) struct Measures {
    pub(super) run: String,
    pub(super) rung: Rung,
    pub(super) parameters: u64,
    pub(super) pairs: usize,
    pub(super) loss: f64,
    pub(super) token_accuracy: f64,
    #[serde(flatten)]
    pub(super) quality: Quality,
    pub(super) bleu_signature: &'static str,
    pub(super) chrf_signature: &'static str,
    pub(super) rouge_signature: &'static str,
    /// Where it was asked for, from short sources to long ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by_length: Option<Vec<OfLength>>,
}

/// The part of the pairs whose sources have so many words.
#[derive(Serialize)]
pub(super) struct OfLength {
    from: usize,
    to: usize,
    pairs: usize,
    pub(super) bleu: f64,
}

impl OfLength {
    pub(super) fn new(bucket: &Bucket, bleu: f64) -> Self {
        Self { from: bucket.from, to: bucket.to, pairs: bucket.members.len(), bleu }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    measures: &'a Measures,
    compared: &'a [Measures],
    /// Of each compared run from the first.
    differences: &'a [OfRun],
    baselines: &'a Baselines,
}

pub(super) fn run(path: &Path, evaluate: &Evaluate, common: &Common) -> Outcome {
    // Whatever can be wrong is found before the long work begins.
    evaluate.plot.as_deref().map_or(Ok(()), check_picture)?;
    let base = evaluate.base.base.as_deref();
    let folders = std::iter::once(&evaluate.run).chain(&evaluate.compare);
    let runs: Vec<Translator> = folders
        .enumerate()
        .map(|(i, folder)| Translator::open(folder, base.filter(|_| i == 0)))
        .collect::<Outcome<_>>()?;
    let lower_case = lower_case(&runs)?;
    let pairs = texts::pairs(&text::read(path)?, &text::name(path), evaluate.columns, lower_case)?;
    let search = Search::Beam(Beam::new(evaluate.beam));
    let options = GenerateOptions { search, length: Length::at_most(MOST), ..GenerateOptions::default() };
    runs.iter().try_for_each(|run| run.try_search(&pairs[0], &options))?;
    runs.iter().try_for_each(|run| run.check_lengths(&pairs, path))?;

    let by_length = evaluate.by_length || evaluate.plot.is_some();
    let words = |pair: &TextPair| pair.source.split_whitespace().count();
    let buckets = by_length.then(|| buckets(&pairs.iter().map(words).collect::<Vec<_>>()));
    let names = names(&runs.iter().map(|run| (run.rung(), run.path)).collect::<Vec<_>>());
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
        picture(&names, buckets, &measured).draw(path)?;
    }
    if common.json {
        return output::json(&Report { measures, compared, differences: &differences, baselines: &baselines });
    }
    let mut text = prose::table(&names, &measured, &baselines.columns());
    if runs.iter().any(|run| run.target() != runs[0].target()) {
        text += "\nLoss and token accuracy are per token, and what a token is differs between these runs.\n";
    }
    if !differences.is_empty() {
        text += &format!("\n{}", prose::compared(&names, &differences, pairs.len()));
    }
    if let Some(buckets) = &buckets {
        text += &format!("\n{}", prose::by_length(&names, buckets, &measured));
    }
    output::print(&text)
}

/// A run that is measured. It is known to be whole, and to translate.
struct Translator<'a> {
    path: &'a Path,
    run: SavedRun,
    vocabularies: PairVocabulary,
    model: Box<dyn EncoderDecoder<f32>>,
}

impl<'a> Translator<'a> {
    fn open(path: &'a Path, base: Option<&Path>) -> Outcome<Self> {
        let run = crate::command::open(path, base)?;
        let of_another_kind = |error| Failure::input(format!("{}: {error}", path.display()));
        let vocabularies = run.tokens.pairs().map_err(of_another_kind)?.clone();
        let model = run.model()?.translation()?;
        Ok(Self { path, run, vocabularies, model })
    }

    fn rung(&self) -> Rung {
        self.run.config.settings.rung
    }

    /// What it writes.
    fn target(&self) -> &SequenceVocabulary {
        &self.vocabularies.target
    }

    fn encode(&self, pair: &TextPair) -> (Vec<u32>, Vec<u32>) {
        (self.vocabularies.source.encode(&pair.source), self.target().encode(&pair.target))
    }

    /// Searches for one token of one translation: a beam that is too wide for the run is refused at once.
    fn try_search(&self, pair: &TextPair, options: &GenerateOptions) -> Outcome {
        let (source, _) = self.encode(pair);
        let options = GenerateOptions { length: Length::at_most(1), ..options.clone() };
        translate(self.model.as_ref(), &[source], &options, &Rng::new(0)).map_err(Failure::input)?;
        Ok(())
    }

    /// That the run has positions for all tokens of every pair.
    fn check_lengths(&self, pairs: &[TextPair], path: &Path) -> Outcome {
        if self.model.context().is_none() {
            return Ok(());
        }
        for (i, pair) in pairs.iter().enumerate() {
            let (source, target) = self.encode(pair);
            let fits = self.model.check_lengths(source.len(), target.len());
            let run = self.path.display();
            let error = |error| Failure::input(format!("{}, line {}: {run}: {error}", text::name(path), i + 1));
            fits.map_err(error)?;
        }
        Ok(())
    }

    fn measure(
        &self,
        pairs: &[TextPair],
        buckets: Option<&[Bucket]>,
        options: &GenerateOptions,
        stemming: Stemming,
        progress: &mut TranslationProgress,
    ) -> Outcome<(Measures, Measured)> {
        let encoded: Vec<_> = pairs.iter().map(|pair| self.encode(pair)).collect();
        let sources: Vec<Vec<u32>> = encoded.iter().map(|(source, _)| source.clone()).collect();
        let forced = measure_forced(self.model.as_ref(), encoded.into()).map_err(rungs::Error::from)?;
        let texts = self.translations(&sources, options, progress)?;
        let outputs = texts.iter().zip(pairs).map(|(text, pair)| (text.as_str(), pair.target.as_str()));
        let outputs = Measured::new(outputs, stemming);
        let of_length = |bucket: &Bucket| OfLength::new(bucket, outputs.bleu_of(&bucket.members));
        let measures = Measures {
            run: self.path.display().to_string(),
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

    /// The best translation of each source. They are taken by their lengths, so that those which are searched together
    /// are similar; how much is done is counted in tokens, since the short ones come first.
    fn translations(
        &self,
        sources: &[Vec<u32>],
        options: &GenerateOptions,
        progress: &mut TranslationProgress,
    ) -> Outcome<Vec<String>> {
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|&i| sources[i].len());
        let mut texts = vec![String::new(); sources.len()];
        let tokens: usize = sources.iter().map(Vec::len).sum();
        let (mut translated, mut read) = (0, 0);
        progress.show(0, 0.0);
        for together in order.chunks(TOGETHER) {
            let group: Vec<Vec<u32>> = together.iter().map(|&i| sources[i].clone()).collect();
            let found = translate(self.model.as_ref(), &group, options, &Rng::new(0)).map_err(Failure::input)?;
            for (&i, hypotheses) in together.iter().zip(&found) {
                texts[i] = self.target().decode(&hypotheses[0].ids);
            }
            translated += group.len();
            read += group.iter().map(Vec::len).sum::<usize>();
            progress.show(translated, read as f64 / tokens as f64);
        }
        Ok(texts)
    }
}

/// Whether the runs learnt lower-cased texts: all or none, else their translations have no reference in common.
fn lower_case(runs: &[Translator<'_>]) -> Outcome<bool> {
    let of = |run: &Translator<'_>| Ok::<_, Failure>(run.run.config.settings.pair_settings()?.lower_case);
    let first = of(&runs[0])?;
    for run in &runs[1..] {
        if of(run)? != first {
            let (lower, other) = if first { (&runs[0], run) } else { (run, &runs[0]) };
            return Err(Failure::input(format!(
                "--compare: {} learnt lower-cased texts and {} did not, so they cannot be measured on the same pairs",
                lower.path.display(),
                other.path.display()
            )));
        }
    }
    Ok(first)
}

/// BLEU by the length of the source.
fn picture(names: &[String], buckets: &[Bucket], measured: &[Measures]) -> Bars {
    let series = |(name, measures): (&String, &Measures)| Series {
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
