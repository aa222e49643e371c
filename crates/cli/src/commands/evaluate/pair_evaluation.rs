//! `rungs evaluate --pairs`: how well runs translate, one beside another.

use std::path::Path;

use rungs::measures::Measured;
use rungs::{SavedRun, TextPair};

use super::length_buckets::{Bucket, buckets};
use super::pair_measures::{self, OfRun, baselines, report_run, table, uncounted};
use super::resampling::resamples;
use super::target_writer::TargetWriter;
use crate::arguments::{Common, Evaluate};
use crate::commands::{learning_data, names};
use crate::plots::bars::bars_svg;
use crate::plots::write_plot;
use crate::terminal::{Facts, Failure, Outcome, Progress, complain, output, thousands};
use crate::text_input;

pub(super) fn run(path: &Path, runs: Vec<SavedRun>, evaluate: &Evaluate, common: &Common) -> Outcome {
    let open = |run| TargetWriter::open(run, evaluate.beam);
    let runs: Vec<_> = runs.into_iter().map(open).collect::<Outcome<_>>()?;
    let lower_case = lower_case(&runs)?;
    let pairs = learning_data::pairs(&text_input::read(path)?, &text_input::name(path), evaluate.columns, lower_case)?;
    let (pairs, left_out) = readable(pairs, &runs, path)?;
    runs.iter().try_for_each(|run| run.try_search(&pairs[0]))?;
    runs.iter().try_for_each(|run| run.check_lengths(&pairs, path))?;

    let by_length = evaluate.by_length || evaluate.plot.is_some();
    let words = |pair: &TextPair| pair.source.split_whitespace().count();
    let buckets = by_length.then(|| buckets(&pairs.iter().map(words).collect::<Vec<_>>()));
    let names =
        names(&runs.iter().map(|writer| (writer.run.config.settings.rung(), writer.run.path())).collect::<Vec<_>>());
    let rules = evaluate.word_rules();
    if let Some(warning) = uncounted(&pairs, rules.bleu) {
        complain(&warning);
    }
    let (mut measured, mut outputs) = (Vec::new(), Vec::new());
    for (run, name) in runs.iter().zip(&names) {
        let (forced, progress) = (run.forced(&pairs)?, Progress::new(name, common.json));
        let texts = run.texts(&pairs, progress)?;
        let texts = texts.iter().zip(&pairs).map(|(text, pair)| (text.as_str(), pair.target.as_str()));
        let of_run = Measured::new(texts, rules);
        let mut facts = Facts::default();
        facts.field("run", run.run.path()).field("rung", run.run.config.settings.rung());
        report_run(&mut facts, (run.run.parameter_count()?, pairs.len()), &forced, of_run.quality(), rules);
        measured.push(facts);
        outputs.push(of_run);
    }
    let baselines = baselines(&pairs, rules, common.seed);
    let table = table(&names, &measured, &baselines, &pairs, rules);
    let resamples = resamples(pairs.len(), common.seed);
    let difference = |(other, writer): (&Measured, &TargetWriter)| OfRun {
        run: writer.run.path().display().to_string(),
        comparison: outputs[0].compare(other, &resamples),
    };
    let differences: Vec<OfRun> = outputs.iter().zip(&runs).skip(1).map(difference).collect();
    let in_buckets = |outputs: &Measured, buckets: &[Bucket]| -> Vec<f64> {
        buckets.iter().map(|bucket| outputs.bleu_of(&bucket.members)).collect()
    };
    let scores: Vec<_> = buckets.iter().flat_map(|buckets| outputs.iter().map(|of| in_buckets(of, buckets))).collect();

    if let (Some(path), Some(buckets)) = (&evaluate.plot, &buckets) {
        let series: Vec<_> = names.iter().cloned().zip(scores.iter().cloned()).collect();
        let groups: Vec<_> = buckets.iter().map(Bucket::to_string).collect();
        write_plot(path, &bars_svg("words of the source", "BLEU", &groups, &series))?;
    }
    for (facts, scores) in measured.iter_mut().zip(&scores) {
        // From short sources to long ones.
        let of_length = |(bucket, bleu): (&Bucket, &f64)| {
            let mut facts = Facts::default();
            facts.field("from", bucket.from).field("to", bucket.to);
            facts.field("pairs", bucket.members.len()).field("bleu", bleu);
            facts
        };
        facts.field("by_length", buckets.iter().flatten().zip(scores).map(of_length).collect::<Vec<_>>());
    }
    let compared = measured.split_off(1);
    let mut facts = measured.remove(0);
    facts.field("compared", compared);
    facts.field("differences", &differences);
    let mut of_baselines = Facts::default();
    for ((_, quality), key) in baselines.iter().zip(["lead_1", "random", "copy"]) {
        of_baselines.field(key, quality);
    }
    facts.field("baselines", of_baselines);
    // Pairs that a language model among the runs cannot read.
    facts.optional("left_out", left_out);
    output::report(common.json, &facts, || {
        let mut text = table;
        if runs.iter().any(|run| !run.writes_as(&runs[0])) {
            text += "\nLoss and token accuracy are per token, and what a token is differs between these runs.\n";
        }
        if !differences.is_empty() {
            text += &format!("\n{}", pair_measures::compared(&names, &differences, pairs.len()));
        }
        if let Some(buckets) = &buckets {
            text += &format!("\n{}", pair_measures::by_length(&names, buckets, &scores));
        }
        text
    })
}

/// Those of the pairs that every run can read, and how many that leaves out, where a run is one that may leave some.
fn readable(pairs: Vec<TextPair>, runs: &[TargetWriter], path: &Path) -> Outcome<(Vec<TextPair>, Option<usize>)> {
    if !runs.iter().any(|run| run.answers()) {
        return Ok((pairs, None));
    }
    let all = pairs.len();
    let pairs: Vec<_> = pairs.into_iter().filter(|pair| runs.iter().all(|run| run.can_read(pair))).collect();
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

/// Whether the runs learnt lower-cased texts: all or none, else their translations have no reference in common.
fn lower_case(runs: &[TargetWriter]) -> Outcome<bool> {
    let lowers = |run: &&SavedRun| run.config.settings.data.examples.lower_case();
    let (lower, other): (Vec<_>, Vec<_>) = runs.iter().map(|writer| &writer.run).partition(lowers);
    let (Some(lower), Some(other)) = (lower.first(), other.first()) else { return Ok(other.is_empty()) };
    let (lower, other) = (lower.path().display(), other.path().display());
    let problem = "so they cannot be measured on the same pairs";
    Err(Failure::input(format!("--compare: {lower} learnt lower-cased texts and {other} did not, {problem}")))
}
