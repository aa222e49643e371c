//! BLEU and chrF beside sacrebleu's, and the laws that hold for any texts.
//!
//! The scores in `tests/fixtures/measures.json` were computed by sacrebleu; the script there says how.

mod bleu_tokenizers;
mod paired_bootstrap;

use crate::{Bleu, BleuTokenizer, ChrF, Statistics, exact_match, sentence_bleu, sentence_chrf};
use proptest::prelude::*;
use serde::Deserialize;

/// What rounding may do to a score of 100.
const TOLERANCE: f64 = 1e-11;

#[derive(Deserialize)]
struct Fixture {
    signatures: Signatures,
    sentences: Vec<Sentence>,
    corpora: Vec<Corpus>,
}

#[derive(Deserialize)]
struct Signatures {
    bleu: String,
    sentence_bleu: String,
    chrf: String,
}

#[derive(Deserialize)]
struct Sentence {
    hypothesis: String,
    reference: String,
    bleu: f64,
    chrf: f64,
}

#[derive(Deserialize)]
struct Corpus {
    name: String,
    pairs: Vec<(String, String)>,
    bleu: f64,
    chrf: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/measures.json")))
        .unwrap()
}

fn scores(pairs: &[(String, String)]) -> (f64, f64) {
    let pairs = || pairs.iter().map(|(hypothesis, reference)| (hypothesis.as_str(), reference.as_str()));
    (pairs().collect::<Bleu>().score(), pairs().collect::<ChrF>().score())
}

fn assert_close(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= TOLERANCE, "{what}: {ours}, by sacrebleu {theirs}");
}

#[test]
fn single_sentences_score_as_in_sacrebleu() {
    let sentences = fixture().sentences;
    assert!(sentences.len() > 300);
    for Sentence { hypothesis, reference, bleu, chrf } in sentences {
        let what = |measure: &str| format!("{measure} of {hypothesis:?} beside {reference:?}");
        assert_close(&what("BLEU"), sentence_bleu(&hypothesis, &reference), bleu);
        assert_close(&what("chrF"), sentence_chrf(&hypothesis, &reference), chrf);
    }
}

#[test]
fn corpora_score_as_in_sacrebleu() {
    for corpus in fixture().corpora {
        let (bleu, chrf) = scores(&corpus.pairs);
        assert_close(&format!("BLEU of {}", corpus.name), bleu, corpus.bleu);
        assert_close(&format!("chrF of {}", corpus.name), chrf, corpus.chrf);
    }
}

#[test]
fn signatures_are_sacrebleus() {
    let Signatures { bleu, sentence_bleu, chrf } = fixture().signatures;
    let tokenizer = BleuTokenizer::default();
    assert_eq!((bleu, sentence_bleu), (Bleu::signature(tokenizer), Bleu::sentence_signature(tokenizer)));
    assert_eq!(chrf, ChrF::SIGNATURE);
}

#[test]
fn nothing_scores_nothing() {
    assert_eq!(scores(&[]), (0.0, 0.0));
}

/// Texts of a few words and marks, so that two of them have something in common.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["[ab]{1,3}", "[0-9,.]{1,4}", "[é!?-]", " "], 0..12)
        .prop_map(|words| words.join(" "))
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec((text(), text()), 0..8)
}

proptest! {
    #[test]
    fn a_score_is_between_0_and_100(pairs in pairs()) {
        let (bleu, chrf) = scores(&pairs);
        prop_assert!((0.0..=100.0).contains(&bleu) && (0.0..=100.0).contains(&chrf), "{bleu} {chrf}");
        for (hypothesis, reference) in &pairs {
            let (bleu, chrf) = (sentence_bleu(hypothesis, reference), sentence_chrf(hypothesis, reference));
            prop_assert!((0.0..=100.0).contains(&bleu) && (0.0..=100.0).contains(&chrf), "{bleu} {chrf}");
        }
    }

    #[test]
    fn the_order_of_pairs_does_not_matter(
        (pairs, shuffled) in pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        prop_assert_eq!(scores(&pairs), scores(&shuffled), "to the last bit");
    }

    #[test]
    fn what_is_identical_scores_100(texts in proptest::collection::vec(text(), 1..8), word in "[ab]{1,3}") {
        // Four words in a row somewhere, without which BLEU is not defined.
        let texts: Vec<String> = texts.into_iter().chain([format!("{word} a b c")]).collect();
        let identical: Vec<_> = texts.iter().map(|text| (text.clone(), text.clone())).collect();
        let (bleu, chrf) = scores(&identical);
        prop_assert!((bleu - 100.0).abs() <= TOLERANCE && (chrf - 100.0).abs() <= TOLERANCE, "{bleu} {chrf}");
        prop_assert!((sentence_bleu(&word, &word) - 100.0).abs() <= TOLERANCE);
        prop_assert_eq!(exact_match(identical.iter().map(|(a, b)| (a.as_str(), b.as_str()))), 1.0);
    }

    #[test]
    fn two_corpora_are_counted_as_one(first in pairs(), second in pairs()) {
        let mut counted: Bleu = first.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        counted += second.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let both = [first, second].concat();
        prop_assert_eq!(counted.score(), scores(&both).0);
    }

    #[test]
    fn a_wrong_word_costs(text in text(), place in 0_usize..20) {
        // One word made wrong: neither measure rises above 100, and BLEU of what had all its words falls.
        let mut words: Vec<String> = format!("{text} one two three four").split(' ').map(str::to_owned).collect();
        let reference = words.join(" ");
        let place = words.len() - 1 - place % 4;
        words[place] = "wrong".to_owned();
        let (bleu, chrf) = scores(&[(words.join(" "), reference)]);
        prop_assert!(bleu < 100.0 - 1e-6 && chrf < 100.0 - 1e-6, "{bleu} {chrf}");
    }
}
