use super::*;
use std::collections::BTreeSet;

fn read(bytes: &[u8]) -> Result<Vec<TextPair>, TextError> {
    read_pairs(bytes, "pairs.tsv", Columns::default(), Normalization::default())
}

fn pair(source: &str, target: &str) -> TextPair {
    TextPair { source: source.into(), target: target.into() }
}

#[test]
fn two_columns_are_taken_and_the_others_ignored() {
    let file = b"\xef\xbb\xbfone\tun\textra\ttoo\r\ntwo\tdeux\nthree\ttrois";
    let pairs = [pair("one", "un"), pair("two", "deux"), pair("three", "trois")];
    assert_eq!(read(file).unwrap(), pairs);
    let columns: Columns = "3,1".parse().unwrap();
    let pairs = read_pairs(&b"un\t7\tone\n"[..], "f", columns, Normalization::default()).unwrap();
    assert_eq!(pairs, [pair("one", "un")]);
}

#[test]
fn columns_are_two_different_numbers_from_1_on() {
    assert_eq!("2, 1".parse::<Columns>().unwrap(), Columns { source: 2, target: 1 });
    for text in ["", "1", "1,", "0,1", "1,2,3", "a,b", "-1,2", "2,2"] {
        let error = text.parse::<Columns>().unwrap_err().to_string();
        assert!(error.starts_with("columns: ") && error.contains(&format!("{text:?}")), "{error}");
    }
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let says = |file: &[u8], expected: &str| assert_eq!(read(file).unwrap_err().to_string(), expected);
    says(b"a\tb\nno tab\n", "pairs.tsv, line 2: there is no TAB in it; a pair is source TAB target");
    says(b"a\tb\n\nc\td\n", "pairs.tsv, line 2: there is no TAB in it; a pair is source TAB target");
    says(b"\tb\n", "pairs.tsv, line 1: the source (column 1) is empty");
    says(b"a\tb\nc\t \xc2\xa0 \n", "pairs.tsv, line 2: the target (column 2) is empty");
    says(b"a\tb\ncaf\xe9\tcoffee\n", "pairs.tsv, line 2: not UTF-8 at byte 4 of the line");
    says(b"", "pairs.tsv: there are no pairs in it");
    let long = ["a\tb\n".into(), "x".repeat(100_000), "\tb\n".into()].concat();
    says(long.as_bytes(), "pairs.tsv, line 2: longer than 65536 bytes, too long for a pair of sentences");
    let third = read_pairs(&b"a\tb\n"[..], "f", Columns { source: 1, target: 3 }, Normalization::default());
    assert_eq!(third.unwrap_err().to_string(), "f, line 1: the target is column 3, but there are only 2");
}

#[test]
fn the_longest_line_is_just_not_too_long() {
    for end in ["", "\n", "\r\n"] {
        let line = |length: usize| ["a\t".to_owned(), "é".repeat((length - 2) / 2), end.into()].concat();
        assert_eq!(read(line(LONGEST_LINE).as_bytes()).unwrap().len(), 1);
        assert!(read(line(LONGEST_LINE + 2).as_bytes()).unwrap_err().to_string().contains("longer"));
    }
}

/// A file without end.
struct Endless;

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn a_file_is_read_no_further_than_needed() {
    let endless = read_pairs(std::io::BufReader::new(Endless), "f", Columns::default(), Normalization::default());
    assert!(endless.unwrap_err().to_string().contains("line 1: longer"));
}

#[test]
fn a_source_is_never_in_both_parts() {
    let pairs: Vec<TextPair> = (0..1000).map(|i| pair(&format!("source {}", i % 200), &i.to_string())).collect();
    let (train, validation) = split_pairs(pairs.clone(), 0.1).unwrap();
    assert_eq!((train.len(), validation.len()), (900, 100), "20 sources of five targets each");
    let held_out: BTreeSet<&str> = validation.iter().map(|pair| &*pair.source).collect();
    assert_eq!(held_out.len(), 20);
    assert!(train.iter().all(|pair| !held_out.contains(&*pair.source)));
    assert!(validation.is_sorted_by_key(|pair| pair.target.parse::<usize>().unwrap()), "order is kept");

    let reversed = split_pairs(pairs.iter().rev().cloned().collect(), 0.1).unwrap().1;
    assert_eq!(reversed.into_iter().rev().collect::<Vec<_>>(), validation, "the order of lines does not matter");
    let fewer = split_pairs(pairs.into_iter().filter(|pair| pair.source != "source 0").collect(), 0.1).unwrap().1;
    let kept = fewer.iter().filter(|pair| held_out.contains(&*pair.source)).count();
    assert!(kept >= 95, "a source less moves one other at most: {kept}");
}

#[test]
fn both_parts_have_something() {
    let two = || vec![pair("a", "1"), pair("b", "2")];
    for share in [0.001, 0.5, 0.999] {
        let (train, validation) = split_pairs(two(), share).unwrap();
        assert_eq!((train.len(), validation.len()), (1, 1));
    }
    let says = |pairs, share, expected: &str| {
        assert_eq!(split_pairs(pairs, share).unwrap_err().to_string(), expected);
    };
    let one = "all pairs have one source: none can be held out to validate on, which takes two";
    says(vec![pair("a", "1"), pair("a", "2")], 0.5, one);
    says(two(), 0.0, "validation split: must be more than 0 and less than 1, not 0");
    says(two(), f64::NAN, "validation split: must be more than 0 and less than 1, not NaN");
}
