//! Arrows between the files of a crate, and the cycles among them.

use super::mentions::Mention;
use super::modules::{FileId, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Arrows of one crate.
pub(super) struct Arrows<'p> {
    program: &'p Program,
    /// For each arrow the names that tie the files, each with the first line that mentions it.
    names: BTreeMap<(FileId, FileId), BTreeMap<String, usize>>,
}

impl<'p> Arrows<'p> {
    /// The arrows between files of the crate in this folder.
    pub(super) fn new(program: &'p Program, mentions: &[Mention], krate: &str) -> Self {
        let mut names: BTreeMap<_, BTreeMap<String, usize>> = BTreeMap::new();
        let is_inside = |file: FileId| program.files[file].krate == krate;
        for mention in mentions.iter().filter(|mention| is_inside(mention.from) && is_inside(mention.to)) {
            let lines = names.entry((mention.from, mention.to)).or_default();
            let line = lines.entry(mention.name.clone()).or_insert(mention.line);
            *line = mention.line.min(*line);
        }
        Self { program, names }
    }

    /// Sets of two or more files of which each leads to each other, by their paths from `src`.
    pub(super) fn cycles(&self) -> Vec<BTreeSet<String>> {
        let files: BTreeSet<FileId> = self.names.keys().flat_map(|&(from, to)| [from, to]).collect();
        let reachable: BTreeMap<FileId, BTreeSet<FileId>> = files.iter().map(|&file| (file, self.from(file))).collect();
        let mut left = files;
        let mut cycles = Vec::new();
        while let Some(first) = left.pop_first() {
            let together = |other: &FileId| reachable[&first].contains(other) && reachable[other].contains(&first);
            let cycle: BTreeSet<FileId> = left.iter().copied().filter(together).chain([first]).collect();
            left.retain(|file| !cycle.contains(file));
            if cycle.len() > 1 {
                cycles.push(cycle.iter().map(|&file| self.program.files[file].path.clone()).collect());
            }
        }
        cycles
    }

    /// Every file that can be reached from a file.
    fn from(&self, file: FileId) -> BTreeSet<FileId> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(file) = open.pop() {
            let next = self.names.range((file, 0)..(file + 1, 0)).map(|(&(_, to), _)| to);
            open.extend(next.filter(|&to| reached.insert(to)));
        }
        reached
    }

    /// The arrows among the files of a cycle, a line for each, with the names that tie them.
    pub(super) fn describe(&self, cycle: &BTreeSet<String>) -> String {
        let mut text = String::new();
        for (&(from, to), names) in &self.names {
            let [from, to] = [from, to].map(|file| &self.program.files[file].path);
            if cycle.contains(from) && cycle.contains(to) {
                let names: Vec<String> = names.iter().map(|(name, line)| format!("{name} (line {line})")).collect();
                let _ = writeln!(text, "  {from} → {to}: {}", names.join(", "));
            }
        }
        text
    }
}
