//! Files of pairs, good and bad, for runs that learn from them.

use std::fs;

use tempfile::TempDir;

/// Flags of a run that takes a moment.
pub(crate) const TINY: &str = "--hidden 16 --embedding 8 --batch-size 8 --steps 20 --evaluate-every 10";

/// The same for any rung.
pub(crate) fn tiny(rung: &str) -> String {
    if rung.starts_with("transformer") {
        TINY.replace("--embedding 8", "--heads 2 --layers 1")
    } else {
        TINY.to_owned()
    }
}

/// "one two" → "deux un": numbers in the other order and the other language.
pub(crate) fn pairs(count: usize) -> String {
    const WORDS: [[&str; 2]; 6] =
        [["one", "un"], ["two", "deux"], ["three", "trois"], ["four", "quatre"], ["five", "cinq"], ["six", "six"]];
    let pair = |i: usize| {
        let [a, b] = [WORDS[i % 6], WORDS[i / 6 % 6]];
        format!("{} {}\t{} {}\n", a[0], b[0], b[1], a[1])
    };
    (0..count).map(pair).collect()
}

/// Thirty sources of one word, thirty of two and ten of three.
fn lengths() -> String {
    let pair = |words: usize| format!("{0}\t{0}\n", ["one"; 3][..words].join(" "));
    [(1, 30), (2, 30), (3, 10)].map(|(words, count)| pair(words).repeat(count)).concat()
}

/// A folder with pairs good and bad.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, contents: &[u8]| fs::write(folder.path().join(name), contents).unwrap();
    write("pairs.tsv", pairs(60).as_bytes());
    write("columns.tsv", pairs(36).replace('\n', "\tCC-BY\n").as_bytes());
    write("no-tab.tsv", b"one two\tdeux un\nthree four quatre trois\n");
    write("no-source.tsv", b"one two\tdeux un\n\tdeux\n");
    write("no-target.tsv", b"one two\tdeux un\none\t\n");
    write("latin1.tsv", b"coffee\tcaf\xe9\n");
    write("long.tsv", format!("one\tun\n{}\tlong\n", "word ".repeat(20_000)).as_bytes());
    write("empty.tsv", b"");
    write("lengths.tsv", lengths().as_bytes());
    write("text.txt", pairs(60).replace('\t', " ").as_bytes());
    write("sources.txt", b"one two\nthree four\n");
    folder
}
