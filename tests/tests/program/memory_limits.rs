//! Memory is estimated before training begins, and where it does not do, that is said in one line.

use std::fs;
use std::process::Command;

use tempfile::tempdir;

use crate::binary::{Ran, bad_input, binary, rungs};

#[test]
#[cfg(target_os = "linux")]
fn the_estimate_is_within_a_quarter_of_the_peak() {
    let folder = tempdir().unwrap();
    for (rung, options) in [
        ("rnn", "--steps 8 --batch-size 200 --out rnn"),
        ("lstm", "--steps 8 --out lstm"),
        ("gru", "--steps 8 --out gru"),
        ("gpt", "--steps 8 --batch-size 24 --out gpt"),
        ("seq2seq", "--steps 20 --out seq2seq"),
        ("attention", "--steps 20 --out attention"),
        ("transformer", "--steps 20 --out transformer"),
    ] {
        let report = rungs(folder.path(), &format!("train {rung} --threads 2 --json {options}")).json();
        let [estimate, peak] = ["estimated_memory_bytes", "peak_rss_bytes"].map(|key| report[key].as_f64().unwrap());
        let ratio = estimate / peak;
        assert!((0.75..=1.25).contains(&ratio), "{rung}: {estimate} bytes estimated, {peak} measured");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_does_not_fit_is_refused_and_what_would_is_named() {
    let folder = tempdir().unwrap();
    let too_large = ["--batch-size 65536", "training needs", "of memory", "would fit", "--accumulate"];
    bad_input(folder.path(), "train gpt --layers 24 --batch-size 65536", &too_large);
    // The limit on the address space counts too.
    let script = r#"ulimit -v 600000; exec "$0" train gpt --batch-size 2000 --threads 1 --out run"#;
    let output = Command::new("sh").arg("-c").arg(script).arg(binary()).current_dir(&folder).output().unwrap();
    Ran::of(&output).refused(2, &["--batch-size 2000", "would fit"]);
    assert!(!folder.path().join("run").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn an_allocation_that_fails_ends_in_one_line() {
    let folder = tempdir().unwrap();
    rungs(folder.path(), "train lstm --steps 2 --hidden 16 --batch-size 4 --out run").done();
    fs::write(folder.path().join("large.txt"), "a b ".repeat(40_000_000)).unwrap();
    let script = r#"ulimit -v 300000; exec "$0" evaluate run --text large.txt --threads 1"#;
    let output = Command::new("sh").arg("-c").arg(script).arg(binary()).current_dir(&folder).output().unwrap();
    Ran::of(&output).refused(1, &["out of memory"]);
}
