//! The paired bootstrap beside sacrebleu's, and what holds of outputs in any order and of their measures.
//!
//! What `tests/fixtures/bootstrap.json` holds was computed by sacrebleu; `make_rouge.py` there says how.

use crate::bootstrap::{PairedBootstrap, Resamples, Statistics, total};
use crate::{Baseline, Bleu, ChrF, Measured, Quality, WordRules, distinct, repetition};
use proptest::prelude::*;
use rungs_random::Rng;
use serde::Deserialize;

/// What rounding may do to a score of 100.
const TOLERANCE: f64 = 1e-11;

#[derive(Deserialize)]
struct Fixture {
    sentences: Vec<[String; 3]>,
    places: Vec<Vec<usize>>,
    bleu: Scores,
    chrf: Scores,
}

#[derive(Deserialize)]
struct Scores {
    first: Vec<f64>,
    second: Vec<f64>,
    p: f64,
    half_interval_of_second: f64,
}

/// What sacrebleu makes of the differences: absolute ones, moved by their mean.
fn sacrebleus_p(bootstrap: &PairedBootstrap) -> f64 {
    let absolute: Vec<f64> = bootstrap.resampled.iter().map(|difference| difference.abs()).collect();
    let count = absolute.len() as f64;
    let mean = absolute.iter().sum::<f64>() / count;
    let larger = absolute.iter().filter(|&&absolute| absolute - mean > bootstrap.difference.abs()).count();
    (larger as f64 + 1.0) / (count + 1.0)
}

fn agrees<S>(sentences: &[[String; 3]], places: &[Vec<usize>], theirs: &Scores)
where
    S: Statistics + for<'a> FromIterator<(&'a str, &'a str)>,
{
    let system = |which: usize| -> Vec<S> {
        sentences.iter().map(|texts| std::iter::once((texts[which].as_str(), texts[2].as_str())).collect()).collect()
    };
    let systems = [system(0), system(1)];
    for (system, scores) in systems.iter().zip([&theirs.first, &theirs.second]) {
        for (places, theirs) in places.iter().zip(scores) {
            let ours = total(places.iter().map(|&place| system[place])).score();
            assert!((ours - theirs).abs() <= TOLERANCE, "{ours}, by sacrebleu {theirs}");
        }
    }
    let bootstrap = PairedBootstrap::new(&systems[0], &systems[1], places.to_vec());
    for (ours, (first, second)) in bootstrap.resampled.iter().zip(theirs.first.iter().zip(&theirs.second)) {
        assert!((ours - (second - first)).abs() <= TOLERANCE);
    }
    assert_eq!(sacrebleus_p(&bootstrap), theirs.p);
    // Its interval is that of one system: beside one that has no word right, ours is the same. Its counts are single
    // precision.
    let nothing = vec![S::default(); sentences.len()];
    let [low, high] = PairedBootstrap::new(&nothing, &systems[1], places.to_vec()).interval();
    assert!(((high - low) / 2.0 - theirs.half_interval_of_second).abs() < 1e-4, "{low} {high}");
}

#[test]
fn draws_score_as_in_sacrebleu() {
    let Fixture { sentences, places, bleu, chrf } =
        serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/bootstrap.json")))
            .unwrap();
    agrees::<Bleu>(&sentences, &places, &bleu);
    agrees::<ChrF>(&sentences, &places, &chrf);
    assert!(bleu.p < 0.5 && chrf.p < 0.5, "something to find");
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let text = || proptest::collection::vec("[abc]{1,2}[.!]?", 0..8).prop_map(|words| words.join(" "));
    proptest::collection::vec((text(), text()), 1..12)
}

fn measured(pairs: &[(String, String)]) -> Measured {
    Measured::new(pairs.iter().map(|(output, reference)| (output.as_str(), reference.as_str())), WordRules::default())
}

fn resamples(size: usize, seed: u64) -> Resamples {
    Resamples { size, count: 100, rng: Rng::new(seed) }
}

proptest! {
    #[test]
    fn the_order_of_pairs_does_not_matter(
        (pairs, shuffled) in pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        let [a, b] = [&pairs, &shuffled].map(|pairs| measured(pairs).quality());
        let rouge = |quality: Quality| [quality.rouge1, quality.rouge2, quality.rouge_l];
        prop_assert!(rouge(a).iter().zip(rouge(b)).all(|(a, b)| (a - b).abs() <= TOLERANCE), "{a:?} {b:?}");
        let without_rouge = |quality| Quality { rouge1: 0.0, rouge2: 0.0, rouge_l: 0.0, ..quality };
        prop_assert_eq!(without_rouge(a), without_rouge(b), "to the last bit");
    }

    #[test]
    fn a_system_does_not_differ_from_itself(pairs in pairs(), seed in any::<u64>()) {
        let system = measured(&pairs);
        let comparison = system.compare(&system, &resamples(pairs.len(), seed));
        for difference in [comparison.exact_match, comparison.bleu, comparison.chrf, comparison.rouge_l] {
            prop_assert_eq!((difference.difference, difference.low, difference.high), (0.0, 0.0, 0.0));
            prop_assert_eq!(difference.p, 1.0);
        }
    }

    #[test]
    fn exchanged_systems_have_the_difference_with_the_other_sign(pairs in pairs(), seed in any::<u64>()) {
        let (first, rng) = (measured(&pairs), resamples(pairs.len(), seed));
        let worse: Vec<_> =
            pairs.iter().map(|(output, reference)| (output.to_uppercase(), reference.clone())).collect();
        let second = measured(&worse);
        let (there, back) = (first.compare(&second, &rng), second.compare(&first, &rng));
        for (a, b) in [(there.bleu, back.bleu), (there.chrf, back.chrf), (there.exact_match, back.exact_match)] {
            prop_assert_eq!((a.difference, a.low, a.high, a.p), (-b.difference, -b.high, -b.low, b.p));
            prop_assert!(a.low <= a.high && 0.0 < a.p && a.p <= 1.0);
        }
        prop_assert_eq!(there.bleu.difference, second.quality().bleu - first.quality().bleu);
        prop_assert_eq!(first.compare(&second, &rng), there, "the same draws");
    }

    #[test]
    fn diversity_is_a_share(
        texts in proptest::collection::vec(proptest::collection::vec(0_u8..4, 0..12), 1..6),
        n in 1_usize..5,
    ) {
        let (distinct_n, repetition_n) = (distinct(&texts, n), repetition(&texts, n));
        if texts.iter().any(|text| text.len() >= n) {
            prop_assert!(0.0 < distinct_n && distinct_n <= 1.0, "{distinct_n}");
        } else {
            prop_assert_eq!(distinct_n, 0.0);
        }
        prop_assert!((0.0..1.0).contains(&repetition_n), "{repetition_n}");
        // The same texts again are nothing new, and repeat themselves no more.
        let twice = [texts.clone(), texts.clone()].concat();
        prop_assert!((distinct(&twice, n) - distinct_n / 2.0).abs() <= TOLERANCE);
        prop_assert!((repetition(&twice, n) - repetition_n).abs() <= TOLERANCE);
        // One text: what is not different has stood before.
        let one = &texts[..1];
        if one[0].len() >= n {
            prop_assert!((repetition(one, n) - (1.0 - distinct(one, n))).abs() <= TOLERANCE);
        }
    }

    #[test]
    fn sentences_are_the_text(text in "[a-cA-C .!?…。\"()\n]{0,40}", seed in any::<u64>()) {
        let sentences = crate::baselines::sentences(&text);
        let solid = |text: &str| text.split_whitespace().collect::<String>();
        prop_assert_eq!(solid(&sentences.concat()), solid(&text));
        prop_assert!(sentences.iter().all(|sentence| !sentence.is_empty() && sentence.trim() == *sentence));
        for sentence in &sentences {
            prop_assert_eq!(crate::baselines::sentences(sentence), [*sentence]);
        }
        let mut rng = Rng::new(seed);
        let drawn = Baseline::Random.output(&text, &mut rng);
        prop_assert!(sentences.contains(&drawn) || (drawn.is_empty() && sentences.is_empty()));
        prop_assert_eq!(Baseline::Lead.output(&text, &mut rng), sentences.first().copied().unwrap_or(""));
    }
}
