//! The laws of the tokenizers.

use crate::error::MAX_VOCABULARY;
use crate::{Tokenizer, TokenizerError, WordOptions};
use proptest::prelude::*;

proptest! {
    #[test]
    fn characters_come_back(text in "\\PC{1,200}|[a-c \n\t]{1,100}") {
        let tokenizer = Tokenizer::char_from(&text).unwrap();
        let ids = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(ids.len(), text.chars().count());
        prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary()));
        prop_assert_eq!(tokenizer.decode(&ids), text);
        // Sorted and distinct: a greater character has a greater id.
        let ids: Vec<u32> = (0..tokenizer.vocabulary() as u32).collect();
        let all: Vec<char> = tokenizer.decode(&ids).chars().collect();
        prop_assert!(all.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn words_come_back(text in "\\PC{1,200}|[a-c' \n\t.,是]{1,100}") {
        let tokenizer = Tokenizer::word_from(&text, WordOptions::default());
        if text.trim_matches(' ').is_empty() {
            prop_assert_eq!(tokenizer, Err(TokenizerError::NoWords { minimum_count: 1 }));
            return Ok(());
        }
        let tokenizer = tokenizer.unwrap();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text).unwrap()), text);
    }

    #[test]
    fn what_is_known_of_another_text_comes_back(text in "[a-d \n.]{1,60}", other in "[a-d \n.]{0,60}") {
        prop_assume!(!text.trim_matches(' ').is_empty());
        let tokenizer = Tokenizer::word_from(&text, WordOptions { minimum_count: 1, maximum_size: Some(6) }).unwrap();
        prop_assert!(tokenizer.vocabulary() <= 6);
        let decoded = tokenizer.decode(&tokenizer.encode(&other).unwrap());
        // Only words and marks are replaced: what is between them stands in the other text, in this order.
        let known: Vec<&str> = decoded.split("<unk>").collect();
        let (first, last) = (known[0], known[known.len() - 1]);
        if known.len() == 1 {
            prop_assert_eq!(decoded, other);
            return Ok(());
        }
        let between = other.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
        prop_assert!(between.is_some(), "{:?} of {:?}", decoded, other);
        let mut rest = between.unwrap();
        for middle in &known[1..known.len() - 1] {
            let at = rest.find(middle);
            prop_assert!(at.is_some(), "{:?} of {:?} in {:?}", middle, decoded, other);
            rest = &rest[at.unwrap() + middle.len()..];
        }
    }

    #[test]
    fn a_tokenizer_comes_back_from_json(text in "\\PC{1,100}", minimum_count in 1..3usize) {
        let options = WordOptions { minimum_count, maximum_size: None };
        for tokenizer in [Tokenizer::char_from(&text), Tokenizer::word_from(&text, options)].into_iter().flatten() {
            let json = tokenizer.to_json();
            let same = Tokenizer::from_json(&json).unwrap();
            prop_assert_eq!(&same, &tokenizer);
            prop_assert_eq!(same.to_json(), json);
            prop_assert_eq!(
                &serde_json::from_str::<Tokenizer>(&serde_json::to_string(&tokenizer).unwrap()).unwrap(),
                &tokenizer
            );
        }
    }
}

#[test]
fn an_unknown_character_is_named_with_its_place() {
    let tokenizer = Tokenizer::char_from("abc\n").unwrap();
    let error = tokenizer.encode("ab\ncaé").unwrap_err();
    assert_eq!(error, TokenizerError::UnknownCharacter { character: 'é', position: 5, vocabulary: 4 });
    assert_eq!(error.to_string(), "unknown character 'é' at position 5: it is not among the 4 of the vocabulary");
    let line_break = tokenizer.encode("\r").unwrap_err().to_string();
    assert_eq!(line_break, r"unknown character '\r' at position 0: it is not among the 4 of the vocabulary");
    assert_eq!(tokenizer.decode(&[0, 1, 99]), "\na\u{fffd}");
}

#[test]
fn a_text_without_words_makes_no_tokenizer() {
    let empty = "the text is empty: there is no vocabulary to take from it";
    assert_eq!(Tokenizer::char_from("").unwrap_err().to_string(), empty);
    assert_eq!(Tokenizer::word_from("", WordOptions::default()).unwrap_err().to_string(), empty);
    let often = WordOptions { minimum_count: 3, maximum_size: None };
    assert!(Tokenizer::word_from("a b a b", often).unwrap_err().to_string().contains("occurs 3 times"));
}

#[test]
fn damaged_tokenizer_files_are_refused_in_one_line() {
    let error = |json: &str| {
        let line = Tokenizer::from_json(json).unwrap_err().to_string();
        assert!(!line.contains('\n'), "{line}");
        line
    };
    assert!(error("").starts_with("not a tokenizer: "));
    assert!(error("{\"format\": 1").starts_with("not a tokenizer: "));
    assert!(error("[1, 2]").starts_with("not a tokenizer: "));
    assert!(error(r#"{"kind": "char", "tokens": ["a"]}"#).contains("missing field `format`"));
    assert!(error(r#"{"format": 1, "kind": "syllable", "tokens": ["a"]}"#).contains("unknown variant `syllable`"));
    assert!(error(r#"{"format": 1, "kind": "char", "tokens": ["a"], "more": 1}"#).contains("unknown field `more`"));
    assert_eq!(
        error(r#"{"format": 2, "kind": "byte", "merges": []}"#),
        "tokenizer format 2 is not known; this version reads format 1"
    );
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": []}"#), "the tokenizer has no tokens");
    assert_eq!(error(r#"{"format": 1, "kind": "word", "tokens": []}"#), "the tokenizer has no tokens");
    assert_eq!(
        error(r#"{"format": 1, "kind": "char", "tokens": ["a", "b", "a"]}"#),
        r#"token "a" is listed twice, as 0 and as 2"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>", " ", "a", "a"]}"#),
        r#"token "a" is listed twice, as 2 and as 3"#
    );
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": ["ab"]}"#), r#"token 0, "ab", is not one character"#);
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": [""]}"#), r#"token 0, "", is not one character"#);
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["a", " "]}"#),
        r#"token 0, "a", is not <unk>, which comes first"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>"]}"#),
        r#"token 1, "", is not a space, which comes second"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>", " ", "a b"]}"#),
        r#"token 2, "a b", is not one word or one mark"#
    );
}

#[test]
fn a_vocabulary_beyond_any_model_is_refused() {
    let tokens: Vec<String> = (0..=MAX_VOCABULARY).map(|_| "a".to_owned()).collect();
    let error = crate::tokenizer::CharTokenizer::from_tokens(&tokens).unwrap_err();
    assert_eq!(error.to_string(), "a vocabulary of 16777217 tokens is too large; the most is 16777216");
}

#[test]
fn a_tokenizer_keeps_the_rule_by_which_it_cuts_words() {
    let head = "{\n  \"format\": 1,\n  \"kind\": \"word\",\n";
    let tokens = "  \"tokens\": [\n    \"<unk>\",\n    \" \",\n    \"न\",\n    \"\u{94d}\"\n  ]\n}\n";
    let older = [head, tokens].concat();
    let tokenizer = Tokenizer::from_json(&older).unwrap();
    assert_eq!(tokenizer.encode("न\u{94d}").unwrap(), [2, 3], "a mark was a piece of its own");
    assert_eq!(tokenizer.to_json(), older);

    let made = Tokenizer::word_from("न\u{94d} न\u{94d}", WordOptions::default()).unwrap();
    assert_eq!(made.encode("न\u{94d}").unwrap().len(), 1);
    assert!(made.to_json().starts_with(&[head, "  \"word_rule\": 2,\n"].concat()), "{}", made.to_json());
    assert_eq!(Tokenizer::from_json(&made.to_json()).unwrap(), made);
    let later = made.to_json().replace("\"word_rule\": 2", "\"word_rule\": 3");
    let error = Tokenizer::from_json(&later).unwrap_err().to_string();
    assert!(error.contains("word rule 3 is not known; this version reads 1 and 2"), "{error}");
}
