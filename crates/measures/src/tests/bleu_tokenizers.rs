//! BLEU in the words of several tokenizers, beside sacrebleu's.
//!
//! What `tests/fixtures/bleu_tokenizers.json` holds was computed by sacrebleu; the script there says how.

use super::assert_close;
use crate::bleu::words;
use crate::{Bleu, BleuTokenizer, Statistics, mostly_uncounted, rouge};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

const ALL: [BleuTokenizer; 3] = [BleuTokenizer::Mteval13a, BleuTokenizer::Zh, BleuTokenizer::Char];

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<(String, String)>,
    tokenizers: BTreeMap<String, InWords>,
}

#[derive(Deserialize)]
struct InWords {
    signature: String,
    sentence_signature: String,
    words: Vec<String>,
    sentences: Vec<f64>,
    corpus: f64,
}

fn bleu(pairs: &[(String, String)], tokenizer: BleuTokenizer) -> f64 {
    let counts = pairs.iter().map(|(hypothesis, reference)| Bleu::of_words(hypothesis, reference, tokenizer));
    crate::bootstrap::total(counts).score()
}

#[test]
fn words_and_scores_are_those_of_sacrebleu() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/bleu_tokenizers.json");
    let Fixture { pairs, tokenizers } = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(pairs.len() > 200 && tokenizers.len() == ALL.len());
    for tokenizer in ALL {
        let InWords { signature, sentence_signature, words: expected, sentences, corpus } =
            &tokenizers[tokenizer.name()];
        let ours = (Bleu::signature(tokenizer), Bleu::sentence_signature(tokenizer));
        assert_eq!((&ours.0, &ours.1), (signature, sentence_signature));
        assert_eq!(serde_json::to_value(tokenizer).unwrap(), tokenizer.name());
        for (((hypothesis, reference), expected), &score) in pairs.iter().zip(expected).zip(sentences) {
            let what = format!("{} of {hypothesis:?} beside {reference:?}", tokenizer.name());
            assert_eq!(words(&tokenizer.tokenize(hypothesis)).join(" "), *expected, "{what}");
            assert_close(&what, Bleu::of_words(hypothesis, reference, tokenizer).sentence_score(), score);
        }
        assert_close(tokenizer.name(), bleu(&pairs, tokenizer), *corpus);
    }
}

/// A sentence, and how many of the tokenizers (13a, zh, char) and whether ROUGE count most of its letters.
const SENTENCES: [(&str, [bool; 3], bool); 10] = [
    ("The cat sat on the mat.", [true, true, true], true),
    ("L'élève a été là, très tôt.", [true, true, true], true),
    ("Я не студент, я учитель.", [true, true, true], false),
    ("मैं एक छात्र हूँ और तुम भी।", [true, true, true], false),
    ("나는 학생 이고 너는 선생 이다.", [true, true, true], false),
    ("أنا لست طالبا بل معلم هنا.", [true, true, true], false),
    ("我们都是北京大学的学生。", [false, true, true], false),
    ("ねこがまどのそばでねている。", [false, false, true], false),
    ("ฉันเป็นนักเรียนที่ดี", [false, false, true], false),
    ("1984-03-05, 12:30 (!)", [true, true, true], true),
];

#[test]
fn a_perfect_output_scores_100_where_the_letters_count() {
    for (text, counted, by_rouge) in SENTENCES {
        for (tokenizer, counted) in ALL.into_iter().zip(counted) {
            let uncounted = mostly_uncounted([text], |letter| tokenizer.counts(letter));
            assert_eq!(uncounted == 0, counted, "{}: {text}", tokenizer.name());
            let score = bleu(&[(text.to_owned(), text.to_owned())], tokenizer);
            assert_eq!(score > 99.999, counted, "{}: {text}: {score}", tokenizer.name());
        }
        assert_eq!(mostly_uncounted([text], rouge::counts) == 0, by_rouge, "ROUGE: {text}");
        let rouge = rouge::Rouge::new(text, text, rouge::Stemming::No);
        assert_eq!(rouge.longest.f > 0.999, by_rouge, "ROUGE: {text}");
    }
}

proptest! {
    #[test]
    fn characters_are_words_in_every_script(text in "\\PC{0,30}") {
        let is_space = crate::ngrams::is_space;
        let characters: String = text.chars().filter(|&c| !is_space(c)).collect();
        let tokenized = BleuTokenizer::Char.tokenize(&text);
        prop_assert!(words(&tokenized).iter().all(|word| word.chars().count() == 1));
        prop_assert_eq!(words(&tokenized).concat(), characters.clone());
        let score = bleu(&[(text.clone(), text)], BleuTokenizer::Char);
        prop_assert_eq!(score > 99.999, characters.chars().count() >= 4, "{}", score);
    }

    #[test]
    fn a_tokenizer_loses_no_character(text in "\\PC{0,30}") {
        // 13a replaces what comes out of SGML files.
        let characters = |text: &str| text.chars().filter(|&c| !crate::ngrams::is_space(c)).collect::<String>();
        let of_sgml = text.contains(['&', '<']);
        for tokenizer in ALL.into_iter().filter(|&tokenizer| !of_sgml || tokenizer != BleuTokenizer::Mteval13a) {
            prop_assert_eq!(characters(&tokenizer.tokenize(&text)), characters(&text), "{}", tokenizer.name());
        }
    }
}
