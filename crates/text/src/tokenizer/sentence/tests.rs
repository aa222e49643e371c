use super::*;
use crate::Tokenizer;

fn word_pieces(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    cut(text, Unit::Word, WordRule::default(), |piece: &str| found.push(piece.to_owned()));
    found
}

fn all(texts: &[&str], unit: Unit) -> SentenceTokenizer {
    SentenceTokenizer::from_texts(texts.iter().copied(), unit, WordOptions::default()).unwrap()
}

#[test]
fn words_are_cut_behind_elisions_and_nowhere_else() {
    assert_eq!(word_pieces("J'ai faim."), [" J'", "ai", " faim", "."]);
    assert_eq!(word_pieces("Lorsqu’il l'a dit"), [" Lorsqu’", "il", " l'", "a", " dit"]);
    assert_eq!(word_pieces("qu'aujourd'hui d'l'eau"), [" qu'", "aujourd'hui", " d'", "l'", "eau"]);
    assert_eq!(
        word_pieces("I don't, 'tis l' \"J'ai\""),
        [" I", " don't", ",", " '", "tis", " l", "'", " \"", "J'", "ai", "\""]
    );
    assert_eq!(word_pieces("  a"), [" ", " ", " a"]);
    assert_eq!(word_pieces(""), Vec::<String>::new());
}

#[test]
fn what_is_known_comes_back_to_the_letter() {
    let texts = ["J'ai faim !", "«\u{a0}Où\u{a0}?\u{a0}», l’été", " a  b ", "don't", "GPT是2018年", "a\nb", "'", ""];
    for unit in [Unit::Char, Unit::Word] {
        let vocabulary = all(&texts, unit);
        for text in texts {
            let ids = vocabulary.encode(text).unwrap();
            assert!(ids.iter().all(|&id| id > UNKNOWN), "{text:?}");
            assert_eq!(vocabulary.decode(&ids), text, "{unit:?}");
            let dressed = [&[START], &ids[..], &[END, PADDING, PADDING]].concat();
            assert_eq!(vocabulary.decode(&dressed), text, "{unit:?}");
        }
    }
}

#[test]
fn a_word_at_the_beginning_is_the_word_elsewhere() {
    let vocabulary = all(&["cats see cats"], Unit::Word);
    assert_eq!(vocabulary.encode("cats see cats").unwrap(), [4, 5, 4]);
}

#[test]
fn what_is_unknown_is_no_error_and_shows() {
    let words = all(&["the cat sat", "the dog"], Unit::Word);
    assert_eq!(words.encode("the <unk> sat").unwrap(), [4, UNKNOWN, UNKNOWN, UNKNOWN, 7], "no text is a special token");
    assert_eq!(words.decode(&words.encode("zebra the zebra").unwrap()), "\u{fffd} the \u{fffd}");
    assert_eq!(words.decode(&[4, 99]), "the \u{fffd}");
    let characters = all(&["abc"], Unit::Char);
    assert_eq!(characters.encode("a<s>").unwrap(), [4, UNKNOWN, UNKNOWN, UNKNOWN]);
    assert_eq!(characters.decode(&characters.encode("xab").unwrap()), "\u{fffd}ab");
}

#[test]
fn the_most_frequent_come_first_and_the_rare_not_at_all() {
    let tokens = |unit, minimum_count, maximum_size| {
        let options = WordOptions { minimum_count, maximum_size };
        let vocabulary = SentenceTokenizer::from_texts(["b a b", "a c", "b"], unit, options)?;
        assert_eq!(vocabulary.vocabulary(), vocabulary.tokens.len());
        Ok(vocabulary.tokens[SPECIAL.len()..].join("|"))
    };
    assert_eq!(tokens(Unit::Word, 1, None).as_deref(), Ok(" b| a| c"));
    assert_eq!(tokens(Unit::Word, 2, None).as_deref(), Ok(" b| a"));
    assert_eq!(tokens(Unit::Char, 1, Some(6)).as_deref(), Ok(" |b"), "four of the six are special");
    assert_eq!(tokens(Unit::Char, 9, None), Err(TokenizerError::NoWords { minimum_count: 9 }));
    assert_eq!(tokens(Unit::Char, 1, Some(4)), Err(TokenizerError::NoWords { minimum_count: 1 }));
    let nothing = SentenceTokenizer::from_texts(["", ""], Unit::Word, WordOptions::default());
    assert_eq!(nothing, Err(TokenizerError::EmptyText));
}

#[test]
fn files_hold_all_and_the_same_gives_the_same_bytes() {
    for unit in [Unit::Char, Unit::Word] {
        let vocabulary = all(&["J'ai l'eau.", "« été »"], unit);
        let other = all(&["a b"], Unit::Char);
        let json = pair_to_json(&vocabulary, &other);
        let [source, target] = pair_from_json(&json).unwrap();
        assert_eq!((&source, &target), (&vocabulary, &other));
        assert_eq!(pair_to_json(&source, &target), json);
    }
}

#[test]
fn a_file_that_is_none_says_so_in_one_line() {
    let says = |tokens: &str, expected: &str| {
        let side = format!(r#"{{"kind": "word", "tokens": [{tokens}]}}"#);
        let json = format!(r#"{{"format": 1, "source": {side}, "target": {side}}}"#);
        assert_eq!(pair_from_json(&json).unwrap_err().to_string(), expected);
    };
    let special = r#""<pad>", "<s>", "</s>", "<unk>""#;
    let first = "is not of the four that come first: <pad>, <s>, </s>, <unk>";
    says("", "the tokenizer has no tokens");
    says(r#""<unk>", " ""#, &format!("token 0, \"<unk>\", {first}"));
    says(r#""<pad>", "<s>", "</s>""#, &format!("token 3, \"\", {first}"));
    says(&format!(r#"{special}, " a", "b c""#), r#"token 5, "b c", is not one word or one mark"#);
    says(&format!(r#"{special}, "J'ai""#), r#"token 4, "J'ai", is not one word or one mark"#);
    says(&format!(r#"{special}, """#), r#"token 4, "", is not one word or one mark"#);
    says(&format!(r#"{special}, "l'", "a", "a""#), r#"token "a" is listed twice, as 5 and as 6"#);

    let language_model = Tokenizer::char_from("abc").unwrap().to_json();
    let pair = pair_to_json(&all(&["a"], Unit::Char), &all(&["a"], Unit::Char));
    for error in [
        pair_from_json(&language_model).unwrap_err(),
        pair_from_json("{").unwrap_err(),
        pair_from_json(&pair.replace("\"format\": 1", "\"format\": 2")).unwrap_err(),
        Tokenizer::from_json(&pair).unwrap_err(),
    ] {
        let line = error.to_string();
        assert!(line.lines().count() == 1 && line.len() > 20, "{line}");
    }
}
