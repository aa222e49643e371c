//! Folders with texts, good and bad, and runs that have learnt one of them.

use std::fs;

use tempfile::TempDir;

use crate::binary::{rungs, text};

/// Flags of a run that takes a moment.
pub(crate) const TINY: &str = "--layers 1 --hidden 16 --context 16 --batch-size 4 --steps 20 --evaluate-every 10";

/// A folder with texts good and bad.
pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, contents: &[u8]| fs::write(folder.path().join(name), contents).unwrap();
    write("text.txt", text(4000).as_bytes());
    write("other.txt", text(5000).as_bytes());
    write("empty.txt", b"");
    write("short.txt", b"the cat sees");
    write("nul.txt", b"some text\0and more");
    write("latin1.txt", b"caf\xe9 au lait");
    write("greek.txt", "the cat sees αβγ".as_bytes());
    write("prompts.txt", b"the cat\na dog\n");
    folder
}

/// A folder with a trained run in it.
pub(crate) fn trained(rung: &str) -> TempDir {
    let folder = folder();
    rungs(folder.path(), &format!("train {rung} --text text.txt --out run {TINY}")).done();
    folder
}
