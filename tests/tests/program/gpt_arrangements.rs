//! The program with a GPT in any arrangement.

use std::fs;

use crate::binary::{bad_input, rungs, text};
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str =
    "--text text.txt --layers 1 --hidden 16 --heads 4 --context 16 --batch-size 4 --evaluate-every 10 --steps 20";

#[test]
fn a_gpt_in_llamas_arrangement_and_in_others() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(4000)).unwrap();
    let report = rungs(at, &format!("train gpt --architecture llama --key-heads 2 --out llama {TINY} --json")).json();
    let info = rungs(at, "info llama --json").json();
    let (d, h, v) = (16, 48, info["vocabulary"].as_u64().unwrap()); // 8/3 of 16 up to a multiple of 8
    let block = 2 * d * d + 2 * d * d / 2 + 3 * d * h + 2 * d;
    assert_eq!(report["parameters"], 2 * v * d + block + d);
    let gpt = &info["settings"]["model"];
    assert_eq!((&gpt["norm"]["name"], &gpt["positions"]["name"]), (&"rms".into(), &"rotary".into()));
    assert_eq!((&gpt["gated"], &gpt["activation"]), (&true.into(), &"silu".into()));
    let prose = rungs(at, "info llama").done().stdout;
    let shown = ["positions", "key-heads", "activation", "norm-epsilon", "rope-theta", "tied"];
    assert!(shown.iter().all(|name| prose.contains(name)), "{prose}");
    let written = rungs(at, "generate llama --greedy --max-tokens 40 --json").json();
    assert_eq!(written["texts"][0]["tokens"], 40);

    rungs(
        at,
        &format!("train gpt --norm rms --positions rotary --bias true --activation gelu-tanh --out mixed {TINY}"),
    )
    .done();
    let resumed = rungs(at, "train gpt --text text.txt --out mixed --resume --steps 25 --norm rms --json").json();
    assert_eq!(resumed["steps"], 25);
    let other = "train gpt --text text.txt --out mixed --resume --steps 30";
    bad_input(at, &format!("{other} --norm layer"), &["mixed", "norm is rms in this run, not layer"]);
    bad_input(at, &format!("{other} --architecture llama"), &["mixed", "in this run, not"]);
}

#[test]
fn arrangements_that_cannot_be_get_one_line() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(1000)).unwrap();
    for (flags, words) in [
        ("gpt --key-heads 3", "heads 4 is not a multiple of key-heads 3"),
        ("gpt --rotary-base 100", "--rope-theta: only rotary positions have it"),
        ("gpt --architecture llama --heads 16", "rotary positions turn pairs of numbers, and a head has 1"),
        ("gpt --architecture bert", "--architecture"),
        ("gpt --norm-epsilon 0", "--norm-epsilon"),
        ("lstm --architecture llama", "--architecture: the rung lstm has no such setting"),
        ("lstm --tied true", "--tied: the rung lstm has no such setting"),
    ] {
        bad_input(at, &format!("train {flags} --text text.txt --out run --hidden 16"), &[words]);
    }
}
