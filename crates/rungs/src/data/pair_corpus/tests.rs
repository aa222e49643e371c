//! From a file of pairs to batches and back to text: what a model that learnt everything would write is the reference.

use crate::dates::{self, Part};
use crate::measures::{Bleu, ChrF, exact_match};
use crate::tasks::translation::SPECIALS;
use crate::text::{SequenceVocabulary, Unit, WordOptions};
use crate::trainer::{Pair, PairBatch, PairBatches, SortedPairs};
use crate::{Columns, Normalization, TextPair, read_pairs, split_pairs};
use std::collections::BTreeMap;

const SENTENCES: &str = "\
I am cold.\tJ'ai froid.\n\
I am cold.\tJe suis froid.\n\
Where is the water?\tOù est l'eau\u{202f}?\n\
He says that it rains today.\tIl dit qu'il pleut aujourd'hui.\n\
\"Yes\", he said.\t«\u{a0}Oui\u{a0}», dit-il.\n\
It costs 1,234.5 francs.\tCela coûte 1 234,5 francs.\n";

fn vocabulary(texts: impl Iterator<Item = String>, unit: Unit) -> SequenceVocabulary {
    let texts: Vec<String> = texts.collect();
    SequenceVocabulary::from_texts(texts.iter().map(String::as_str), unit, WordOptions::default()).unwrap()
}

/// The targets of batches as text, in the order of the pairs.
fn written<'a>(batches: impl Iterator<Item = PairBatch> + 'a, vocabulary: &SequenceVocabulary) -> Vec<String> {
    let mut texts = BTreeMap::new();
    for batch in batches {
        let [_, t] = batch.targets.dims();
        for (row, target) in batch.rows.iter().zip(batch.targets.as_slice().chunks(t)) {
            assert!(texts.insert(*row, vocabulary.decode(target)).is_none(), "every pair once");
        }
    }
    texts.into_values().collect()
}

/// Reads, encodes, batches for training and for validation, decodes: nothing may be lost on the way.
fn assert_nothing_is_lost(pairs: &[TextPair], unit: Unit) {
    let sources = vocabulary(pairs.iter().map(|pair| pair.source.clone()), unit);
    let targets = vocabulary(pairs.iter().map(|pair| pair.target.clone()), unit);
    let ids: Vec<Pair> = pairs
        .iter()
        .map(|pair| (sources.encode(&pair.source).unwrap(), targets.encode(&pair.target).unwrap()))
        .collect();

    let sorted = SortedPairs::new(ids.clone(), SPECIALS, 3).unwrap();
    let mut shuffled = PairBatches::new(ids, SPECIALS, 3, 0).unwrap();
    let epoch: Vec<PairBatch> = (0..shuffled.batches_per_pass()).map(|_| shuffled.next_batch()).collect();
    for texts in [written(sorted.batches(), &targets), written(epoch.into_iter(), &targets)] {
        let both = || texts.iter().zip(pairs).map(|(text, pair)| (text.as_str(), pair.target.as_str()));
        assert_eq!(exact_match(both()), 1.0, "{texts:?}");
        let chrf = both().collect::<ChrF>().score();
        assert!((chrf - 100.0).abs() < 1e-9, "{chrf}");
    }
}

#[test]
fn sentences_come_back_from_batches() {
    let pairs = read_pairs(SENTENCES.as_bytes(), "f", Columns::default(), Normalization::default()).unwrap();
    assert_nothing_is_lost(&pairs, Unit::Char);
    assert_nothing_is_lost(&pairs, Unit::Word);
}

#[test]
fn dates_come_back_from_batches() {
    assert_nothing_is_lost(&dates::pairs(Part::Training, 200, 0), Unit::Char);
}

#[test]
fn typography_that_normalization_changes_does_not_change_the_measures() {
    let raw: Vec<&str> = SENTENCES.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    let normalized: Vec<String> = raw.iter().map(|text| Normalization::default().apply(text)).collect();
    assert_ne!(raw, normalized);
    let pairs = || normalized.iter().map(String::as_str).zip(raw.iter().copied());
    let scores = [pairs().collect::<Bleu>().score(), pairs().collect::<ChrF>().score()];
    assert!(scores.iter().all(|score| (score - 100.0).abs() < 1e-9), "{scores:?}");
}

#[test]
fn an_unknown_word_costs_one_word() {
    let vocabulary = vocabulary(["the cat sat on the mat".to_owned()].into_iter(), Unit::Word);
    let text = vocabulary.decode(&vocabulary.encode("the zebra sat on the mat").unwrap());
    let bleu = |text: &str| [(text, "the zebra sat on the mat")].into_iter().collect::<Bleu>().score();
    assert_eq!(bleu(&text), bleu("the horse sat on the mat"));
}

#[test]
fn sources_held_out_are_not_trained_on() {
    let pairs = read_pairs(SENTENCES.as_bytes(), "f", Columns::default(), Normalization::default()).unwrap();
    let (train, validation) = split_pairs(pairs.clone(), 0.4).unwrap();
    assert_eq!(train.len() + validation.len(), pairs.len());
    assert!(validation.iter().all(|held_out| train.iter().all(|pair| pair.source != held_out.source)));
}
