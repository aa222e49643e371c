//! House rules for source files: they are short, their lines are narrow, and their names tell them apart.

use crate::workspace;
use std::collections::BTreeMap;

/// The most lines of a file.
const MOST_LINES: usize = 350;

/// The most columns of a line.
const MOST_COLUMNS: usize = 120;

/// Tables that a program wrote, which may be as long as they are.
const GENERATED_TABLES: &[&str] = &[];

/// File names that Rust or a habit prescribes, so that they may come more than once.
const PRESCRIBED: &[&str] = &["lib.rs", "main.rs", "tests.rs", "mod.rs"];

/// File names that fit almost any file here.
const SAYS_TOO_LITTLE: &[&str] = &["text.rs", "texts.rs", "prose.rs", "writer.rs", "write.rs"];

/// Sources by path from the root of the workspace.
type Sources = BTreeMap<String, String>;

#[test]
fn files_are_short() {
    assert_none(&too_long(&sources()), "files of more than 350 lines");
}

#[test]
fn lines_are_narrow() {
    assert_none(&too_wide(&sources()), "lines of more than 120 columns");
}

#[test]
fn a_file_name_says_which_file_of_its_crate_it_is() {
    assert_none(&same_name(&sources()), "files of one crate that differ by their folder alone");
}

#[test]
fn a_file_name_says_what_is_in_the_file() {
    assert_none(&says_too_little(&sources()), "file names that say too little");
}

#[track_caller]
fn assert_none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n{}\n", found.join("\n"));
}

/// The Rust files of the crates, of the tests and of the benches.
fn sources() -> Sources {
    let folders = ["crates", "tests", "benches"].into_iter();
    let files = folders.flat_map(|folder| {
        let files = workspace::rust_files(&workspace::root().join(folder)).into_iter();
        files.map(move |(path, source)| (format!("{folder}/{path}"), source))
    });
    files.collect()
}

fn too_long(sources: &Sources) -> Vec<String> {
    let written = sources.iter().filter(|(path, _)| !GENERATED_TABLES.contains(&path.as_str()));
    let lengths = written.map(|(path, source)| (path, source.lines().count()));
    lengths.filter(|&(_, lines)| lines > MOST_LINES).map(|(path, lines)| format!("{path}: {lines} lines")).collect()
}

fn too_wide(sources: &Sources) -> Vec<String> {
    let lines = sources.iter().flat_map(|(path, source)| (1..).zip(source.lines()).map(move |line| (path, line)));
    let widths = lines.map(|(path, (number, line))| (path, number, line.chars().count()));
    let wide = widths.filter(|&(_, _, columns)| columns > MOST_COLUMNS);
    wide.map(|(path, number, columns): (_, usize, _)| format!("{path}:{number}: {columns} columns")).collect()
}

fn same_name(sources: &Sources) -> Vec<String> {
    let mut places: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for path in sources.keys().filter(|path| !PRESCRIBED.contains(&file_name(path))) {
        let depth = if path.starts_with("crates/") { 2 } else { 1 };
        let krate = path.split('/').take(depth).collect::<Vec<_>>().join("/");
        places.entry((krate, file_name(path))).or_default().push(path);
    }
    let twice = places.into_iter().filter(|(_, paths)| paths.len() > 1);
    twice.map(|((krate, name), paths)| format!("{krate}: {name}: {}", paths.join(", "))).collect()
}

fn says_too_little(sources: &Sources) -> Vec<String> {
    sources.keys().filter(|path| SAYS_TOO_LITTLE.contains(&file_name(path))).cloned().collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let sources =
        |files: &[(&str, String)]| files.iter().map(|(path, text)| ((*path).to_owned(), text.clone())).collect();
    let good: Sources = sources(&[
        ("crates/a/src/lib.rs", "\n".repeat(MOST_LINES)),
        ("crates/a/src/b/tests.rs", "é".repeat(MOST_COLUMNS)),
        ("crates/a/src/tests.rs", String::new()),
        ("crates/b/src/lib.rs", String::new()),
    ]);
    let bad: Sources = sources(&[
        ("crates/a/src/one.rs", "\n".repeat(MOST_LINES + 1)),
        ("crates/a/src/b/one.rs", format!("\n{}", "é".repeat(MOST_COLUMNS + 1))),
        ("crates/b/src/one.rs", String::new()),
        ("tests/tests/text.rs", String::new()),
    ]);
    let found = |sources| [too_long(sources), too_wide(sources), same_name(sources), says_too_little(sources)];
    assert_eq!(found(&good), [const { Vec::<String>::new() }; 4]);
    let [long, wide, same, little] = found(&bad);
    assert_eq!(long, ["crates/a/src/one.rs: 351 lines"]);
    assert_eq!(wide, ["crates/a/src/b/one.rs:2: 121 columns"]);
    assert_eq!(same, ["crates/a: one.rs: crates/a/src/b/one.rs, crates/a/src/one.rs"]);
    assert_eq!(little, ["tests/tests/text.rs"]);
}
