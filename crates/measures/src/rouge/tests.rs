//! ROUGE beside rouge-score's, its stems beside NLTK's, and the laws that hold for any texts.
//!
//! What `tests/fixtures/rouge.json` holds was computed by rouge-score; the script there says how.

use std::collections::BTreeMap;

use super::{Overlap, Rouge, Stemming, rouge_l_sum, words};
use crate::{Measured, Quality, WordRules};
use proptest::prelude::*;
use serde::Deserialize;

/// What rounding may do to a score of 1.
const TOLERANCE: f64 = 1e-11;

const STEMMINGS: [(&str, Stemming); 2] = [("no", Stemming::No), ("porter", Stemming::Porter)];

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<Pair>,
    stems: BTreeMap<String, String>,
    means: BTreeMap<String, BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
struct Pair {
    hypothesis: String,
    reference: String,
    #[serde(flatten)]
    scores: BTreeMap<String, BTreeMap<String, [f64; 3]>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/rouge.json"))).unwrap()
}

#[test]
fn pairs_score_as_in_rouge_score() {
    let pairs = fixture().pairs;
    assert!(pairs.len() > 200);
    for Pair { hypothesis, reference, scores } in pairs {
        for (name, stemming) in STEMMINGS {
            let Rouge { one, two, longest } = Rouge::new(&hypothesis, &reference, stemming);
            let of_lines = rouge_l_sum(&hypothesis, &reference, stemming);
            for (kind, ours) in [("rouge1", one), ("rouge2", two), ("rougeL", longest), ("rougeLsum", of_lines)] {
                let ours = [ours.precision, ours.recall, ours.f];
                let theirs = scores[name][kind];
                assert!(
                    ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= TOLERANCE),
                    "{kind}, stemming: {name}, of {hypothesis:?} beside {reference:?}: {ours:?}, \
                     by rouge-score {theirs:?}"
                );
            }
        }
    }
}

#[test]
fn the_means_are_those_of_the_pairs() {
    let Fixture { pairs, means, .. } = fixture();
    for (name, stemming) in STEMMINGS {
        let both = pairs.iter().map(|pair| (pair.hypothesis.as_str(), pair.reference.as_str()));
        let Quality { rouge1, rouge2, rouge_l, .. } =
            Measured::new(both, WordRules { stemming, ..WordRules::default() }).quality();
        for (kind, ours) in [("rouge1", rouge1), ("rouge2", rouge2), ("rougeL", rouge_l)] {
            let theirs = means[name][kind];
            assert!((ours - theirs).abs() <= TOLERANCE, "{kind}: {ours}, by rouge-score {theirs}");
        }
    }
}

#[test]
fn stems_are_nltks() {
    let stems = fixture().stems;
    assert!(stems.len() > 4_000);
    for (word, stem) in stems {
        assert_eq!(words(&word, Stemming::Porter), [stem], "{word}");
    }
}

/// Lines of a few words with endings, so that two texts have something in common.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[ab]{1,3}", "[a-z]{1,3}(s|ed|ing|ation|ly)", "[0-9é,.!-]{1,3}"];
    proptest::collection::vec((word, prop_oneof![Just(" "), Just(" "), Just("\n")]), 0..14)
        .prop_map(|words| words.into_iter().map(|(word, space)| word + space).collect())
}

fn all(hypothesis: &str, reference: &str, stemming: Stemming) -> [Overlap; 4] {
    let Rouge { one, two, longest } = Rouge::new(hypothesis, reference, stemming);
    [one, two, longest, rouge_l_sum(hypothesis, reference, stemming)]
}

proptest! {
    #[test]
    fn a_text_is_like_itself(text in text()) {
        for (_, stemming) in STEMMINGS {
            let number = words(&text, stemming).len();
            let [one, two, longest, of_lines] = all(&text, &text, stemming);
            let whole = |there_is_some: bool| f64::from(u8::from(there_is_some));
            for (overlap, expected) in [
                (one, whole(number > 0)),
                (two, whole(number > 1)),
                (longest, whole(number > 0)),
                (of_lines, whole(number > 0)),
            ] {
                prop_assert_eq!(overlap, Overlap { precision: expected, recall: expected, f: expected });
            }
        }
    }

    #[test]
    fn exchanged_texts_exchange_precision_and_recall(a in text(), b in text()) {
        // Of rougeLsum this holds for single lines alone: a word that two sentences share is found in the reference.
        for (_, stemming) in STEMMINGS {
            for (there, back) in all(&a, &b, stemming).into_iter().zip(all(&b, &a, stemming)).take(3) {
                prop_assert_eq!((there.precision, there.recall), (back.recall, back.precision));
                prop_assert!((there.f - back.f).abs() <= TOLERANCE);
            }
        }
    }

    #[test]
    fn what_is_counted_in_order_is_counted_at_all(a in text(), b in text()) {
        for (_, stemming) in STEMMINGS {
            let [one, two, longest, of_lines] = all(&a, &b, stemming);
            prop_assert!(longest.f <= one.f + TOLERANCE && of_lines.f <= one.f + TOLERANCE);
            for Overlap { precision, recall, f } in [one, two, longest, of_lines] {
                prop_assert!([precision, recall, f].iter().all(|score| (0.0..=1.0).contains(score)));
                prop_assert!(f <= precision.max(recall) + TOLERANCE && f + TOLERANCE >= precision.min(recall));
            }
            let [a, b] = [&a, &b].map(|text| text.replace('\n', " "));
            prop_assert_eq!(rouge_l_sum(&a, &b, stemming), Rouge::new(&a, &b, stemming).longest, "one line");
        }
    }

    #[test]
    fn a_stem_is_no_longer_than_its_word(word in "[a-z0-9]{4,14}") {
        let stem = &words(&word, Stemming::Porter)[0];
        prop_assert!(!stem.is_empty() && stem.len() <= word.len());
        prop_assert!(stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    }
}
