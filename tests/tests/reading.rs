//! The syllabus, `READING.md`: a file for each line, in the order in which they are to be read.
//!
//! `cargo test -p rungs-tests reading -- --nocapture` prints the files with their lines of code, and sums by crate.

use crate::{architecture, workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The most lines of code that the syllabus may ask anyone to read.
const MOST_LINES: usize = 12_000;

#[test]
fn the_syllabus_can_be_read_from_top_to_bottom() {
    let root = workspace::root();
    let syllabus = fs::read_to_string(root.join("READING.md")).expect("the root has READING.md");
    let files = files(&syllabus);
    assert!(!files.is_empty(), "READING.md names no file");
    let mut problems: Vec<String> =
        files.iter().filter(|file| !root.join(file).is_file()).map(|file| format!("{file} does not exist")).collect();
    problems.extend(out_of_order(&files, &dependencies()));
    problems.extend(used_before(&files, &architecture::arrows(), &architecture::core()));
    assert!(problems.is_empty(), "READING.md:\n{}\n", problems.join("\n"));
}

#[test]
#[allow(clippy::print_stdout)] // shown to whoever asks for it
fn the_syllabus_is_short() {
    let root = workspace::root();
    let syllabus = fs::read_to_string(root.join("READING.md")).expect("the root has READING.md");
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    let files = files(&syllabus);
    for file in &files {
        let source = fs::read_to_string(root.join(file)).unwrap_or_default();
        let lines = lines_of_code(&source).unwrap_or_else(|e| panic!("{file}:{}: {e}", e.span().start().line));
        *sums.entry(part(file)).or_default() += lines;
        println!("{lines:6}  {file}");
    }
    sums.iter().for_each(|(part, lines)| println!("{lines:6}  {part} in all"));
    let total: usize = sums.values().sum();
    println!("{total:6}  in {} files", files.len());
    assert!(total <= MOST_LINES, "{total} lines of code are to be read, {MOST_LINES} at most");
}

/// Paths of the syllabus: first words of lines, behind a list's mark, a backtick or a bracket, that end in `.rs`.
fn files(syllabus: &str) -> Vec<String> {
    let path = |line: &str| {
        let line = line.trim_start();
        let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let line = if numbered.len() < line.len() { numbered.strip_prefix(['.', ')']).unwrap_or(line) } else { line };
        let line = line.trim_start_matches(['-', '*', '+', '|', ' ', '`', '[']);
        let end = line.find(|c: char| c.is_whitespace() || "`[](),:;|".contains(c)).unwrap_or(line.len());
        line[..end].ends_with(".rs").then(|| line[..end].to_owned())
    };
    syllabus.lines().filter_map(path).collect()
}

/// The crate's folder that a file lies in, or the folder at the root for any other.
fn part(file: &str) -> &str {
    let mut parts = file.split('/');
    let first = parts.next().unwrap_or(file);
    if first == "crates" { parts.next().unwrap_or(first) } else { first }
}

/// Every crate with all crates that it stands on, not only those it names itself.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let packages = workspace::packages().into_iter();
    let direct: BTreeMap<String, Vec<String>> =
        packages.map(|package| (package.folder, package.dependencies)).collect();
    let all = |krate: &String| {
        let mut found = BTreeSet::new();
        let mut open = direct[krate].clone();
        while let Some(next) = open.pop() {
            open.extend(direct.get(&next).into_iter().flatten().cloned());
            found.insert(next);
        }
        found
    };
    direct.keys().map(|krate| (krate.clone(), all(krate))).collect()
}

/// Files that come twice, and crates that are begun before one they depend on.
fn out_of_order(files: &[String], dependencies: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut problems = Vec::new();
    for (i, file) in files.iter().enumerate() {
        if files[..i].contains(file) {
            problems.push(format!("{file} comes twice"));
        }
    }
    let first = |krate: &str| files.iter().position(|file| file.starts_with("crates/") && part(file) == krate);
    for (krate, lower) in dependencies {
        for other in lower {
            if let (Some(begun), Some(needed)) = (first(krate), first(other))
                && begun < needed
            {
                let (file, needed) = (&files[begun], &files[needed]);
                problems.push(format!("{file} comes before {needed}, but {krate} depends on {other}"));
            }
        }
    }
    problems
}

/// Files that use one which stands below them in the list. What is not in the list may be used anywhere, and the files
/// of the core use one another.
fn used_before(files: &[String], arrows: &BTreeSet<(String, String)>, core: &[String]) -> Vec<String> {
    let place = |path: &String| files.iter().position(|file| file == path);
    let is_core = |path: &String| core.contains(path);
    let used_before = |(from, to): &&(String, String)| {
        place(from).zip(place(to)).is_some_and(|(from, to)| from < to) && !(is_core(from) && is_core(to))
    };
    arrows.iter().filter(used_before).map(|(from, to)| format!("{from} uses {to}, which comes later")).collect()
}

/// Lines that are neither blank nor only a comment, without the module of tests.
fn lines_of_code(source: &str) -> syn::Result<usize> {
    let tests: Vec<_> = syn::parse_file(source)?.items.iter().filter_map(lines_of_tests).collect();
    let is_code = |(number, line): (usize, &str)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("//") && !tests.iter().any(|tests| tests.contains(&number))
    };
    Ok((1..).zip(source.lines()).filter(|&line| is_code(line)).count())
}

/// The lines of a module that is compiled for tests only, counted from 1, its attributes included.
fn lines_of_tests(item: &syn::Item) -> Option<std::ops::RangeInclusive<usize>> {
    let syn::Item::Mod(module) = item else { return None };
    let is_test = |attribute: &&syn::Attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    };
    let first = module.attrs.iter().find(is_test)?.pound_token.spans[0].start().line;
    let last = match (&module.content, &module.semi) {
        (Some((brace, _)), _) => brace.span.close().end().line,
        (None, semicolon) => semicolon.as_ref()?.spans[0].end().line,
    };
    Some(first..=last)
}

#[test]
fn a_line_of_the_syllabus_begins_with_a_path() {
    let text = "# Reading\n\nProse that names crates/a/src/lib.rs is no line.\ncrates/a/src/one.rs  shapes\n\
        - `crates/a/src/two.rs`: strides\n* [`crates/a/src/three.rs`](crates/a/src/three.rs) – kernels\n\
        3. [crates/a/src/four.rs](x): four\n| `crates/a/src/five.rs` | five |\nARCHITECTURE.md before all\n";
    assert_eq!(files(text), ["one", "two", "three", "four", "five"].map(|name| format!("crates/a/src/{name}.rs")));
}

#[test]
fn a_crate_before_one_it_depends_on_and_a_file_twice_are_out_of_order() {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let dependencies = [("low".to_owned(), set(&[])), ("high".to_owned(), set(&["low", "absent"]))].into();
    let problems =
        |files: &[&str]| out_of_order(&files.iter().map(|&file| file.to_owned()).collect::<Vec<_>>(), &dependencies);
    assert_eq!(problems(&["crates/low/src/a.rs", "crates/high/src/a.rs", "crates/low/src/b.rs"]), [""; 0]);
    let twice = problems(&["crates/low/src/a.rs", "crates/high/src/a.rs", "crates/low/src/a.rs"]);
    assert_eq!(twice, ["crates/low/src/a.rs comes twice"]);
    let wrong = problems(&["crates/high/src/a.rs", "crates/low/src/a.rs"]);
    assert_eq!(wrong, ["crates/high/src/a.rs comes before crates/low/src/a.rs, but high depends on low"]);
}

#[test]
fn comments_and_tests_are_no_lines_of_code() {
    let source = "//! A module.\n\n/// A function.\nfn f() {\n    // Why.\n    let x = 1; // so\n\n    g(x);\n}\n\n\
        #[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n\n\
        #[cfg(test)]\nmod more;\n\nconst AFTER: u8 = 1;\n";
    assert_eq!(lines_of_code(source).unwrap(), 5);
}

#[test]
fn a_file_before_one_that_it_uses_is_found() {
    let paths = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let arrows = [("b", "a"), ("op", "tensor"), ("tensor", "op"), ("a", "elsewhere")];
    let arrows = arrows.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
    let core = paths(&["tensor", "op"]);
    assert_eq!(used_before(&paths(&["tensor", "op", "a", "b"]), &arrows, &core), [""; 0]);
    assert_eq!(used_before(&paths(&["b", "a"]), &arrows, &core), ["b uses a, which comes later"]);
}
