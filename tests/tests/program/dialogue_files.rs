//! Files of pairs and dialogues for language models that learn to answer, and a conversation with one.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use super::pair_files::pairs;
use crate::binary::{Ran, command, text};

/// Flags of a run that takes a moment.
pub(crate) const TINY: &str = "--layers 1 --hidden 16 --context 60 --batch-size 8 --evaluate-every 10";

pub(crate) fn dialogue(turns: &[&str]) -> String {
    let turn = |(i, text): (usize, &&str)| {
        let role = ["user", "assistant"][i % 2];
        serde_json::json!({ "role": role, "text": text })
    };
    let turns: Vec<Value> = turns.iter().enumerate().map(turn).collect();
    format!("{}\n", serde_json::json!({ "turns": turns }))
}

pub(crate) fn dialogues() -> String {
    pairs(60).lines().map(|line| dialogue(&line.split('\t').collect::<Vec<_>>())).collect()
}

/// Dialogues of one to four questions.
fn talks() -> String {
    let pairs = pairs(36);
    let pairs: Vec<Vec<&str>> = pairs.lines().map(|line| line.split('\t').collect()).collect();
    let questions = |i: usize| (0..1 + i % 4).map(move |n| (i * 5 + n * 7) % 36);
    (0..240).map(|i| dialogue(&questions(i).flat_map(|pair| pairs[pair].clone()).collect::<Vec<_>>())).collect()
}

pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, contents: &str| fs::write(folder.path().join(name), contents).unwrap();
    write("pairs.tsv", &pairs(60));
    write("columns.tsv", &pairs(36).lines().map(|line| format!("id\t{line}\n")).collect::<String>());
    write("text.txt", &text(3000));
    write("talk.jsonl", &dialogues());
    write("talks.jsonl", &talks());
    write("sources.txt", "one two\nthree four\n");
    folder
}

/// Runs a command that reads `stdin`.
pub(crate) fn fed(at: &Path, arguments: &str, stdin: &str) -> Ran {
    let mut child = command(at, arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}
