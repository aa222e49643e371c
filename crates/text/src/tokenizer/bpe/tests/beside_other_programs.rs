//! Byte-pair encoding beside the programs it comes from, and the laws that hold for any texts.
//!
//! The ids in `tests/fixtures/tokens_*.json` were computed by tiktoken and by Hugging Face's tokenizers; the script
//! there says how. GPT-2's own vocabulary is no part of this repository: what needs it is skipped unless `RUNGS_DATA`
//! names a folder that has it in `tokenizers/gpt2`.

use crate::tokenizer::sentence::{END, PADDING, START, UNKNOWN, pair_from_json, pair_to_json};
use crate::{BpeTokenizer, SentenceTokenizer, Tokenizer};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Words in several scripts.
const WORDS: &str =
    "the cat sat on the mat; the café l'été, the cat's hat\n\nкот на коте, кот у кота\n猫猫 猫 12 12 the 😀😀\n";

/// Every word of it occurs twice at least, so that all of them become tokens in time.
fn text() -> String {
    WORDS.repeat(2)
}

fn tokenizer() -> BpeTokenizer {
    BpeTokenizer::from_text(&text(), 256 + 30).unwrap()
}

/// GPT-2's tokenizer, if it is there.
static GPT2: LazyLock<Option<Tokenizer>> = LazyLock::new(|| {
    let folder = PathBuf::from(std::env::var_os("RUNGS_DATA")?).join("tokenizers/gpt2");
    let read = |name| std::fs::read_to_string(folder.join(name)).unwrap();
    Some(BpeTokenizer::from_gpt2(&read("encoder.json"), &read("vocab.bpe")).unwrap().into())
});

#[allow(clippy::print_stderr)] // a test that is skipped says so
fn gpt2() -> Option<&'static Tokenizer> {
    if GPT2.is_none() {
        eprintln!("skipped: RUNGS_DATA does not name a folder with tokenizers/gpt2");
    }
    GPT2.as_ref()
}

#[test]
fn ids_are_gpt_2s() {
    #[derive(Deserialize)]
    struct Fixture {
        texts: Vec<Encoded>,
    }
    #[derive(Deserialize)]
    struct Encoded {
        text: String,
        ids: Vec<u32>,
    }
    let Some(tokenizer) = gpt2() else { return };
    assert_eq!(tokenizer.vocabulary(), 50_257);
    let Fixture { texts } = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/tokens_gpt2.json"
    )))
    .unwrap();
    assert!(texts.len() > 350, "every script has one");
    for Encoded { text, ids } in texts {
        assert_eq!(tokenizer.encode(&text).unwrap(), ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids), text);
    }
    assert_eq!(tokenizer.encode("a<|endoftext|>b").unwrap(), [64, 50_256, 65]);
    let same = Tokenizer::from_json(&tokenizer.to_json()).unwrap();
    assert!(same == *tokenizer && same.encode("Hello world").unwrap() == [15_496, 995]);
}

#[test]
fn what_is_learnt_is_what_others_learn() {
    #[derive(Deserialize)]
    struct Fixture {
        text: String,
        tokens: Vec<String>,
        merges: Vec<String>,
    }
    let fixture: Fixture = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/tokens_learnt.json"
    )))
    .unwrap();
    let tokenizer = BpeTokenizer::from_text(&fixture.text, 256 + fixture.tokens.len()).unwrap();
    let file: Value = serde_json::from_str(&tokenizer.to_json()).unwrap();
    assert_eq!(file["model"]["merges"], Value::from(fixture.merges));
    for (id, token) in (256..).zip(fixture.tokens) {
        assert_eq!(file["model"]["vocab"][&token], id, "{token:?}");
    }
}

#[test]
fn files_of_hugging_face_do_here_what_they_do_there() {
    #[derive(Deserialize)]
    struct Fixture {
        texts: Vec<String>,
        tokenizers: Vec<Described>,
    }
    #[derive(Deserialize)]
    struct Described {
        name: String,
        file: Value,
        ids: Vec<Vec<u32>>,
        decoded: Vec<String>,
    }
    let Fixture { texts, tokenizers } = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/tokens_huggingface.json"
    )))
    .unwrap();
    assert_eq!(tokenizers.len(), 7);
    for Described { name, file, ids, decoded } in tokenizers {
        let tokenizer = Tokenizer::from_json(&file.to_string()).unwrap();
        for ((text, ids), decoded) in texts.iter().zip(ids).zip(decoded) {
            assert_eq!(tokenizer.encode(text).unwrap(), ids, "{name}: {text:?}");
            assert_eq!(tokenizer.decode(&ids), decoded, "{name}: {text:?}");
        }
        assert_eq!(Tokenizer::from_json(&tokenizer.to_json()).as_ref(), Ok(&tokenizer), "{name}");
    }
}

/// What is shown token by token, and at the end.
fn shown(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
    let mut stream = tokenizer.stream();
    let mut shown: Vec<String> = ids.iter().map(|&id| stream.push(id)).collect();
    shown.push(stream.finish());
    shown
}

/// Texts of what a tokenizer cuts at, and of anything at all.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![".*", "[ \n\r\t]{1,4}", "[a-z']{1,8}", "(the|cat|кот|猫|😀|<unk>|<s>){1,3}", "\\PC{0,3}"];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(text in any_text()) {
        for tokenizer in [Tokenizer::from(tokenizer())].iter().chain(GPT2.as_ref()) {
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary()));
            prop_assert_eq!(&tokenizer.decode(&ids), &text);
            let shown = shown(tokenizer, &ids);
            prop_assert_eq!(&shown.concat(), &text);
            prop_assert!(!shown.concat().contains('\u{fffd}') || text.contains('\u{fffd}'), "no half characters");
        }
    }

    #[test]
    fn a_stream_shows_what_decoding_says_of_any_ids(ids in proptest::collection::vec(0..300_u32, 0..40)) {
        let tokenizer = Tokenizer::from(tokenizer());
        prop_assert_eq!(shown(&tokenizer, &ids).concat(), tokenizer.decode(&ids));
    }

    #[test]
    fn the_same_text_gives_the_same_vocabulary(parts in proptest::collection::vec("[ab ]{1,6}|the|猫|\\PC", 8..40)) {
        let text = parts.concat();
        let learn = |size| BpeTokenizer::from_text(&text, size);
        let Ok(first) = learn(260) else { return Ok(()) };
        let others: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| learn(260))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        for other in others {
            prop_assert_eq!(other.to_json(), first.to_json());
        }
        // A smaller vocabulary is the beginning of a larger one.
        let smaller = learn(258).unwrap();
        prop_assert!((0..258).all(|id| smaller.token(id) == first.token(id)));
    }

    #[test]
    fn more_merges_make_no_more_tokens(other in any_text()) {
        let length = |size| BpeTokenizer::from_text(&text(), size).unwrap().encode(&other).unwrap().len();
        let lengths = [257, 265, 286].map(length);
        prop_assert!(lengths[0] <= other.len() && lengths[1] <= lengths[0] && lengths[2] <= lengths[1], "{lengths:?}");
    }

    #[test]
    fn sentences_come_back(said in any_text(), other in any_text()) {
        let vocabulary = SentenceTokenizer::bpe_from_texts([&*text(), "the dog"], 300).unwrap();
        let ids = vocabulary.encode(&said).unwrap();
        prop_assert!(ids.iter().all(|&id| id > UNKNOWN), "no text is a special token");
        prop_assert_eq!(&vocabulary.decode(&ids), &said);
        let dressed = [&[START], &ids[..], &[END, PADDING, PADDING]].concat();
        prop_assert_eq!(&vocabulary.decode(&dressed), &said);
        let [source, target] = pair_from_json(&pair_to_json(&vocabulary, &vocabulary)).unwrap();
        prop_assert_eq!([&source, &target], [&vocabulary; 2]);
        prop_assert_eq!(target.encode(&other).unwrap(), vocabulary.encode(&other).unwrap());
    }
}

#[test]
fn a_word_at_the_beginning_is_the_word_elsewhere() {
    let vocabulary = SentenceTokenizer::bpe_from_texts([&*text()], 280).unwrap();
    let [the, pair] = ["the", "the the"].map(|text| vocabulary.encode(text).unwrap());
    assert_eq!(pair, [&the[..], &the].concat());
    assert_eq!(vocabulary.token(the[0]), Some(" the"));
    assert_eq!(vocabulary.decode(&[the[0], UNKNOWN]), "the\u{fffd}");
    let error = SentenceTokenizer::bpe_from_texts([&*text()], 260).unwrap_err().to_string();
    assert!(error.ends_with("it has 261"), "{error}");
    // A tokenizer whose first tokens are others has no place for what begins and ends a sentence.
    let error = pair_from_json(&tokenizer().to_json()).unwrap_err().to_string();
    assert_eq!(error, "token 0, \"!\", is not of the four that come first: <pad>, <s>, </s>, <unk>");
}
