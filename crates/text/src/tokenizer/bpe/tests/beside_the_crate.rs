//! Our reader of `tokenizer.json` against Hugging Face's crate: random files over all steps and flags, random texts.
//!
//! The law: a file that ours opens gives the crate's ids and texts, for every text and every row of ids. Ours may
//! refuse a file or a text, by name; it may not give something else.

use crate::{BpeTokenizer, Tokenizer, TokenizerError};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// Fragments of texts, many of which are tokens, are changed by a normalizer, or are cut by a pre-tokenizer.
pub(super) const FRAGMENTS: [&str; 44] = [
    "a", "b", "ab", "abb", "c", "A", "é", "e\u{301}", "É", "ſ", "ß", "ǆ", "x", "y", "_", "-", "1", "23", "½", "①", " ",
    "  ", "\n", "\t", "\u{a0}", "▁", "▁▁", "<s>", "</s>", "<m>", "<0x41>", "Ġ", "猫", "🐘", "नि", "'s", "'LL", ".",
    "!", "\u{85}", "\u{200d}", "\u{301}", "Ⓐ", "\r\n",
];

fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = prop_oneof![
        6 => prop::collection::vec(select(&FRAGMENTS[..]), 0..12).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
    ];
    prop::collection::vec(text, 1..12)
}

/// One of several steps, or a sequence of up to three of them, or none.
fn steps(name: &'static str, list: &'static str, step: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![
        1 => Just(Value::Null),
        2 => step.clone(),
        3 => prop::collection::vec(step, 0..4).prop_map(move |steps| json!({ "type": name, list: steps })),
    ]
    .boxed()
}

fn replace() -> impl Strategy<Value = Value> {
    let pattern = prop_oneof![
        4 => select(&[" ", "▁", "a", "ab", "  ", "Ġ"][..]).prop_map(|text| json!({ "String": text })),
        1 => select(&[" +", "[ab]"][..]).prop_map(|regex| json!({ "Regex": regex })),
    ];
    (pattern, select(&[" ", "▁", "", "x", "ba"][..]))
        .prop_map(|(pattern, content)| json!({ "type": "Replace", "pattern": pattern, "content": content }))
}

fn metaspace() -> impl Strategy<Value = Value> {
    let scheme = select(&["always", "first", "never"][..]);
    (scheme, any::<bool>()).prop_map(
        |(scheme, split)| json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split }),
    )
}

fn normalizer() -> BoxedStrategy<Value> {
    let step = prop_oneof![
        select(&["NFC", "NFD", "NFKC", "NFKD", "Lowercase"][..]).prop_map(|form| json!({ "type": form })),
        select(&["▁", " ", "x"][..]).prop_map(|text| json!({ "type": "Prepend", "prepend": text })),
        replace(),
    ];
    steps("Sequence", "normalizers", step.boxed())
}

fn byte_level() -> impl Strategy<Value = Value> {
    any::<(bool, bool)>().prop_map(|(space, regex)| {
        json!({ "type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true, "use_regex": regex })
    })
}

fn pre_tokenizer() -> BoxedStrategy<Value> {
    let [known, refused] = [
        [r"\p{L}+|\p{N}", r" ?\p{L}+|\s+(?!\S)|\s+", "a", r"(?i:'s|'ll)|[^ ]", r"[^\s\p{L}]+"].as_slice(),
        [r"^a", r"b$", r"\w+"].as_slice(),
    ];
    let regex = prop_oneof![5 => select(known), 3 => select(refused)];
    let pattern = prop_oneof![
        select(&[" ", "▁", "ab"][..]).prop_map(|text| json!({ "String": text })),
        regex.prop_map(|regex| json!({ "Regex": regex })),
    ];
    let behavior = select(&["Isolated", "Removed", "MergedWithNext", "MergedWithPrevious", "Contiguous"][..]);
    let step = prop_oneof![
        (pattern, behavior, any::<bool>()).prop_map(|(pattern, behavior, invert)| {
            json!({ "type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert })
        }),
        any::<bool>().prop_map(|one| json!({ "type": "Digits", "individual_digits": one })),
        metaspace(),
        byte_level(),
    ];
    steps("Sequence", "pretokenizers", step.boxed())
}

fn decoder() -> BoxedStrategy<Value> {
    let strip = (select(&[" ", "a"][..]), 0..3_u32, 0..2_u32).prop_map(
        |(content, start, stop)| json!({ "type": "Strip", "content": content, "start": start, "stop": stop }),
    );
    let step = prop_oneof![
        3 => replace(),
        2 => Just(json!({ "type": "ByteFallback" })),
        2 => Just(json!({ "type": "Fuse" })),
        2 => strip,
        1 => Just(json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 })),
        1 => metaspace(),
        1 => byte_level(),
    ];
    let llama = |strip: &Value| {
        json!({ "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" }, { "type": "Fuse" }, strip,
        ] })
    };
    let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
    prop_oneof![
        2 => steps("Sequence", "decoders", step.boxed()),
        1 => Just(llama(&strip)),
        2 => byte_level(),
    ]
    .boxed()
}

/// The vocabulary and the merges of a model; `[bytes, partial]` say whether it has all bytes as ByteLevel spells them,
/// and whether one of the bytes `<0x00>` to `<0xFF>` is missing.
pub(super) fn model([bytes, partial]: [bool; 2], merges: &[(usize, usize)], flags: [bool; 4]) -> Value {
    let mut tokens: Vec<String> = Vec::new();
    let characters = "abcABxyzéÉe12▁Ġ_ .!-<>/sm0猫";
    if bytes {
        tokens.extend(tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().map(String::from));
        tokens.sort();
    } else {
        tokens.push("<unk>".to_owned());
        tokens.extend(characters.chars().map(String::from));
        let missing = |byte: &u8| !(partial && *byte == 0xc3);
        tokens.extend((0..=255_u8).filter(missing).map(|byte| format!("<0x{byte:02X}>")));
    }
    tokens.extend((!bytes).then(|| "<s>".to_owned()));
    let mut lines = Vec::new();
    for (left, right) in merges {
        let [left, right] = [left, right].map(|number| {
            let of_characters: Vec<&String> = tokens.iter().filter(|token| !token.starts_with("<0x")).collect();
            of_characters[number % of_characters.len()].clone()
        });
        let merged = [left.as_str(), &right].concat();
        if !tokens.contains(&merged) {
            tokens.push(merged);
        }
        lines.push(json!([left, right]));
    }
    let [fallback, fuse, ignore, unknown] = flags;
    let vocab: Map<String, Value> = tokens.into_iter().zip(0..).map(|(token, id)| (token, json!(id))).collect();
    json!({
        "type": "BPE", "dropout": null, "unk_token": if unknown && !bytes { json!("<unk>") } else { Value::Null },
        "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": fuse, "byte_fallback": fallback,
        "ignore_merges": ignore, "vocab": vocab, "merges": lines,
    })
}

/// Added tokens, with the ids that the library gives them.
pub(super) fn added(tokens: &[(&str, [bool; 5])], model: &Value) -> Vec<Value> {
    let vocab = model["vocab"].as_object().unwrap();
    let mut others: Vec<&str> = Vec::new();
    let mut added: Vec<Value> = Vec::new();
    for (content, [single_word, lstrip, rstrip, normalized, special]) in tokens {
        if added.iter().any(|token| token["content"] == *content) {
            continue;
        }
        let id = vocab.get(*content).cloned().unwrap_or_else(|| {
            others.push(content);
            json!(vocab.len() + others.len() - 1)
        });
        added.push(json!({ "id": id, "content": content, "single_word": single_word, "lstrip": lstrip,
                           "rstrip": rstrip, "normalized": normalized, "special": special }));
    }
    added
}

fn files() -> impl Strategy<Value = String> {
    let contents = select(
        &["<s>", "</s>", "<m>", "a", "ab", "abb", "  ", " ", "é", "É", "▁", "▁▁", "x y", "Ġ", "ſ", "1", "\n\n"][..],
    );
    // Flags are rare, so that several seldom meet.
    let flag = || prop::bool::weighted(0.3);
    let token = (contents, [flag(), flag(), flag(), flag(), flag()]);
    let model_of = (any::<[bool; 2]>(), prop::collection::vec(any::<(usize, usize)>(), 0..40), any::<[bool; 4]>())
        .prop_map(|(kind, merges, flags)| model(kind, &merges, flags));
    let of_model = (model_of, prop::collection::vec(token, 0..5));
    (of_model, normalizer(), pre_tokenizer(), decoder(), byte_level(), prop::bool::weighted(0.05)).prop_map(
        |((model, tokens), normalizer, mut pre_tokenizer, mut decoder, level, truncates)| {
            // Most random files are refused because only one side is ByteLevel; so most are mended.
            let has = |steps: &Value| steps.to_string().contains("ByteLevel");
            let spelled = model["vocab"].as_object().unwrap().contains_key("<unk>");
            match (spelled, has(&pre_tokenizer), has(&decoder)) {
                (false, false, _) => {
                    pre_tokenizer = match pre_tokenizer {
                        Value::Null => level.clone(),
                        step => json!({ "type": "Sequence", "pretokenizers": [step, level] }),
                    }
                }
                (false, true, false) => decoder = level,
                _ => {}
            }
            let truncation = json!({ "direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0 });
            json!({
                "version": "1.0", "truncation": if truncates { truncation } else { Value::Null }, "padding": null,
                "added_tokens": added(&tokens, &model), "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
                "post_processor": null, "decoder": decoder, "model": model,
            })
            .to_string()
        },
    )
}

pub(super) fn check(file: &str, texts: &[String], rows: &[Vec<usize>]) -> Result<bool, TestCaseError> {
    let ours = match BpeTokenizer::from_json(file) {
        Ok(ours) => ours,
        Err(TokenizerError::Unsupported(_) | TokenizerError::Json(_)) => return Ok(false),
        Err(error) => return Err(TestCaseError::fail(format!("refused otherwise than by name: {error}"))),
    };
    let theirs: tokenizers::Tokenizer =
        file.parse().map_err(|error| TestCaseError::fail(format!("the crate refuses what ours opens: {error}")))?;
    // Ours opens it though the crate could as well: ids do not depend on the feature.
    let any = Tokenizer::from_json(file).unwrap();
    prop_assert!(matches!(any, Tokenizer::Bpe(_)));
    for text in texts {
        let ids = match ours.encode(text) {
            Ok(ids) => ids,
            Err(TokenizerError::Truncated { .. }) => continue,
            Err(error) => return Err(TestCaseError::fail(format!("{text:?}: {error}"))),
        };
        // The crate panics where tokens that take white space overlap.
        let expected = std::panic::catch_unwind(|| theirs.encode(text.as_str(), false).unwrap());
        let Ok(expected) = expected else { continue };
        prop_assert_eq!(&ids, expected.get_ids(), "{:?}: {:?}", text, expected.get_tokens());
        prop_assert_eq!(ours.decode(&ids), theirs.decode(&ids, false).unwrap(), "{:?}", text);
    }
    for row in rows {
        let known = |id: &u32| theirs.id_to_token(*id).is_some();
        let ids: Vec<u32> = row.iter().map(|id| (id % ours.vocabulary()) as u32).filter(known).collect();
        let decoded = ours.decode(&ids);
        prop_assert_eq!(&decoded, &theirs.decode(&ids, false).unwrap(), "{:?}", ids);
        let mut stream = any.stream();
        let mut shown: String = ids.iter().map(|&id| stream.push(id)).collect();
        shown += &stream.finish();
        prop_assert_eq!(shown, decoded);
    }
    Ok(true)
}

#[test]
fn a_file_that_is_opened_gives_the_ids_and_texts_of_the_crate() {
    let cases = std::env::var("TOKENIZER_FILES").ok().map_or(1500, |cases| cases.parse().unwrap());
    let opened = Cell::new(0);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rows = prop::collection::vec(prop::collection::vec(any::<usize>(), 0..8), 0..8);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&(files(), texts(), rows), |(file, texts, rows)| {
        let is_opened = check(&file, &texts, &rows)?;
        opened.set(opened.get() + u32::from(is_opened));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(opened.get() > cases / 5, "most files are refused: {} of {cases} are opened", opened.get());
}
