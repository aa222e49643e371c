//! Measures on pairs, of runs and of what needs no model, as they are reported.

use rungs::TextPair;
use rungs::measures::baselines::sentences;
use rungs::measures::{
    Baseline, Bleu, BleuTokenizer, ChrF, Comparison, Difference, Measured, Quality, WordRules, mostly_uncounted, rouge,
};
use rungs::tasks::Forced;
use rungs::tensor::Rng;
use serde::Serialize;

use super::length_buckets::Bucket;
use super::resampling::differences;
use crate::terminal::{Facts, output, thousands};

/// By how much a run's outputs are better than the first run's.
#[derive(Serialize)]
pub(super) struct OfRun {
    pub(super) run: String,
    #[serde(flatten)]
    pub(super) comparison: Comparison,
}

/// Reports a run that was measured on so many pairs: the size of its model, how well that predicts the targets, and how
/// good its outputs are.
pub(super) fn report_run(
    facts: &mut Facts,
    (parameters, pairs): (u64, usize),
    forced: &Forced,
    quality: Quality,
    rules: WordRules,
) {
    let (loss, accuracy) = (forced.evaluation.loss(), forced.token_accuracy());
    facts.fact("parameters", parameters, "parameters", thousands(parameters as usize));
    facts.field("pairs", pairs);
    facts.fact("loss", loss, "loss, nats per token", format!("{loss:.4}"));
    facts.fact("token_accuracy", accuracy, "token accuracy", percent(accuracy));
    report_quality(facts, quality);
    facts.field("bleu_signature", Bleu::signature(rules.bleu)).field("chrf_signature", ChrF::SIGNATURE);
    facts.field("rouge_signature", rules.stemming.signature()).field("bleu_tokenizer", rules.bleu);
}

/// Reports how good outputs are. Of ROUGE people see a hundredfold, as papers print it.
fn report_quality(facts: &mut Facts, quality: Quality) {
    let Quality { exact_match, bleu, chrf, rouge1, rouge2, rouge_l, distinct_1, distinct_2, repetition_4 } = quality;
    facts.fact("exact_match", exact_match, "exact match", percent(exact_match));
    facts.fact("bleu", bleu, "BLEU", score(bleu));
    facts.fact("chrf", chrf, "chrF", score(chrf));
    facts.fact("rouge1", rouge1, "ROUGE-1", score(100.0 * rouge1));
    facts.fact("rouge2", rouge2, "ROUGE-2", score(100.0 * rouge2));
    facts.fact("rougeL", rouge_l, "ROUGE-L", score(100.0 * rouge_l));
    for (key, name, share) in [
        ("distinct_1", "distinct-1", distinct_1),
        ("distinct_2", "distinct-2", distinct_2),
        ("repetition_4", "repetition-4", repetition_4),
    ] {
        facts.fact(key, share, name, format!("{share:.3}"));
    }
}

/// Measures of the baselines, which need no model, on the same pairs as the runs.
pub(super) fn baselines(pairs: &[TextPair], rules: WordRules, seed: Option<u64>) -> [(Baseline, Facts); 3] {
    let rng = Rng::new(seed.unwrap_or(0));
    Baseline::ALL.map(|baseline| {
        let mut rng = rng.fork(baseline.name());
        let outputs = pairs.iter().map(|pair| (baseline.output(&pair.source, &mut rng), pair.target.as_str()));
        let mut facts = Facts::default();
        report_quality(&mut facts, Measured::new(outputs, rules).quality());
        (baseline, facts)
    })
}

/// Runs, and the baselines that differ: a row for each measure; below, how the measures are defined.
pub(super) fn table(
    names: &[String],
    measured: &[Facts],
    baselines: &[(Baseline, Facts)],
    pairs: &[TextPair],
    rules: WordRules,
) -> String {
    // If no source has more than one sentence, lead-1 and random are copies.
    let summarise = pairs.iter().any(|pair| sentences(&pair.source).len() > 1);
    let shown = baselines.iter().filter(|(baseline, _)| summarise || *baseline == Baseline::Copy);
    let runs = names.iter().map(String::as_str).zip(measured);
    let columns: Vec<_> = runs.chain(shown.map(|(baseline, facts)| (baseline.name(), facts))).collect();
    let signatures = [
        ("BLEU", Bleu::signature(rules.bleu)),
        ("chrF", ChrF::SIGNATURE.to_owned()),
        ("ROUGE", format!("{}, times 100", rules.stemming.signature())),
    ];
    let corner = format!("{} pairs", thousands(pairs.len()));
    format!("{}\n{}", output::columns(&corner, &columns), output::listing(&signatures))
}

/// Warning of references whose letters BLEU or ROUGE does not count; none if they are counted.
pub(super) fn uncounted(pairs: &[TextPair], tokenizer: BleuTokenizer) -> Option<String> {
    let references = || pairs.iter().map(|pair| pair.target.as_str());
    let unseen = [
        (
            format!("BLEU with the tokenizer {}", tokenizer.name()),
            mostly_uncounted(references(), |c| tokenizer.counts(c)),
        ),
        ("ROUGE".to_owned(), mostly_uncounted(references(), rouge::counts)),
    ];
    let number = |&(ref measure, number): &(String, usize)| {
        (number > 0).then(|| format!("{measure} in {} of {} references", thousands(number), thousands(pairs.len())))
    };
    let measures: Vec<_> = unseen.iter().filter_map(number).collect();
    let remedy =
        if unseen[0].1 > 0 { "--bleu-tokenizer zh (Chinese) or char does, and so does chrF" } else { "chrF does" };
    let what = "counts no words in most of the letters, so that a perfect output may score 0";
    (!measures.is_empty()).then(|| format!("{} {what}; {remedy}", measures.join(", and ")))
}

/// By how much each run is better than the first.
pub(super) fn compared(names: &[String], compared: &[OfRun], pairs: usize) -> String {
    let mut text = String::new();
    for (name, OfRun { comparison, .. }) in names[1..].iter().zip(compared) {
        let rows = [
            ("exact match", hundredfold(comparison.exact_match), 2, " %"),
            ("BLEU", comparison.bleu, 2, ""),
            ("chrF", comparison.chrf, 2, ""),
            ("ROUGE-L", hundredfold(comparison.rouge_l), 2, ""),
        ];
        text += &format!("{}\n", differences(name, &names[0], &rows));
    }
    let (draws, pairs) = (thousands(compared[0].comparison.resamples), thousands(pairs));
    text + &format!("Intervals: paired bootstrap, {draws} draws of {pairs} pairs from these {pairs}.\n")
}

fn hundredfold(Difference { difference, low, high, p }: Difference) -> Difference {
    Difference { difference: 100.0 * difference, low: 100.0 * low, high: 100.0 * high, p }
}

/// BLEU by the length of the source: a row for each bucket, a column for each run.
pub(super) fn by_length(names: &[String], buckets: &[Bucket], scores: &[Vec<f64>]) -> String {
    let of_bucket = |(i, bucket): (usize, &Bucket)| {
        let scores = scores.iter().map(|of_run| score(of_run[i]));
        output::row(&bucket.to_string(), std::iter::once(thousands(bucket.members.len())).chain(scores))
    };
    let header = output::row("source words", std::iter::once("pairs".to_owned()).chain(names.iter().cloned()));
    let table = output::table(header, buckets.iter().enumerate().map(of_bucket));
    format!("BLEU by the length of the source\n{table}")
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn score(score: f64) -> String {
    format!("{score:.2}")
}

#[cfg(test)]
mod tests {
    use rungs::trainer::Evaluation;

    use super::*;

    fn quality(bleu: f64) -> Quality {
        Quality {
            exact_match: 1.0,
            bleu,
            chrf: 61.238,
            rouge1: 0.5,
            rouge2: 0.25,
            rouge_l: 1.0,
            distinct_1: 0.125,
            distinct_2: 0.5,
            repetition_4: 0.0,
        }
    }

    fn measures(bleu: f64) -> Facts {
        let mut facts = Facts::default();
        let forced = Forced { evaluation: Evaluation { nats: 2.5, tokens: 2 }, right: 1 };
        report_run(&mut facts, (1_205_263, 1000), &forced, quality(bleu), WordRules::default());
        facts
    }

    fn names() -> Vec<String> {
        ["seq2seq", "attention"].map(str::to_owned).to_vec()
    }

    #[test]
    fn runs_are_columns_and_measures_are_rows() {
        let expected = "\
1,000 pairs             seq2seq  attention      copy
parameters            1,205,263  1,205,263
loss, nats per token     1.2500     1.2500
token accuracy          50.00 %    50.00 %
exact match            100.00 %   100.00 %  100.00 %
BLEU                      34.00     100.00      7.00
chrF                      61.24      61.24     61.24
ROUGE-1                   50.00      50.00     50.00
ROUGE-2                   25.00      25.00     25.00
ROUGE-L                  100.00     100.00    100.00
distinct-1                0.125      0.125     0.125
distinct-2                0.500      0.500     0.500
repetition-4              0.000      0.000     0.000

BLEU   {BLEU}
chrF   {CHRF}
ROUGE  {ROUGE}, times 100
";
        let rules = WordRules::default();
        let (bleu, rouge) = (Bleu::signature(rules.bleu), rules.stemming.signature());
        let signatures = [("{BLEU}", bleu.as_str()), ("{CHRF}", ChrF::SIGNATURE), ("{ROUGE}", rouge)];
        let expected = signatures.iter().fold(expected.to_owned(), |text, (name, value)| text.replace(name, value));
        let pairs = vec![TextPair { source: "One sentence.".to_owned(), target: String::new() }; 1000];
        let baselines = Baseline::ALL.map(|baseline| {
            let mut facts = Facts::default();
            report_quality(&mut facts, quality(7.0));
            (baseline, facts)
        });
        let measured = [measures(34.0), measures(100.0)];
        assert_eq!(table(&names(), &measured, &baselines, &pairs, rules), expected);
    }

    #[test]
    fn differences_have_signs_and_intervals() {
        let difference = |difference, low, high, p| Difference { difference, low, high, p };
        let comparison = Comparison {
            resamples: 1000,
            exact_match: difference(0.021, -0.0105, 0.0314, 0.25),
            bleu: difference(12.514, 11.2, 13.77, 1.0 / 1001.0),
            chrf: difference(-0.001, -0.3, 0.001, 1.0),
            rouge_l: difference(0.1, 0.05, 0.15, 0.04),
        };
        let expected = "\
attention minus seq2seq  difference     95 % interval      p
exact match                 +2.10 %  -1.05 to +3.14 %  0.250
BLEU                         +12.51  +11.20 to +13.77  0.001
chrF                           0.00     -0.30 to 0.00  1.000
ROUGE-L                      +10.00   +5.00 to +15.00  0.040

Intervals: paired bootstrap, 1,000 draws of 70 pairs from these 70.
";
        assert_eq!(compared(&names(), &[OfRun { run: "runs/attention".to_owned(), comparison }], 70), expected);
    }

    #[test]
    fn buckets_are_rows() {
        let buckets = [
            Bucket { from: 1, to: 4, members: (0..231).collect() },
            Bucket { from: 5, to: 5, members: (231..1000).collect() },
        ];
        let expected = "\
BLEU by the length of the source
source words  pairs  seq2seq  attention
1-4             231    31.20      38.02
5               769     9.00     100.00
";
        assert_eq!(by_length(&names(), &buckets, &[vec![31.2, 9.0], vec![38.017, 100.0]]), expected);
    }
}
