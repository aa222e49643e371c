//! From a file of pairs to batches and back to text: what a model that learnt everything would write is the reference.

use crate::data::Tokenizers;
use crate::dates::{self, Part};
use crate::measures::{Bleu, ChrF, Statistics, exact_match};
use crate::text::{SentenceTokenizer, Unit, WordOptions};
use crate::trainer::{Batch, ExampleBatches, IGNORE_INDEX, SortedExamples};
use crate::{Columns, Normalization, TextPair, read_pairs, split_pairs};

const SENTENCES: &str = "\
I am cold.\tJ'ai froid.\n\
I am cold.\tJe suis froid.\n\
Where is the water?\tOù est l'eau\u{202f}?\n\
He says that it rains today.\tIl dit qu'il pleut aujourd'hui.\n\
\"Yes\", he said.\t«\u{a0}Oui\u{a0}», dit-il.\n\
It costs 1,234.5 francs.\tCela coûte 1 234,5 francs.\n";

fn vocabulary(texts: impl Iterator<Item = String>, unit: Unit) -> SentenceTokenizer {
    let texts: Vec<String> = texts.collect();
    SentenceTokenizer::from_texts(texts.iter().map(String::as_str), unit, WordOptions::default()).unwrap()
}

/// The pairs of batches as text, in alphabetical order.
fn written(batches: impl Iterator<Item = Batch>, tokenizers: &Tokenizers) -> Vec<TextPair> {
    let [source, target] = tokenizers.pair().unwrap();
    let mut pairs = Vec::new();
    for batch in batches {
        let ([_, t], (sources, _)) = (batch.targets.dims(), batch.source.unwrap());
        let [_, s] = sources.dims();
        for (x, y) in sources.as_slice().chunks(s).zip(batch.targets.as_slice().chunks(t)) {
            let learnt: Vec<u32> = y.iter().copied().filter(|&id| id != IGNORE_INDEX).collect();
            pairs.push(TextPair { source: source.decode(x), target: target.decode(&learnt) });
        }
    }
    sorted(pairs)
}

fn sorted(mut pairs: Vec<TextPair>) -> Vec<TextPair> {
    pairs.sort_by(|a, b| (&a.source, &a.target).cmp(&(&b.source, &b.target)));
    pairs
}

/// Reads, encodes, batches for training and for validation, decodes: nothing may be lost on the way.
fn assert_nothing_is_lost(pairs: &[TextPair], unit: Unit) {
    let sources = vocabulary(pairs.iter().map(|pair| pair.source.clone()), unit);
    let targets = vocabulary(pairs.iter().map(|pair| pair.target.clone()), unit);
    let tokenizers = Tokenizers::from([sources, targets]);
    let examples: Vec<_> = pairs.iter().map(|pair| tokenizers.example(pair).unwrap()).collect();

    let validation = SortedExamples::new(examples.clone(), 3).unwrap();
    let mut shuffled = ExampleBatches::new(examples, 3, 0).unwrap();
    let epoch: Vec<Batch> = (0..shuffled.batches_per_pass()).map(|_| shuffled.next_batch()).collect();
    let pairs = sorted(pairs.to_vec());
    for found in [written(validation.batches(usize::MAX), &tokenizers), written(epoch.into_iter(), &tokenizers)] {
        assert_eq!(found, pairs, "every pair once");
        let both = || found.iter().zip(&pairs).map(|(found, pair)| (found.target.as_str(), pair.target.as_str()));
        assert_eq!(exact_match(both()), 1.0);
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
