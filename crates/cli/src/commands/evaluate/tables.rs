//! Tables of what was measured, for people to read.

use rungs::measures::{Difference, Quality};

use super::length_buckets::Bucket;
use super::pair_measures::PairMeasures;
use super::resampling::OfRun;
use crate::terminal::output::{self, thousands};

/// Runs, and what needs no model: a row for each measure, a column for each run; below, how the measures are defined.
pub(super) fn table(names: &[String], measured: &[PairMeasures], baselines: &[(&'static str, &Quality)]) -> String {
    let first = &measured[0];
    let mut header = vec![format!("{} pairs", thousands(first.pairs))];
    header.extend_from_slice(names);
    header.extend(baselines.iter().map(|(name, _)| (*name).to_owned()));
    let of_runs = |name: &str, cell: fn(&PairMeasures) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(measured.iter().map(cell)).collect()
    };
    let of_outputs = |(name, cell): Line<Quality>| -> Vec<String> {
        let outputs = measured.iter().map(|run| &run.quality).chain(baselines.iter().map(|(_, quality)| *quality));
        std::iter::once(name.to_owned()).chain(outputs.map(cell)).collect()
    };
    let mut rows = vec![
        header,
        of_runs("parameters", |run| thousands(run.parameters as usize)),
        of_runs("loss, nats per token", |run| format!("{:.4}", run.loss)),
        of_runs("token accuracy", |run| percent(run.token_accuracy)),
    ];
    rows.extend(QUALITIES.map(of_outputs));
    let signatures = [
        ("BLEU", first.bleu_signature.to_owned()),
        ("chrF", first.chrf_signature.to_owned()),
        ("ROUGE", format!("{}, times 100", first.rouge_signature)),
    ];
    format!("{}\n{}", output::table(&rows), output::listing(&signatures))
}

/// What a measure is called, and how it is printed.
pub(super) type Line<T> = (&'static str, fn(&T) -> String);

/// What is measured of outputs. Of ROUGE a hundredfold, as papers print it.
const QUALITIES: [Line<Quality>; 9] = [
    ("exact match", |quality| percent(quality.exact_match)),
    ("BLEU", |quality| score(quality.bleu)),
    ("chrF", |quality| score(quality.chrf)),
    ("ROUGE-1", |quality| score(100.0 * quality.rouge1)),
    ("ROUGE-2", |quality| score(100.0 * quality.rouge2)),
    ("ROUGE-L", |quality| score(100.0 * quality.rouge_l)),
    ("distinct-1", |quality| share(quality.distinct_1)),
    ("distinct-2", |quality| share(quality.distinct_2)),
    ("repetition-4", |quality| share(quality.repetition_4)),
];

/// By how much each run is better than the first.
pub(super) fn compared(names: &[String], compared: &[OfRun], pairs: usize) -> String {
    let mut text = String::new();
    for (name, OfRun { comparison, .. }) in names[1..].iter().zip(compared) {
        let row = |name, difference, unit| Row { name, difference, digits: 2, unit };
        let rows = [
            row("exact match", hundredfold(comparison.exact_match), " %"),
            row("BLEU", comparison.bleu, ""),
            row("chrF", comparison.chrf, ""),
            row("ROUGE-L", hundredfold(comparison.rouge_l), ""),
        ];
        text += &differences(name, &names[0], &rows);
        text.push('\n');
    }
    let (draws, pairs) = (thousands(compared[0].comparison.resamples), thousands(pairs));
    text + &format!("Intervals: paired bootstrap, {draws} draws of {pairs} pairs from these {pairs}.\n")
}

/// A difference with its name, and how it is printed.
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    pub(super) difference: Difference,
    pub(super) digits: usize,
    pub(super) unit: &'a str,
}

/// One run's differences from another.
pub(super) fn differences(run: &str, from: &str, rows: &[Row<'_>]) -> String {
    let header = [&format!("{run} minus {from}"), "difference", "95 % interval", "p"].map(str::to_owned).to_vec();
    let cells = |&Row { name, difference: Difference { difference, low, high, p }, digits, unit }: &Row<'_>| {
        // What is rounded to nothing has no sign.
        let signed = |value: f64| {
            let text = format!("{value:+.digits$}");
            if text.contains(|c| matches!(c, '1'..='9')) { text } else { format!("{:.digits$}", 0.0) }
        };
        vec![
            name.to_owned(),
            format!("{}{unit}", signed(difference)),
            format!("{} to {}{unit}", signed(low), signed(high)),
            format!("{p:.3}"),
        ]
    };
    output::table(&std::iter::once(header).chain(rows.iter().map(cells)).collect::<Vec<_>>())
}

fn hundredfold(Difference { difference, low, high, p }: Difference) -> Difference {
    Difference { difference: 100.0 * difference, low: 100.0 * low, high: 100.0 * high, p }
}

/// BLEU by the length of the source: a row for each bucket, a column for each run.
pub(super) fn by_length(names: &[String], buckets: &[Bucket], measured: &[PairMeasures]) -> String {
    let mut header = vec!["source words".to_owned(), "pairs".to_owned()];
    header.extend_from_slice(names);
    let mut rows = vec![header];
    for (i, bucket) in buckets.iter().enumerate() {
        let mut row = vec![bucket.to_string(), thousands(bucket.members.len())];
        row.extend(measured.iter().flat_map(|run| &run.by_length).map(|by_length| score(by_length[i].bleu)));
        rows.push(row);
    }
    format!("BLEU by the length of the source\n{}", output::table(&rows))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn score(score: f64) -> String {
    format!("{score:.2}")
}

fn share(share: f64) -> String {
    format!("{share:.3}")
}

#[cfg(test)]
mod tests {
    use rungs::Rung;
    use rungs::measures::Comparison;

    use super::*;
    use crate::commands::evaluate::pair_measures::OfLength;

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

    fn measures(rung: Rung, bleu: f64, by_length: &[(&Bucket, f64)]) -> PairMeasures {
        PairMeasures {
            run: format!("runs/{rung}"),
            rung,
            parameters: 1_205_263,
            pairs: 1000,
            loss: 1.25,
            token_accuracy: 0.5,
            quality: quality(bleu),
            bleu_signature: "tok:13a",
            chrf_signature: "nc:6",
            rouge_signature: "stem:no",
            by_length: Some(by_length.iter().map(|&(bucket, bleu)| OfLength::new(bucket, bleu)).collect()),
        }
    }

    fn example() -> (Vec<String>, Vec<Bucket>, Vec<PairMeasures>) {
        let buckets = vec![
            Bucket { from: 1, to: 4, members: (0..231).collect() },
            Bucket { from: 5, to: 5, members: (231..1000).collect() },
        ];
        let [short, long] = [&buckets[0], &buckets[1]];
        let measured = vec![
            measures(Rung::Seq2seq, 34.0, &[(short, 31.2), (long, 9.0)]),
            measures(Rung::Attention, 100.0, &[(short, 38.017), (long, 100.0)]),
        ];
        (vec!["seq2seq".to_owned(), "attention".to_owned()], buckets, measured)
    }

    #[test]
    fn runs_are_columns_and_measures_are_rows() {
        let (names, _, measured) = example();
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

BLEU   tok:13a
chrF   nc:6
ROUGE  stem:no, times 100
";
        assert_eq!(table(&names, &measured, &[("copy", &quality(7.0))]), expected);
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
        let (names, ..) = example();
        let expected = "\
attention minus seq2seq  difference     95 % interval      p
exact match                 +2.10 %  -1.05 to +3.14 %  0.250
BLEU                         +12.51  +11.20 to +13.77  0.001
chrF                           0.00     -0.30 to 0.00  1.000
ROUGE-L                      +10.00   +5.00 to +15.00  0.040

Intervals: paired bootstrap, 1,000 draws of 70 pairs from these 70.
";
        assert_eq!(compared(&names, &[OfRun { run: "runs/attention".to_owned(), comparison }], 70), expected);
    }

    #[test]
    fn buckets_are_rows() {
        let (names, buckets, measured) = example();
        let expected = "\
BLEU by the length of the source
source words  pairs  seq2seq  attention
1-4             231    31.20      38.02
5               769     9.00     100.00
";
        assert_eq!(by_length(&names, &buckets, &measured), expected);
    }
}
