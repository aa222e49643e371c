//! Whatever the pieces, the tokens are those of the whole text.

use super::*;
use crate::tokenizer::BpeTokenizer;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What texts are made of here: everything at which a cut could go wrong.
const FRAGMENTS: [&str; 28] = [
    "a",
    "the",
    " cat",
    "don",
    "'",
    "’",
    "t",
    "'ll",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "12",
    "3456",
    ".",
    "...",
    "猫",
    "кот",
    "é",
    "e\u{301}",
    "😀",
    "<|endoftext|>",
    "<|end",
    "of",
    "text|>",
    "|",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 1..60).prop_map(|parts| parts.concat())
}

/// The text in pieces that end where `cuts` say, at the nearest character.
fn pieces<'t>(text: &'t str, cuts: &[prop::sample::Index]) -> Vec<&'t str> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut begin = 0;
    let mut pieces = Vec::new();
    for end in ends {
        let end = (begin.max(end)..).find(|&end| text.is_char_boundary(end)).unwrap();
        pieces.push(&text[begin..end]);
        begin = end;
    }
    pieces
}

fn encoded(tokenizer: &Tokenizer, pieces: &[&str]) -> Vec<u32> {
    let mut encoder = PieceEncoder::new(tokenizer).unwrap();
    let mut ids = Vec::new();
    pieces.iter().for_each(|piece| encoder.push(piece, &mut ids).unwrap());
    encoder.finish(&mut ids).unwrap();
    ids
}

/// A text with every fragment in it, beside many others.
fn example() -> String {
    let beside =
        |i: usize| (0..FRAGMENTS.len()).map(move |j| [FRAGMENTS[i], FRAGMENTS[(i + j) % FRAGMENTS.len()]].concat());
    (0..FRAGMENTS.len()).flat_map(beside).collect()
}

fn byte_pairs(change: impl FnOnce(&mut Value)) -> Tokenizer {
    let learnt = BpeTokenizer::from_text(&example(), 256 + 40).unwrap();
    let mut file: Value = serde_json::from_str(&learnt.to_json()).unwrap();
    change(&mut file);
    Tokenizer::from_json(&file.to_string()).unwrap()
}

fn added(id: u32, content: &str) -> Value {
    json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true })
}

/// Tokenizers of every kind, and byte pairs that cut words in every way.
fn tokenizers() -> Vec<(&'static str, Tokenizer)> {
    let spelled = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false });
    let split = |regex: &str, behavior: &str, invert: bool| {
        let first = json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": behavior, "invert": invert });
        let sequence = json!({ "type": "Sequence", "pretokenizers": [first, spelled] });
        byte_pairs(|file| file["pre_tokenizer"] = sequence)
    };
    let splits = |regexes: &[&str]| {
        let split = |regex: &&str| json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated" });
        let steps: Vec<Value> = regexes.iter().map(split).chain([spelled.clone()]).collect();
        byte_pairs(|file| file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": steps }))
    };
    let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    let before = r"[^\r\n\p{L}\p{N}]?";
    let (upper, lower) = (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]");
    let after = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let gpt_4o = format!(
        r"{before}{upper}*{lower}+{contractions}?|{before}{upper}+{lower}*{contractions}?|\p{{N}}{{1,3}}|{after}"
    );
    // GPT-4's and Llama 3's.
    let gpt4 = concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );
    vec![
        ("characters", Tokenizer::char_from(&example()).unwrap()),
        ("words", Tokenizer::word_from(&example(), WordOptions::default()).unwrap()),
        ("gpt-2", byte_pairs(|_| ())),
        ("gpt-4", split(gpt4, "Isolated", false)),
        ("gpt-4o", splits(&[&gpt_4o])),
        ("qwen 2", splits(&[&gpt4.replace(r"{1,3}", "")])),
        (
            "deepseek v3",
            splits(&[
                r"\p{N}{1,3}",
                "[一-龥぀-ゟ゠-ヿ]+",
                concat!(
                    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
                    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
                ),
            ]),
        ),
        ("deepseek coder", splits(&[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\u{d7ff}]+", r"\p{N}"])),
        ("removed", split(r"\S+", "Removed", true)),
        ("next", split(r"\s", "MergedWithNext", false)),
        ("previous", split(r"\s", "MergedWithPrevious", false)),
        (
            "added",
            byte_pairs(|file| {
                file["added_tokens"] = json!([added(296, "<|endoftext|>"), added(297, "<|end"), added(298, "don't")]);
            }),
        ),
        (
            "digits",
            byte_pairs(|file| {
                let digits = json!({ "type": "Digits", "individual_digits": false });
                file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": [digits, file["pre_tokenizer"]] });
            }),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_tokens_of_the_pieces_are_those_of_the_text(
        text in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)
    ) {
        thread_local!(static ALL: Vec<(&'static str, Tokenizer)> = tokenizers());
        let pieces = pieces(&text, &cuts);
        ALL.with(|all| {
            for (name, tokenizer) in all {
                let expected = tokenizer.encode(&text).unwrap();
                prop_assert_eq!(encoded(tokenizer, &pieces), expected, "{}: {:?}", name, &pieces);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_vocabulary_of_the_pieces_is_that_of_the_text(
        text in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12), minimum_count in 1_usize..3
    ) {
        let options = WordOptions { minimum_count, maximum_size: None };
        let learners = [
            (PieceLearner::chars(), Tokenizer::char_from(&text)),
            (PieceLearner::words(options), Tokenizer::word_from(&text, options)),
            (PieceLearner::bpe(258, None).unwrap(), Tokenizer::bpe_from(&text, 258)),
            (
                PieceLearner::bpe(260, Some("<|endoftext|>")).unwrap(),
                BpeTokenizer::from_documents(&text, "<|endoftext|>", 260).map(Tokenizer::from),
            ),
        ];
        for (mut learner, expected) in learners {
            pieces(&text, &cuts).into_iter().for_each(|piece| learner.push(piece).unwrap());
            prop_assert_eq!(learner.finish(), expected);
        }
    }
}

#[test]
fn most_of_a_piece_is_settled() {
    // Otherwise memory would grow with the text.
    let text = "the cat don't catch the 12 tea. ".repeat(2000);
    // DeepSeek Coder's first cut is at line breaks, of which this text has none.
    for (name, tokenizer) in tokenizers().into_iter().filter(|&(name, _)| name != "deepseek coder") {
        let mut encoder = PieceEncoder::new(&tokenizer).unwrap();
        let mut ids = Vec::new();
        encoder.push(&text, &mut ids).unwrap();
        let whole = tokenizer.encode(&text).unwrap();
        assert!(whole.len() - ids.len() < 16, "{name}: {} of {}", ids.len(), whole.len());
    }
}

#[test]
fn tokenizers_that_read_a_text_as_a_whole_say_so() {
    for change in [
        json!({ "normalizer": { "type": "NFC" } }),
        json!({ "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                                   "use_regex": true } }),
        json!({ "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                                   "use_regex": false } }),
        json!({ "added_tokens": [{ "id": 296, "content": "<mask>", "single_word": false, "lstrip": true,
                                   "rstrip": false, "normalized": false, "special": true }] }),
    ] {
        let tokenizer = byte_pairs(|file| {
            for (key, value) in change.as_object().unwrap() {
                file[key] = value.clone();
            }
        });
        assert_eq!(PieceEncoder::new(&tokenizer).unwrap_err(), TokenizerError::Whole, "{change}");
    }
}

#[test]
fn an_unknown_character_is_named_with_its_place_in_the_whole_text() {
    let tokenizer = Tokenizer::char_from("abc").unwrap();
    let mut encoder = PieceEncoder::new(&tokenizer).unwrap();
    encoder.push("abcabc", &mut Vec::new()).unwrap();
    let error = encoder.push("cbz", &mut Vec::new()).unwrap_err();
    assert_eq!(error, tokenizer.encode("abcabccbz").unwrap_err());
}
