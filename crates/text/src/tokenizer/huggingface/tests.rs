//! Tokenizers that only Hugging Face's crate knows, beside that crate: the same ids and the same text, at once and as a
//! stream.
//!
//! The files are made here, by the crate itself.

use crate::tokenizer::PieceEncoder;
use crate::{BpeTokenizer, Tokenizer, TokenizerError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::str::FromStr;
use tokenizer_files::{TEXT, changed, unigram_pieces, word_pieces};

#[path = "../../../../../tests/fixtures/tokenizer_files.rs"]
mod tokenizer_files;

fn opened(file: &str) -> Tokenizer {
    Tokenizer::from_json(file).unwrap()
}

fn theirs(file: &str) -> tokenizers::Tokenizer {
    tokenizers::Tokenizer::from_str(file).unwrap()
}

/// Every decoder that there is, in the arrangements that are in use and in some that are not.
fn decoders() -> Vec<(&'static str, Value)> {
    let replace = |what: &str, by: &str| json!({ "type": "Replace", "pattern": { "String": what }, "content": by });
    let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
    let [fuse, bytes, level] =
        [json!({ "type": "Fuse" }), json!({ "type": "ByteFallback" }), json!({ "type": "ByteLevel" })];
    let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    let pieces = json!({ "type": "WordPiece", "prefix": "##", "cleanup": true });
    let ctc = json!({ "type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": true });
    let all = |decoders: &[&Value]| json!({ "type": "Sequence", "decoders": decoders });
    let level = {
        let mut level = level;
        level["add_prefix_space"] = false.into();
        level["trim_offsets"] = true.into();
        level
    };
    vec![
        ("none", Value::Null),
        ("word pieces", pieces.clone()),
        ("metaspace", metaspace.clone()),
        ("end of word", json!({ "type": "BPEDecoder", "suffix": "at" })),
        ("end of word within words", json!({ "type": "BPEDecoder", "suffix": "a" })),
        ("end of word without one", json!({ "type": "BPEDecoder", "suffix": "" })),
        ("ctc", ctc.clone()),
        ("ctc and word pieces", all(&[&ctc, &pieces])),
        ("bytes of an alphabet", level.clone()),
        ("the same, stripped", all(&[&metaspace, &level, &strip])),
        ("bytes", bytes.clone()),
        ("bytes behind others", all(&[&replace("▁", "_"), &bytes, &pieces, &strip, &fuse, &strip])),
        ("bytes that are made", all(&[&replace("<0x>", "<0x41>"), &bytes])),
        ("bytes that are unmade", all(&[&replace("<0xE", "<0x"), &bytes, &fuse])),
        ("bytes of what is left", all(&[&replace("▁", ""), &bytes, &fuse])),
        ("expressions", json!({ "type": "Replace", "pattern": { "Regex": "[a-h]+" }, "content": "x" })),
        ("replaced in the whole", all(&[&fuse, &replace("at", "AT")])),
        ("an alphabet of the whole", all(&[&fuse, &level])),
        ("stripped twice", all(&[&fuse, &strip, &strip])),
    ]
}

/// What is shown token by token, and at the end.
fn shown(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let mut stream = tokenizer.stream();
    let mut shown: Vec<String> = ids.iter().map(|&id| stream.push(id)).collect();
    shown.push(stream.finish());
    shown
}

fn any_text() -> impl Strategy<Value = String> {
    let part =
        prop_oneof![".*", "[ \n\r\t]{1,4}", "[a-z',.]{1,8}", "(The|cat|sat|猫|é|😀|\\[SEP\\]){1,3}", "\\PC{0,3}"];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn ids_and_texts_are_the_crates(text in any_text()) {
        thread_local!(static ALL: Vec<(String, Tokenizer, tokenizers::Tokenizer)> =
            [word_pieces(), unigram_pieces(false), unigram_pieces(true)]
                .map(|file| (file.clone(), opened(&file), theirs(&file))).into());
        ALL.with(|all| {
            for (_, ours, theirs) in all {
                let expected = theirs.encode(text.as_str(), false).unwrap();
                let ids = ours.encode(&text).unwrap();
                prop_assert_eq!(&ids, expected.get_ids());
                prop_assert!(ids.iter().all(|&id| (id as usize) < ours.vocabulary()));
                let decoded = ours.decode(&ids);
                if ids.is_empty() {
                    prop_assert_eq!(&decoded, "");
                } else {
                    prop_assert_eq!(&decoded, &theirs.decode(&ids, false).unwrap());
                }
                prop_assert_eq!(shown(ours, &ids).concat(), decoded);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_stream_shows_what_decoding_says_of_any_ids(
        ids in proptest::collection::vec(
            prop_oneof![0..21_u32, 0..285_u32, 215..220_u32, Just(0xc3 + 21), Just(0xa9 + 21)],
            0..30,
        ),
    ) {
        thread_local!(static ALL: Vec<(&'static str, Tokenizer)> = decoders().into_iter().map(|(name, decoder)| {
            (name, opened(&changed(&unigram_pieces(true), |file| file["decoder"] = decoder)))
        }).collect());
        ALL.with(|all| {
            for (name, tokenizer) in all {
                prop_assert_eq!(shown(tokenizer, &ids).concat(), tokenizer.decode(&ids), "{}", name);
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_text_is_shown_while_it_grows() {
    let tokenizer = opened(&word_pieces());
    let ids = tokenizer.encode("The cats sat there, [SEP] 12").unwrap();
    let shown_early = shown(&tokenizer, &ids);
    assert_eq!(shown_early.last().unwrap(), "");
    assert!(shown_early[..ids.len()].iter().all(|part| !part.is_empty()), "{shown_early:?}");
    assert_eq!(shown_early.concat(), "the cats sat there, [SEP] 12");

    // Bytes are shown when they have ended, also where they are no text.
    let tokenizer = opened(&unigram_pieces(true));
    let [a, cat, byte] = [8, 4, 21];
    assert_eq!(shown(&tokenizer, &[a, byte + 0xc3, byte + 0xa9, cat]), ["a", "", "", "é cat", ""]);
    assert_eq!(shown(&tokenizer, &[a, byte + 0xc3, cat, 5000, a]), ["a", "", "\u{fffd} cat", "\u{fffd}", "a", ""]);
    assert_eq!(shown(&tokenizer, &[cat, byte + 0xc3, byte + 0xa9]), ["cat", "", "", "é"]);
    // Nobody knows what an expression will find in the whole.
    let whole = changed(&word_pieces(), |file| {
        let replace = json!({ "type": "Replace", "pattern": { "Regex": "c.*t" }, "content": "dog" });
        file["decoder"] = json!({ "type": "Sequence", "decoders": [{ "type": "Fuse" }, replace] });
    });
    let tokenizer = opened(&whole);
    let shown_late = shown(&tokenizer, &ids);
    assert!(
        shown_late[..ids.len()].iter().all(String::is_empty) && shown_late[ids.len()].contains("dog"),
        "{shown_late:?}"
    );
}

#[test]
fn a_prompt_that_is_known_is_not_shown_again() {
    for (name, decoder) in decoders() {
        let tokenizer = opened(&changed(&unigram_pieces(true), |file| file["decoder"] = decoder));
        // It ends in bytes, which are shown late.
        let prompt = [4, 8, 21 + 0xc3, 21 + 0xa9];
        let mut stream = tokenizer.stream();
        prompt.iter().for_each(|&id| drop(stream.push(id)));
        stream.skip();
        let mut rest: String = [4, 8].iter().map(|&id| stream.push(id)).collect();
        rest += &stream.finish();
        let (said, whole) = (tokenizer.decode(&prompt), tokenizer.decode(&[&prompt[..], &[4, 8]].concat()));
        assert!(!whole.starts_with(&said) || whole == said + &rest, "{name}: {rest:?} of {whole:?}");
    }
}

#[test]
fn what_is_known_here_stays_ours() {
    let ours: Tokenizer = BpeTokenizer::from_text(&TEXT.repeat(2), 280).unwrap().into();
    assert!(matches!(opened(&ours.to_json()), Tokenizer::Bpe(_)));
    let file = word_pieces();
    let tokenizer = opened(&file);
    assert!(matches!(tokenizer, Tokenizer::HuggingFace(_)) && tokenizer.is_hugging_face());
    assert_eq!((tokenizer.kind(), tokenizer.vocabulary()), ("word pieces", theirs(&file).get_vocab_size(true)));
    assert_eq!(opened(&unigram_pieces(false)).kind(), "unigram pieces");
    assert_eq!(tokenizer.beginning(), [1], "[CLS]");
    // To the last byte, however it is laid out; and as a value, too.
    assert_eq!(tokenizer.to_json(), file);
    let laid_out_otherwise = opened(&changed(&file, |_| ()));
    assert!(laid_out_otherwise == tokenizer && laid_out_otherwise.to_json() != file);
    let value: Tokenizer = serde_json::from_str(&serde_json::to_string(&tokenizer).unwrap()).unwrap();
    assert_eq!(value, tokenizer);
    assert_ne!(value, opened(&changed(&file, |file| file["decoder"] = Value::Null)));
    // Nothing is known of where its words end.
    assert_eq!(PieceEncoder::new(&tokenizer).unwrap_err(), TokenizerError::Whole);
}

#[test]
fn the_same_text_is_the_same_ids() {
    let file = word_pieces();
    let limited = changed(&file, |file| {
        file["truncation"] = json!({ "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0 });
    });
    assert_eq!(theirs(&limited).encode("the cat sat there", false).unwrap().len(), 2);
    let says = opened(&limited).encode("the cat sat there").unwrap_err().to_string();
    assert!(says.starts_with("the text has 4 tokens, and this tokenizer truncates texts to 2: set"), "{says}");
    assert_eq!(opened(&limited).encode("the cat").unwrap(), opened(&file).encode("the cat").unwrap());
    let padded = changed(&file, |file| {
        file["padding"] = json!({ "strategy": { "Fixed": 50 }, "direction": "Right", "pad_to_multiple_of": null,
                                  "pad_id": 0, "pad_type_id": 0, "pad_token": "[UNK]" });
    });
    assert!(Tokenizer::from_json(&padded).unwrap_err().to_string().contains("padding to a fixed length"));
    let learnt: Tokenizer = BpeTokenizer::from_text(&TEXT.repeat(2), 290).unwrap().into();
    let dropped = changed(&learnt.to_json(), |file| file["model"]["dropout"] = 0.5.into());
    let dropping = opened(&dropped);
    assert!(matches!(dropping, Tokenizer::HuggingFace(_)) && dropping.kind() == "byte pairs");
    for _ in 0..20 {
        assert_eq!(dropping.encode(TEXT).unwrap(), learnt.encode(TEXT).unwrap());
    }
}

#[test]
fn what_cannot_be_opened_says_so_in_one_line() {
    let file = unigram_pieces(false);
    let says = |change: fn(&mut Value), expected: &str| {
        let line = Tokenizer::from_json(&changed(&file, change)).unwrap_err().to_string();
        assert!(line.lines().count() == 1 && line.contains(expected), "{line:?} does not say {expected:?}");
    };
    says(
        |file| file["model"]["type"] = "Other".into(),
        "its model is Other, and only BPE is known here, and the crate",
    );
    says(|file| file["model"]["vocab"] = json!([]), "");
    says(|file| file["model"]["unk_id"] = 99.into(), "UnkIdNotInVocabulary");
    says(|file| file["version"] = "7".into(), "Unknown tokenizer version");
    says(
        |file| file["decoder"] = json!({ "type": "Strip", "content": " ", "start": 0, "stop": 1 }),
        "a decoder that strips the end of a text",
    );
    says(
        |file| file["normalizer"] = json!({ "type": "Replace", "pattern": { "Regex": "(a" }, "content": "" }),
        "the crate tokenizers says",
    );
    let far = changed(&word_pieces(), |file| file["model"]["vocab"]["the"] = 4000.into());
    assert!(Tokenizer::from_json(&far).unwrap_err().to_string().contains("ids up to 4000"));
    // A damaged file of byte pairs is damaged, whoever opens it.
    let damaged = Tokenizer::from(BpeTokenizer::from_text(&TEXT.repeat(2), 280).unwrap()).to_json();
    let damaged = changed(&damaged, |file| file["model"]["merges"] = json!(["ab"]));
    assert!(Tokenizer::from_json(&damaged).unwrap_err().to_string().starts_with("not a tokenizer: "));

    let without_unknown = changed(&file, |file| file["model"]["unk_id"] = Value::Null);
    let line = opened(&without_unknown).encode("the 🐘").unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1);
    assert!(line.starts_with("the tokenizer cannot encode this text: ") && line.contains("unknown"), "{line}");
}
