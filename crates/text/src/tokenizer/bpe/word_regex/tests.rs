//! What is found in a text, what is refused, and how long it may take.

use super::*;

/// GPT-4's and Llama 3's.
const GPT4: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

fn found<'t>(expression: &str, text: &'t str) -> Vec<&'t str> {
    Pattern::new(expression).unwrap().matches(text).map(|found| &text[found.unwrap()]).collect()
}

#[test]
fn gpt_2_cuts_as_its_authors_say() {
    let cut = |text| found(GPT2, text);
    assert_eq!(cut("Hello world"), ["Hello", " world"]);
    assert_eq!(cut("we've don't, I'LL"), ["we", "'ve", " don", "'t", ",", " I", "'", "LL"]);
    assert_eq!(cut("a  b\n\n c \t"), ["a", " ", " b", "\n\n", " c", " \t"]);
    assert_eq!(cut("a\r\n\r\nb"), ["a", "\r\n\r", "\n", "b"]);
    assert_eq!(cut("x²+½ ①"), ["x", "²", "+", "½", " ①"], "numerals are not only digits");
    assert_eq!(cut("नमस्ते"), ["नमस", "्", "त", "े"], "marks are not letters");
    assert_eq!(cut("\u{a0}x\u{3000}\u{3000}y"), ["\u{a0}", "x", "\u{3000}", "\u{3000}", "y"]);
    assert_eq!(cut("\u{1c}a\u{85}"), ["\u{1c}", "a", "\u{85}"], "a control character is no space, NEL is");
    assert_eq!(cut(""), [""; 0]);
}

#[test]
fn gpt_4_cuts_as_its_authors_say() {
    assert_eq!(found(GPT4, "I'LL pay $12345"), ["I", "'LL", " pay", " $", "123", "45"]);
    assert_eq!(found(GPT4, "that'ſ"), ["that", "'ſ"], "ſ is an s, whatever the case");
    assert_eq!(found(GPT4, "(a)\n\n  b"), ["(a", ")\n\n", " ", " b"]);
    assert_eq!(found(GPT4, "x  \n \n  y"), ["x", "  \n \n", " ", " y"]);
}

#[test]
fn what_was_taken_is_given_back_unless_it_says_otherwise() {
    assert_eq!(found("a*ab", "aaab"), ["aaab"]);
    assert_eq!(found("a*+ab", "aaab"), [""; 0]);
    assert_eq!(found("a{2}", "aaaaa"), ["aa", "aa"]);
    assert_eq!(found("a{2,}b", "abaab"), ["aab"]);
    assert_eq!(found("(?:ab|a)(?:bc)?d", "abcd abd ad"), ["abcd", "abd", "ad"]);
    assert_eq!(found("x*", "axxb"), ["xx"], "nothing is no match");
    assert_eq!(found(r"[^\S\n]+", "a \t\nb"), [" \t"]);
    assert_eq!(found(r"[\]\-a-c.]+", "x]-b.\\"), ["]-b."]);
    assert_eq!(found(r"[+\-0]+|\<|\u4e00|\x{e9}", "+-0,/<é一"), ["+-0", "<", "é", "一"]);
    assert_eq!(found(r"\p{Lu}[\p{Ll}\p{M}]+", "ÉteÉ̀té"), ["Éte", "É̀té"]);
}

#[test]
fn a_long_run_needs_no_deep_stack() {
    let lengths = |expression: &str, character: &str| {
        let text = character.repeat(2_000_000) + "x";
        let pattern = Pattern::new(expression).unwrap();
        pattern.matches(&text).map(|found| found.map(|found| found.len())).collect::<Result<Vec<_>, _>>()
    };
    let on_a_small_stack = move || {
        assert_eq!(lengths(GPT2, "a"), Ok(vec![2_000_001]));
        assert_eq!(lengths(GPT2, "1"), Ok(vec![2_000_000, 1]));
        assert_eq!(lengths(GPT4, "\n"), Ok(vec![2_000_000, 1]));
        for too_long in [lengths(GPT2, " "), lengths(GPT2, "\n"), lengths(GPT4, " ")] {
            let error = too_long.unwrap_err().to_string();
            assert!(error.contains("took too many steps") && error.contains("a million spaces"), "{error}");
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(on_a_small_stack).unwrap().join().unwrap();
    assert_eq!(found(GPT2, &(" ".repeat(900_000) + "x")).iter().map(|x| x.len()).collect::<Vec<_>>(), [899_999, 2]);
}

/// Each would take hours, or gigabytes.
#[test]
fn a_strangers_expression_is_bounded_in_time_and_memory() {
    let (repeated, digits) = (|part: &str, times| part.repeat(times), "1".repeat(30_000));
    for expression in [
        repeated("(?:.|.)", 40) + r"\x00(?!b)",
        repeated("(?:.|.)", 21) + r"\x00(?!b)|.",
        repeated("(?:a?)?", 60) + r"\x00(?!b)",
        repeated("1?", 21) + r"\x00(?!b)|1",
        repeated(".*", 12) + r"\x00(?=b)",
        repeated(r"\d+", 4) + r"(?!\d)x",
    ] {
        let start = Instant::now();
        let pattern = Pattern::new(&expression).unwrap();
        // Of one long text, and of many short ones.
        for length in [30_000, 300] {
            let mut texts = digits.as_bytes().chunks(length).map(|text| std::str::from_utf8(text).unwrap());
            let cut = texts.try_for_each(|text| pattern.matches(text).try_for_each(|found| found.map(drop)));
            let took = start.elapsed();
            assert!(took.as_secs() < 15, "{expression} {length}: {took:?} {cut:?}");
        }
    }
    let start = Instant::now();
    assert!(Pattern::new(r"\p{L}{1000000}").unwrap_err().contains("Regex error"));
    assert!(Pattern::new(&r"\p{L}{1,99}\p{N}{1,99}(?=b)|".repeat(34)).is_ok());
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn what_is_not_known_is_refused() {
    for (expression, problem) in [
        ("(ab)+", "only single characters can be repeated"),
        ("^a", "the beginning or end of a text (^)"),
        ("a$", "the beginning or end of a text ($)"),
        (r"\w+", r"\w is not known"),
        (r"[\W]", r"\W is not known"),
        ("(?i:stra)", "a group (?i:stra)"),
        ("(?i:[a])", "a group (?i:[a])"),
        ("a+?", "repeats as little as it can"),
        ("*", "Target of repeat operator is invalid"),
        ("a+*", "a repetition of a repetition"),
        ("(a", "without closing parenthesis"),
        ("[a", "Invalid character class"),
        ("a)", "end of string not reached"),
        ("[a[b]]", "a class inside a class"),
        ("[a&&b]", "&&"),
        (r"\p{Greek}", "Greek"),
        (r"\b", r"\b"),
        ("(?<=a)b", "(?<"),
        ("a{3,2}", "{3,2}"),
        ("a{,2}", "{,2}"),
        ("[c-a]", "[c-a]"),
        (r"\", "Backslash without following character"),
    ] {
        let error = Pattern::new(expression).unwrap_err();
        assert!(error.contains(problem), "{expression}: {error}");
    }
    let deep = "(".repeat(LONGEST / 2) + &")".repeat(LONGEST / 2);
    assert!(Pattern::new(&deep).unwrap_err().contains("too deeply nested"));
    assert!(Pattern::new(&"(".repeat(100_000)).unwrap_err().contains("too long"));
}
