//! Dependencies run one way: no crate leads to a higher one, and no files of a crate lead to one another in a circle.
//!
//! The sources are parsed, and every path in them is followed to the file that defines what it names: an arrow from one
//! file to another. Method calls and what macros write cannot be seen. A module's declaration is no arrow, and neither
//! is a re-export of what lies below.
//!
//! `cargo test -p rungs-tests architecture` runs this part alone.

mod cycles;
mod made_up;
mod mentions;
mod modules;
mod resolve;
mod syntax;
mod token_paths;

use crate::workspace::{self, Package};
use cycles::Arrows;
use mentions::{Mention, mentions};
use modules::{CrateSources, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The crates by folder, from the lowest to the highest, each with all crates that it may depend on. A crate that is
/// reached through another's re-export counts like any other.
const CRATES: Table<'_> = &[
    ("random", &[]),
    ("tensor", &["random"]),
    ("layers", &["random", "tensor"]),
    ("models", &["random", "tensor", "layers"]),
    ("trainer", &["random", "tensor", "layers"]),
    ("text", &["random"]),
    ("measures", &["random"]),
    ("decoding", &["random", "tensor", "layers", "models", "text"]),
    ("interop", &["random", "tensor", "layers", "models", "trainer"]),
    ("rungs", &["random", "tensor", "layers", "models", "trainer", "text", "measures", "decoding", "interop"]),
    ("cli", &["random", "tensor", "layers", "models", "trainer", "text", "measures", "decoding", "interop", "rungs"]),
];

/// The one cycle that is meant: a tensor knows the operation it came from, an operation works on tensors, and its
/// gradient rule is part of the walk back.
const ALLOWED_CYCLE: (&str, &[&str]) = ("tensor", &["tensor.rs", "op.rs", "autograd.rs"]);

/// Crates with what each may depend on.
type Table<'t> = &'t [(&'t str, &'t [&'t str])];

#[test]
fn the_table_lists_the_crates_from_low_to_high() {
    let table: BTreeSet<String> = CRATES.iter().map(|(krate, _)| (*krate).to_owned()).collect();
    let folders: BTreeSet<String> = workspace::packages().into_iter().map(|package| package.folder).collect();
    assert_eq!(table, folders, "the table of this test and the folders in crates/");
    for (i, (krate, lower)) in CRATES.iter().enumerate() {
        for other in *lower {
            let is_lower = CRATES[..i].iter().any(|(name, _)| name == other);
            assert!(is_lower, "{other} stands beside {krate}, but not above it in the table");
        }
    }
}

#[test]
fn no_crate_depends_on_a_higher_one() {
    let (program, mentions) = read();
    let mut upward = upward(&program, &mentions, CRATES);
    for package in workspace::packages() {
        let lower = allowed(CRATES, &package.folder);
        for dependency in package.dependencies.iter().filter(|dependency| !lower.contains(&dependency.as_str())) {
            let line = manifest_line(&package, dependency);
            upward.push(format!("crates/{}/Cargo.toml:{line}: depends on {dependency}", package.folder));
        }
    }
    assert!(upward.is_empty(), "a crate depends on one that it may not know:\n{}\n", upward.join("\n"));
}

#[test]
fn no_files_depend_on_one_another_in_a_circle() {
    let (program, mentions) = read();
    let mut problems = Vec::new();
    for (krate, _) in CRATES {
        problems.extend(circles(&Arrows::new(&program, &mentions, krate), krate));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_source_file_is_read() {
    let sources = sources();
    let program = Program::new(&sources);
    for krate in &sources {
        assert_eq!(program.unread(krate), [""; 0], "files of crates/{}/src to which no module leads", krate.folder);
    }
}

/// Cycles that are not allowed, each with the arrows that make it one.
fn circles(arrows: &Arrows<'_>, krate: &str) -> Vec<String> {
    let (core, files) = ALLOWED_CYCLE;
    let is_allowed = |cycle: &BTreeSet<String>| core == krate && cycle.is_subset(&set(files));
    let describe = |cycle: &BTreeSet<String>| {
        let files = cycle.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("crates/{krate}/src: {files} depend on one another:\n{}", arrows.describe(cycle))
    };
    arrows.cycles().iter().filter(|cycle| !is_allowed(cycle)).map(describe).collect()
}

/// Mentions of other crates outside of the table, by file and line.
fn upward(program: &Program, mentions: &[Mention], table: Table<'_>) -> Vec<String> {
    let mut places: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for mention in mentions {
        let [from, to] = [mention.from, mention.to].map(|file| &program.files[file]);
        if from.krate != to.krate && !allowed(table, &from.krate).contains(&to.krate.as_str()) {
            let place = format!("crates/{}/src/{}:{}: names {}", from.krate, from.path, mention.line, to.krate);
            places.entry(place).or_default().insert(&mention.name);
        }
    }
    let names = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    places.into_iter().map(|(place, all)| format!("{place} ({})", names(all))).collect()
}

fn allowed<'t>(table: Table<'t>, krate: &str) -> &'t [&'t str] {
    table.iter().find(|(name, _)| *name == krate).map_or(&[], |(_, lower)| lower)
}

/// The line of a crate's `Cargo.toml` that names a dependency.
fn manifest_line(package: &Package, dependency: &str) -> usize {
    let name = workspace::packages().into_iter().find(|other| other.folder == dependency).map(|other| other.name);
    let manifest = workspace::root().join("crates").join(&package.folder).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("a crate has a manifest");
    let is_entry = |line: &str| name.as_ref().is_some_and(|name| line.split(['.', ' ', '=']).next() == Some(name));
    let section = text.lines().position(|line| line.ends_with("dependencies]")).unwrap_or(0);
    text.lines().skip(section).position(is_entry).map_or(0, |line| section + line + 1)
}

fn set(files: &[&str]) -> BTreeSet<String> {
    files.iter().map(|&file| file.to_owned()).collect()
}

fn sources() -> Vec<CrateSources> {
    let sources = |package: Package| CrateSources {
        files: workspace::rust_files(&workspace::root().join("crates").join(&package.folder).join("src")),
        folder: package.folder,
        library: package.library,
    };
    workspace::packages().into_iter().map(sources).collect()
}

/// Arrows between all files of all crates, from the file that names something to the one that defines it, by their
/// paths from the root of the workspace.
pub(crate) fn arrows() -> BTreeSet<(String, String)> {
    let (program, mentions) = read();
    let path = |file: usize| format!("crates/{}/src/{}", program.files[file].krate, program.files[file].path);
    let between = mentions.iter().filter(|mention| mention.from != mention.to);
    between.map(|mention| (path(mention.from), path(mention.to))).collect()
}

/// The core of the engine, whose files may know one another, by their paths from the root of the workspace.
pub(crate) fn core() -> Vec<String> {
    let (krate, files) = ALLOWED_CYCLE;
    files.iter().map(|file| format!("crates/{krate}/src/{file}")).collect()
}

fn read() -> (Program, Vec<Mention>) {
    let program = Program::new(&sources());
    let mentions = mentions(&program);
    (program, mentions)
}
