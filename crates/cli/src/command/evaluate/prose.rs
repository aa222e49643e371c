//! What was measured, for people to read.

use super::lengths::Bucket;
use super::pairs::Measures;
use crate::output::{self, thousands};

/// One run: a line for each measure.
pub(super) fn listing(measures: &Measures) -> String {
    output::listing(&[
        ("pairs", thousands(measures.pairs)),
        ("loss", format!("{} nats per token", loss(measures))),
        ("token accuracy", percent(measures.token_accuracy)),
        ("exact match", percent(measures.exact_match)),
        ("BLEU", format!("{}  {}", score(measures.bleu), measures.bleu_signature)),
        ("chrF", format!("{}  {}", score(measures.chrf), measures.chrf_signature)),
    ])
}

/// Several runs: a row for each measure, a column for each run; below, how BLEU and chrF are defined.
pub(super) fn table(names: &[String], measured: &[Measures]) -> String {
    let row = |name: &str, cell: &dyn Fn(&Measures) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(measured.iter().map(cell)).collect()
    };
    let first = &measured[0];
    let mut header = vec![format!("{} pairs", thousands(first.pairs))];
    header.extend_from_slice(names);
    let rows = [
        header,
        row("parameters", &|run| thousands(run.parameters as usize)),
        row("loss, nats per token", &loss),
        row("token accuracy", &|run| percent(run.token_accuracy)),
        row("exact match", &|run| percent(run.exact_match)),
        row("BLEU", &|run| score(run.bleu)),
        row("chrF", &|run| score(run.chrf)),
    ];
    let signatures = [("BLEU", first.bleu_signature.to_owned()), ("chrF", first.chrf_signature.to_owned())];
    format!("{}\n{}", output::table(&rows), output::listing(&signatures))
}

/// BLEU by the length of the source: a row for each bucket, a column for each run.
pub(super) fn by_length(names: &[String], buckets: &[Bucket], measured: &[Measures]) -> String {
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

fn loss(measures: &Measures) -> String {
    format!("{:.4}", measures.loss)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn score(score: f64) -> String {
    format!("{score:.2}")
}

#[cfg(test)]
mod tests {
    use rungs::Rung;

    use super::*;
    use crate::command::evaluate::pairs::OfLength;

    fn measures(rung: Rung, bleu: f64, by_length: &[(&Bucket, f64)]) -> Measures {
        Measures {
            run: format!("runs/{rung}"),
            rung,
            parameters: 1_205_263,
            pairs: 1000,
            loss: 1.25,
            token_accuracy: 0.5,
            exact_match: 1.0,
            bleu,
            chrf: 61.238,
            bleu_signature: "tok:13a",
            chrf_signature: "nc:6",
            by_length: Some(by_length.iter().map(|&(bucket, bleu)| OfLength::new(bucket, bleu)).collect()),
        }
    }

    fn example() -> (Vec<String>, Vec<Bucket>, Vec<Measures>) {
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
1,000 pairs             seq2seq  attention
parameters            1,205,263  1,205,263
loss, nats per token     1.2500     1.2500
token accuracy          50.00 %    50.00 %
exact match            100.00 %   100.00 %
BLEU                      34.00     100.00
chrF                      61.24      61.24

BLEU  tok:13a
chrF  nc:6
";
        assert_eq!(table(&names, &measured), expected);
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
