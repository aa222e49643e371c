use super::*;
use rungs_layers::tensor::Rng;
use rungs_models::sampling::{draw, logits};

fn token_bytes(tokens: &[&str]) -> TokenBytes {
    let tokens = tokens.iter().map(|token| Some(token.as_bytes().to_vec())).collect();
    TokenBytes { tokens, strips_space: false }
}

/// What may come after some tokens.
fn allowed(pattern: &Pattern, vocabulary: usize, written: &[u32], remaining: usize) -> Vec<u32> {
    let mut logits = vec![0.0; vocabulary];
    pattern.process(&Context { prompt: &[], written, remaining }, &mut logits);
    (0..).zip(logits).filter(|(_, z)| *z > logits::RULED_OUT).map(|(id, _)| id).collect()
}

#[test]
fn only_what_can_still_match_is_allowed() {
    let tokens = token_bytes(&["a", "b", "ab", "ba", "abc", "."]);
    let pattern = Pattern::new("(ab)+c?", &tokens, &[5]).unwrap();
    assert_eq!(pattern.shortest(), 1);
    assert_eq!(allowed(&pattern, 6, &[], 9), [0, 2, 4]);
    assert_eq!(allowed(&pattern, 6, &[2], 9), [0, 2, 4, 5], "it may end");
    assert_eq!(allowed(&pattern, 6, &[0], 9), [1, 3]);
    assert_eq!(allowed(&pattern, 6, &[4], 9), [5], "it must");
    assert_eq!(allowed(&pattern, 6, &[], 1), [2, 4], "one token is left");
    assert_eq!(allowed(&pattern, 6, &[0], 2), [1, 3], "ba leaves one to finish with");
    assert_eq!(allowed(&pattern, 6, &[0], 1), [1]);
}

#[test]
fn a_space_that_is_not_shown_is_not_looked_at() {
    let with = TokenBytes { strips_space: true, ..token_bytes(&[" a", "a", " ", "b"]) };
    let pattern = Pattern::new("a b?", &with, &[]).unwrap();
    assert_eq!(allowed(&pattern, 4, &[], 9), [0, 1, 2]);
    assert_eq!(allowed(&pattern, 4, &[0], 9), [2]);
    assert_eq!(allowed(&pattern, 4, &[2], 9), [1], "a second space would be shown");
    assert_eq!(allowed(&pattern, 4, &[0, 2], 9), [3]);
}

#[test]
fn what_is_drawn_always_matches_and_is_short_enough() {
    let tokens = ["a", "b", "c", "0", "1", "é", "ab", "10", "é0", "\u{1f600}"];
    let mut bytes = token_bytes(&tokens);
    // And the bytes of é apart.
    bytes.tokens.extend([Some(vec![0xc3]), Some(vec![0xa9]), None]);
    let mut rng = Rng::new(0);
    for expression in ["[ab]*é(0|1)+", "(a|b)c", ".{3,5}", "(?i)AB?[01]*|é\u{1f600}", r"\d+(\.\d+)?", "(a*b){2}"] {
        let pattern = Pattern::new(expression, &bytes, &[]).unwrap();
        let matcher = regex_automata::meta::Regex::new(&format!("^(?:{expression})$")).unwrap();
        for most in pattern.shortest()..pattern.shortest() + 4 {
            for _ in 0..50 {
                let (mut written, mut text) = (Vec::new(), Vec::new());
                while written.len() < most {
                    let mut logits = vec![0.0; bytes.tokens.len()];
                    let context = Context { prompt: &[], written: &written, remaining: most - written.len() };
                    pattern.process(&context, &mut logits);
                    let Some(id) = draw(&logits, &mut rng) else { break };
                    text.extend(bytes.tokens[id as usize].clone().expect("a token with bytes"));
                    written.push(id);
                }
                let text = String::from_utf8(text).expect("an expression matches whole characters");
                assert!(matcher.is_match(&text), "{text:?} is no {expression}");
            }
        }
    }
}

#[test]
fn expressions_that_cannot_be_are_refused_in_a_line() {
    let error = |expression: &str| Pattern::new(expression, &token_bytes(&["a", "b"]), &[]).unwrap_err().to_string();
    assert_eq!(error("(a"), r#"the expression "(a" is none: unclosed group"#);
    assert_eq!(error("c|[^ab]"), r#"the expression "c|[^ab]" matches no text that can be written in this vocabulary"#);
    assert!(error(r"(\w{1,100}){100}").ends_with("is too large: its automaton would have more states than fit 4 MiB"));
    assert!(error(r"a\b").contains("is none: "), "{}", error(r"a\b"));
}

/// Each of these would take gigabytes, or minutes, to find out that it is too large.
#[test]
fn an_expression_that_is_too_large_is_refused_at_once() {
    let letters: Vec<String> = ('a'..='z').map(String::from).collect();
    let pairs = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}")));
    let vocabulary: Vec<String> = pairs.flat_map(|pair| letters.iter().map(move |c| format!("{pair}{c}"))).collect();
    let vocabulary = token_bytes(&vocabulary.iter().map(String::as_str).collect::<Vec<_>>());
    for expression in [
        r"\d{1000000}",
        r"\w{1,1000000}",
        "((((a{100}){100}){100}){100}){100}",
        "((a*){4000}){4000}",
        r"(?i)(\pL|\pN){3000}",
        "(a|b)*a(a|b){30}",
        r"(.*\w){500}",
        "[a-z]{100000}",
        "(a|aa|aaa){90000}",
    ] {
        let start = std::time::Instant::now();
        let error = Pattern::new(expression, &vocabulary, &[]).unwrap_err().to_string();
        assert!(error.contains(" is too large: "), "{error}");
        assert!(start.elapsed().as_secs() < 20, "{expression:.30}: {:?}", start.elapsed());
    }
    assert_eq!(Pattern::new("[a-z]{3000}", &vocabulary, &[]).unwrap().shortest(), 1000);
    assert_eq!(Pattern::new("(abc){9000}", &vocabulary, &[]).unwrap().shortest(), 9000, "most tokens leave it at once");
}
