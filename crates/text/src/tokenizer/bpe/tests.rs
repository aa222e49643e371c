mod beside_other_programs;
#[cfg(feature = "tokenizers")]
mod beside_the_crate;
#[cfg(feature = "tokenizers")]
mod vocabularies_in_use;

use super::steps::Place;
use super::*;
use crate::tokenizer::{Passage, Tokenizer};
use serde_json::{Value, json};

/// Spells tokens with bars between them.
fn tokens(tokenizer: &BpeTokenizer, text: &str) -> String {
    let ids = tokenizer.encode(text).unwrap();
    let token = |&id: &u32| String::from_utf8_lossy(tokenizer.token(id).unwrap()).into_owned();
    ids.iter().map(token).collect::<Vec<_>>().join("|")
}

/// A file as Hugging Face has it of Llama: characters, bytes where there is none, a mark for a space.
fn llama() -> Value {
    let mut vocab = serde_json::Map::new();
    let special = ["<unk>", "<s>", "</s>"].map(str::to_owned).into_iter();
    let bytes = (0..=255).map(symbols::byte_token);
    let rest = ["▁", "h", "e", "l", "o", "he", "ll", "hell", "hello", "▁hello", "▁▁"].map(str::to_owned);
    for (id, token) in special.chain(bytes).chain(rest).enumerate() {
        vocab.insert(token, id.into());
    }
    let added = |id: u32, content: &str| {
        json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true })
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "Prepend", "prepend": "▁" },
            { "type": "Replace", "pattern": { "String": " " }, "content": "▁" },
        ] },
        "pre_tokenizer": null,
        "post_processor": { "type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {} },
        "decoder": { "type": "Sequence", "decoders": [
            { "type": "Replace", "pattern": { "String": "▁" }, "content": " " },
            { "type": "ByteFallback" },
            { "type": "Fuse" },
            { "type": "Strip", "content": " ", "start": 1, "stop": 0 },
        ] },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocab,
            "merges": [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"], ["▁", "hello"], ["▁", "▁"]],
        },
    })
}

fn opened(file: &Value) -> Result<BpeTokenizer, TokenizerError> {
    BpeTokenizer::from_json(&file.to_string())
}

#[test]
fn frequent_words_become_tokens_and_none_is_unknown() {
    let tokenizer = BpeTokenizer::from_text("low low low lower lower newest newest widest", 267).unwrap();
    assert_eq!(tokenizer.vocabulary(), 267);
    assert_eq!(tokens(&tokenizer, "low lower lowest"), "low| lower| low|est");
    assert_eq!(tokens(&tokenizer, "x\u{301}"), "x|\u{fffd}|\u{fffd}", "a byte is the least there is");
    assert_eq!(tokenizer.encode("!\n").unwrap()[..], [0, 198], "ids begin as GPT-2's do");
}

#[test]
fn learning_says_what_cannot_be() {
    let error = |text, size| BpeTokenizer::from_text(text, size).unwrap_err().to_string();
    assert_eq!(
        error("text", 256),
        "a vocabulary of 256 tokens is too small: with all bytes and the least that can be learnt, one pair, it has 257"
    );
    assert_eq!(
        error("abab", 300),
        "the text gives 257 tokens, fewer than the 300 wanted: no other two neighbours stand side by side twice"
    );
    assert_eq!(error("", 300), "the text is empty: there is no vocabulary to take from it");
    assert!(error("text", usize::MAX).contains("too large"));
}

#[test]
fn bytes_stand_for_characters_that_are_no_token() {
    let tokenizer = opened(&llama()).unwrap();
    assert_eq!(tokens(&tokenizer, "hello  hello"), " hello| | hello", "▁hello is merged before ▁▁");
    assert_eq!(tokenizer.encode("é").unwrap(), [259, 3 + 0xc3, 3 + 0xa9]);
    assert_eq!(tokenizer.encode("<s>hello</s>").unwrap(), [1, 268, 2]);
    assert_eq!(tokenizer.encode_ordinary("<s>").unwrap()[0], 259);
    for text in ["hello", " hello", "", "\nél", "<s> hello </s>", "▁"] {
        let decoded = tokenizer.decode(&tokenizer.encode(text).unwrap());
        match text {
            // The mark cannot be told from a space, and every part of a text has one put before it.
            "▁" => assert_eq!(decoded, " "),
            "<s> hello </s>" => assert_eq!(decoded, "<s>  hello </s>"),
            _ => assert_eq!(decoded, text),
        }
    }
}

#[test]
fn a_passage_inside_of_a_text_has_nothing_put_before_it() {
    let tokenizer = opened(&llama()).unwrap();
    let passage = |text: &str, begins, added| tokenizer.encode_passage(text, Passage { begins, added }).unwrap();
    assert_eq!(passage("hello", true, true), tokenizer.encode("hello").unwrap());
    assert_eq!(passage("<s>", true, false), tokenizer.encode_ordinary("<s>").unwrap());
    // What stands inside is what the whole text has there, unless a token reaches across.
    let whole = tokenizer.encode("hello hello").unwrap();
    let parts = [passage("hello", true, true), passage(" hello", false, true)].concat();
    assert_eq!(parts, whole);
    assert_ne!(passage(" hello", false, true), passage(" hello", true, true));
    assert_eq!(passage("</s>", false, true), [2]);
    assert!(passage("</s>", false, false).len() > 1);
    assert_eq!(passage("", false, true), [0; 0]);
}

#[test]
fn what_a_file_says_is_what_is_written() {
    let tokenizer = opened(&llama()).unwrap();
    let written: Value = serde_json::from_str(&tokenizer.to_json()).unwrap();
    let mut expected = llama();
    // The older spelling, which both read, is a line of the file for each merge.
    expected["model"]["merges"] = json!(["h e", "l l", "he ll", "hell o", "▁ hello", "▁ ▁"]);
    assert_eq!(written, expected);
    assert_eq!(BpeTokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
}

#[test]
fn words_that_are_tokens_need_no_merges_where_a_file_says_so() {
    let mut file = llama();
    file["model"]["merges"] = json!([]);
    assert_eq!(opened(&file).unwrap().encode("hello").unwrap().len(), 6);
    file["model"]["ignore_merges"] = true.into();
    assert_eq!(opened(&file).unwrap().encode("hello").unwrap(), [268]);
}

#[test]
fn unknown_characters_are_fused_where_a_file_says_so() {
    let mut file = llama();
    file["model"]["byte_fallback"] = false.into();
    assert_eq!(opened(&file).unwrap().encode("éhéé").unwrap(), [259, 0, 260, 0]);
    file["model"]["fuse_unk"] = false.into();
    assert_eq!(opened(&file).unwrap().encode("éhéé").unwrap(), [259, 0, 260, 0, 0]);
}

#[test]
fn other_ways_to_write_the_same_are_read() {
    let mut file = llama();
    file["normalizer"] = Value::Null;
    file["pre_tokenizer"] =
        json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false });
    file["decoder"] = file["pre_tokenizer"].clone();
    let tokenizer = opened(&file).unwrap();
    assert_eq!(tokenizer.encode("hello<s>hello").unwrap(), [268, 1, 267], "only the first part begins with a space");
    assert_eq!(tokenizer.decode(&[268, 1, 267]), "hello<s>hello");
}

#[test]
fn steps_are_taken_in_their_order() {
    let bytes = alphabet::ORDER.iter().enumerate();
    let vocab: serde_json::Map<_, _> =
        bytes.map(|(id, &byte)| (alphabet::spelling(byte).to_string(), id.into())).collect();
    let mut file = llama();
    file["model"]["vocab"] = vocab.into();
    file["model"]["merges"] = json!([]);
    file["added_tokens"] = json!([]);
    file["normalizer"] = json!({ "type": "NFC" });
    file["decoder"] = json!({ "type": "ByteLevel" });
    file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Digits", "individual_digits": true },
        { "type": "Split", "pattern": { "Regex": r"[^\r\n]?\p{L}+" }, "behavior": "Isolated", "invert": false },
        { "type": "ByteLevel", "add_prefix_space": false, "use_regex": false },
    ] });
    let tokenizer = opened(&file).unwrap();
    let mut words = Vec::new();
    let text = tokenizer.steps.normalize("a12 e\u{301}c", Place::Beginning).unwrap();
    tokenizer.steps.words(&text, Place::Beginning, &mut |word| words.push(word.to_owned())).unwrap();
    assert_eq!(words, ["a", "1", "2", " éc"]);
    assert_eq!(tokenizer.decode(&tokenizer.encode("e\u{301}").unwrap()), "é");
}

#[test]
fn steps_that_double_a_text_again_and_again_end_in_an_error() {
    let mut file = llama();
    let double = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aa" });
    file["normalizer"] = json!({ "type": "Sequence", "normalizers": vec![double; 60] });
    let tokenizer = opened(&file).unwrap();
    let error = tokenizer.encode("a banana").unwrap_err().to_string();
    assert_eq!(
        error,
        "the tokenizer cannot encode this text: its steps would make more than 65792 bytes of a part of it"
    );
    assert!(tokenizer.encode("hello").is_ok());
}

#[test]
fn a_split_says_what_becomes_of_what_it_finds() {
    let words = |behavior: &str, invert: bool| {
        let split = json!({ "type": "Split", "pattern": { "String": "-" }, "behavior": behavior, "invert": invert });
        let steps = Steps::new(&Value::Null, &split, false).unwrap();
        let mut words = Vec::new();
        steps.words("-a-b--c", Place::Beginning, &mut |word| words.push(word.to_owned())).unwrap();
        words.join("|")
    };
    assert_eq!(words("Isolated", false), "-|a|-|b|-|-|c");
    assert_eq!(words("Removed", true), "-|-|-|-");
    assert_eq!(words("MergedWithNext", false), "-a|-b|-|-c");
    assert_eq!(words("MergedWithPrevious", false), "-|a-|b-|-|c");
    let refused = json!({ "type": "Split", "pattern": { "String": "-" }, "behavior": "Contiguous", "invert": false });
    assert!(Steps::new(&Value::Null, &refused, false).unwrap_err().contains("Contiguous"));

    let older = json!({ "type": "Metaspace", "replacement": "▁", "add_prefix_space": false });
    let mut found = Vec::new();
    let steps = Steps::new(&Value::Null, &older, false).unwrap();
    steps.words("a b", Place::Beginning, &mut |word| found.push(word.to_owned())).unwrap();
    assert_eq!(found, ["a", "▁b"]);
}

#[test]
fn files_that_are_none_say_so_in_one_line() {
    let says = |change: fn(&mut Value), expected: &str| {
        let mut file = llama();
        change(&mut file);
        let line = opened(&file).unwrap_err().to_string();
        assert!(line.lines().count() == 1 && line.contains(expected), "{line:?} does not say {expected:?}");
    };
    says(|file| file["model"]["type"] = "Unigram".into(), "its model is Unigram, and only BPE is known here");
    says(|file| file["model"]["dropout"] = 0.1.into(), "dropout");
    says(|file| file["model"]["end_of_word_suffix"] = "</w>".into(), "end_of_word_suffix");
    says(|file| file["normalizer"] = json!({ "type": "Lowercase" }), "the normalizer Lowercase");
    says(|file| file["pre_tokenizer"] = json!({ "type": "Whitespace" }), "the pre-tokenizer Whitespace");
    says(|file| file["decoder"] = json!({ "type": "WordPiece" }), "the decoder WordPiece");
    says(|file| file["decoder"] = json!({ "type": "ByteLevel" }), "only one is ByteLevel");
    says(
        |file| file["pre_tokenizer"] = json!({ "type": "Split", "pattern": { "Regex": "(a" }, "behavior": "Isolated" }),
        "Opening parenthesis without closing parenthesis",
    );
    says(|file| file["model"]["merges"] = json!(["h e", "ab"]), "\"ab\" is not two tokens");
    says(|file| file["model"]["merges"] = json!(["h e", "h o"]), "merge 2: the token \"ho\" is not in the vocabulary");
    says(|file| file["model"]["vocab"]["h"] = 261.into(), "have one id, 261");
    says(|file| file["model"]["vocab"]["h"] = u32::MAX.into(), "too large");
    says(|file| file["model"]["vocab"]["h"] = 5000.into(), "its 273 tokens have ids up to 5000");
    says(|file| file["added_tokens"][0]["id"] = 5.into(), "have one id, 5");
    says(|file| file["model"]["vocab"] = json!({}), "is not in the vocabulary");
    let nothing_for_unknown = |file: &mut Value| {
        file["model"]["unk_token"] = Value::Null;
        file["model"]["vocab"].as_object_mut().unwrap().remove("<0x7F>");
    };
    says(nothing_for_unknown, "not every text could be written");
}

/// With the feature it is opened, which the tests of `tokenizer/huggingface.rs` are about.
#[cfg(not(feature = "tokenizers"))]
#[test]
fn a_refusal_says_what_would_open_it() {
    let mut file = llama();
    file["model"]["type"] = "Unigram".into();
    let line = Tokenizer::from_json(&file.to_string()).unwrap_err().to_string();
    let reason = "this tokenizer cannot be opened: its model is Unigram, and only BPE is known here";
    assert_eq!(line, format!("{reason}; built with the feature tokenizers, all opens that Hugging Face's crate knows"));
}

#[test]
fn gpt_2s_files_are_checked_line_by_line() {
    let mut tokens: Vec<String> = alphabet::ORDER.map(|byte| alphabet::spelling(byte).to_string()).into();
    tokens.extend(["Ġt", "Ġth", "<|endoftext|>"].map(str::to_owned));
    let encoder = |tokens: &[String]| {
        serde_json::to_string(&tokens.iter().zip(0..).collect::<std::collections::BTreeMap<_, u32>>()).unwrap()
    };
    let all = encoder(&tokens);
    let tokenizer = BpeTokenizer::from_gpt2(&all, "#version: 0.2\nĠ t\nĠt h\n").unwrap();
    assert_eq!(tokenizer.encode("a the<|endoftext|>").unwrap(), [64, 257, 68, 258]);
    assert_eq!(tokenizer.encode_ordinary("<|").unwrap().len(), 2);
    assert_eq!(tokenizer.decode(&[257, 258, 9999]), " th<|endoftext|>\u{fffd}");
    let error = |merges: &str| BpeTokenizer::from_gpt2(&all, merges).unwrap_err().to_string();
    let line = "merges, line 3: \"Ġth\" is not two tokens with a space between them";
    assert_eq!(error("#version: 0.2\nĠ t\nĠth\n"), line);
    assert_eq!(error("Ġ t\nĠ x\n"), "merges, line 2: the token \"Ġx\" is not in the vocabulary");
    assert!(BpeTokenizer::from_gpt2("[]", "").unwrap_err().to_string().starts_with("not a tokenizer: "));
    tokens.remove(0);
    let missing = BpeTokenizer::from_gpt2(&encoder(&tokens), "").unwrap_err().to_string();
    assert_eq!(missing, "this tokenizer cannot be opened: the byte 0x21 is no token: not every text could be written");
}

#[test]
fn a_stream_shows_what_decoding_says() {
    let tokenizer = Tokenizer::from(opened(&llama()).unwrap());
    let shown = |ids: &[u32]| {
        let mut stream = tokenizer.stream();
        let shown: Vec<String> = ids.iter().map(|&id| stream.push(id)).collect();
        assert_eq!(shown.concat() + &stream.finish(), tokenizer.decode(ids), "{ids:?}");
        shown
    };
    let byte = |byte: u32| 3 + byte;
    assert_eq!(shown(&[268, 268]), ["hello", " hello"], "only the first space was put there");
    let elephant = [0xf0, 0x9f, 0x90, 0x98].map(byte);
    let [one, two, three, four] = elephant;
    assert_eq!(shown(&[one, two, three, four, 263]), ["", "", "", "", "🐘o"]);
    assert_eq!(shown(&[one, two, 263]), ["", "", "\u{fffd}\u{fffd}o"]);
    assert_eq!(
        tokenizer.decode(&[one, two, three, four, byte(0xff)]),
        "\u{fffd}".repeat(5),
        "all bytes in a row or none"
    );
    assert_eq!(shown(&[byte(0xc3), 9999]), ["", "\u{fffd}\u{fffd}"]);
    let learnt = Tokenizer::bpe_from("so, so, so", 257).unwrap();
    let spelled = learnt.encode("🐘").unwrap();
    let mut stream = learnt.stream();
    assert_eq!(spelled.iter().map(|&id| stream.push(id)).collect::<Vec<_>>(), ["", "", "", "🐘"]);
    assert_eq!(stream.push(spelled[0]) + &stream.push(0) + &stream.finish(), "\u{fffd}!");
}

#[test]
fn what_stands_before_every_text_is_known() {
    let token = |name: &str| json!({ "SpecialToken": { "id": name, "type_id": 0 } });
    let text = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    let template = json!({ "type": "TemplateProcessing", "single": [token("<s>"), text, token("</s>")], "pair": [] });
    let bytes = json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true });
    let several = json!({ "type": "Sequence", "processors": [bytes.clone(), template.clone()] });
    for (processor, beginning) in [(template, vec![1]), (several, vec![1]), (bytes, vec![]), (Value::Null, vec![])] {
        let mut file = llama();
        file["post_processor"] = processor;
        assert_eq!(opened(&file).unwrap().beginning(), beginning);
    }
}
