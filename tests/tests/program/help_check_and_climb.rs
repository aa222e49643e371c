//! Help, the check of all gradients, and the ladder.

use std::path::Path;

use tempfile::TempDir;

use crate::binary::{bad_input, keys, rungs};

#[test]
fn help_shows_examples_and_the_version_is_one_line() {
    let at = Path::new(".");
    for command in ["", "climb", "train", "generate", "evaluate", "info", "check"] {
        let ran = rungs(at, &format!("{command} --help")).done();
        assert!(ran.stdout.contains("Examples:") && ran.stderr.is_empty(), "{command}: {ran:?}");
        let flags = ["--seed", "--threads", "--json"];
        assert!(flags.iter().all(|flag| ran.stdout.contains(flag)), "{command}");
    }
    assert!(rungs(at, "--version").done().stdout.starts_with("rungs "));
}

#[test]
fn every_gradient_is_right() {
    let report = rungs(Path::new("."), "check --json").json();
    assert_eq!(report["passed"], true);
    let checks = report["checks"].as_array().unwrap();
    for kind in ["op", "function", "kernel", "layer", "model"] {
        assert!(checks.iter().any(|check| check["kind"] == kind), "{kind}");
    }
    assert!(checks.iter().all(|check| check["first_order"].as_f64().unwrap() < 1e-6), "{report}");
    let cases: u64 = checks.iter().map(|check| check["cases"].as_u64().unwrap()).sum();
    assert!(checks.iter().all(|check| check["cases"].as_u64().unwrap() > 0) && cases > 1_000);
    assert_eq!((report["cases"].as_u64(), report["seed"].as_u64()), (Some(cases), Some(0)));
    assert_eq!(report["bound"].as_f64(), Some(1e-6));
    let controls = report["controls"].as_array().unwrap();
    for (control, order) in controls.iter().zip(["first", "second"]) {
        let problem = control["problem"].as_str().unwrap();
        assert!(control["found"] == true && problem.contains(&format!("the {order} derivative")), "{control}");
    }
    assert_eq!(controls.len(), 2);

    let prose = rungs(Path::new("."), "check --seed 7").done().stdout;
    for words in ["cases", "Negative control", "10,000: found", "lost: found", "at most 1e-6", "seed 7: all"] {
        assert!(prose.contains(words), "{words}: {prose}");
    }
}

#[test]
fn the_ladder_is_climbed_and_kept() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let report = rungs(at, "climb --steps-per-rung 3 --out ladder --json").json();
    assert_eq!(keys(&report), ["bigram_bits_per_char", "rungs"]);
    let bigram = report["bigram_bits_per_char"].as_f64().unwrap();
    assert!((3.0..4.0).contains(&bigram), "{bigram}");
    let ladder = report["rungs"].as_array().unwrap();
    let climbed: Vec<_> = ladder.iter().map(|rung| rung["rung"].as_str().unwrap()).collect();
    assert_eq!(climbed, ["rnn", "lstm", "gru", "gpt", "seq2seq", "attention", "transformer"]);
    for rung in ladder {
        let pairs = ["seq2seq", "attention", "transformer"].contains(&rung["rung"].as_str().unwrap());
        let measure = if pairs { "exact_match" } else { "bits_per_char" };
        let mut expected = ["kind", "parameters", "rung", "sample", "tokens_per_second", measure];
        expected.sort_unstable();
        assert_eq!(keys(rung), expected);
        assert_eq!(rung["kind"], if pairs { "pairs" } else { "text" });
        assert!(!rung["sample"].as_str().unwrap().is_empty());
        let figure = rung[measure].as_f64().unwrap();
        assert!(if pairs { (0.0..=1.0).contains(&figure) } else { figure > 1.0 });
    }
    bad_input(at, "climb --steps-per-rung 3 --out ladder", &["ladder/rnn", "holds a run"]);
    // What is finished is not done again, so this is quick; the table is for people.
    let again = rungs(at, "climb --steps-per-rung 3 --out ladder --resume").done().stdout;
    let rungs = ["gru", "gpt", "seq2seq", "attention", "transformer"];
    for words in ["bits per character", "bigram", "exactly right", "writes"].into_iter().chain(rungs) {
        assert!(again.contains(words), "{words}: {again}");
    }
}
