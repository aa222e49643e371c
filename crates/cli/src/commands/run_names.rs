//! Names for runs that stand beside each other.

use std::path::Path;

use rungs::Rung;

/// What runs that stand beside each other are called: by rung; by folder, where a rung is there twice; by the whole
/// path, where that name is.
pub(super) fn names(runs: &[(Rung, &Path)]) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let folder = |folder: &Path| folder.file_name().map_or_else(|| path(folder), |name| name.display().to_string());
    let by_rung: Vec<String> = runs.iter().map(|(rung, _)| rung.name().to_owned()).collect();
    let by_folder: Vec<String> = runs.iter().map(|(_, run)| folder(run)).collect();
    let differ = |names: &[String]| (1..names.len()).all(|i| !names[..i].contains(&names[i]));
    [by_rung, by_folder]
        .into_iter()
        .find(|names| differ(names))
        .unwrap_or_else(|| runs.iter().map(|(_, run)| path(run)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_shortest_name_that_tells_it_from_the_others() {
        let named = |runs: &[(Rung, &'static str)]| {
            names(&runs.iter().map(|&(rung, path)| (rung, Path::new(path))).collect::<Vec<_>>())
        };
        use Rung::{Attention, Seq2seq};
        assert_eq!(named(&[(Seq2seq, "runs/a"), (Attention, "runs/b")]), ["seq2seq", "attention"]);
        assert_eq!(named(&[(Attention, "runs/a/"), (Seq2seq, "b"), (Attention, ".")]), ["a", "b", "."]);
        assert_eq!(named(&[(Attention, "runs/a"), (Attention, "old/a")]), ["runs/a", "old/a"]);
    }
}
