//! Translators measured beside each other, and what cannot be compared.

use std::fs;

use serde_json::Value;

use super::pair_files::{TINY, folder, tiny};
use crate::binary::{bad_input, rungs};

#[test]
fn runs_are_measured_beside_each_other() {
    let folder = folder();
    let at = folder.path();
    for (rung, out) in [("seq2seq", "s"), ("attention", "a"), ("transformer --tokenizer word --seed 1", "w")] {
        rungs(at, &format!("train {rung} --pairs pairs.tsv --out {out} {}", tiny(rung))).done();
    }
    // Each run's numbers are those it has alone.
    let measured = rungs(at, "evaluate s --pairs lengths.tsv --compare a --compare w --by-length --json").json();
    let alone = |run: &str| rungs(at, &format!("evaluate {run} --pairs lengths.tsv --by-length --json")).json();
    // What is about more than one run is always there.
    let of_one_run = |mut report: Value| {
        for key in ["compared", "differences", "baselines"] {
            report.as_object_mut().unwrap().remove(key).expect(key);
        }
        report
    };
    assert_eq!(of_one_run(measured.clone()), of_one_run(alone("s")));
    assert_eq!(measured["compared"], Value::from(vec![of_one_run(alone("a")), of_one_run(alone("w"))]));
    assert_eq!(measured["baselines"], alone("w")["baselines"]);
    assert_eq!((measured["run"].as_str(), measured["compared"][1]["run"].as_str()), (Some("s"), Some("w")));

    // Thirty of seventy are enough for a bucket of their own, ten are not.
    for report in [&measured, &measured["compared"][0]] {
        let buckets = report["by_length"].as_array().unwrap();
        let ranges: Vec<_> =
            buckets.iter().map(|b| ["from", "to", "pairs"].map(|key| b[key].as_u64().unwrap())).collect();
        assert_eq!(ranges, [[1, 1, 30], [2, 3, 40]]);
        assert!(buckets.iter().all(|bucket| bucket["bleu"].is_number()), "{report}");
    }

    let prose = rungs(at, "evaluate s --pairs lengths.tsv --compare a --by-length").done().stdout;
    let first_words = |line: &str| line.split("  ").next().unwrap().to_owned();
    let lines: Vec<String> = prose.lines().map(first_words).collect();
    let measures = ["parameters", "loss, nats per token", "token accuracy", "exact match", "BLEU", "chrF"];
    let others = ["ROUGE-1", "ROUGE-2", "ROUGE-L", "distinct-1", "distinct-2", "repetition-4"];
    let expected = [
        &["70 pairs"][..],
        &measures,
        &others,
        &["", "BLEU", "chrF", "ROUGE", ""],
        &["attention minus seq2seq", "exact match", "BLEU", "chrF", "ROUGE-L", ""],
        &["Intervals: paired bootstrap, 1,000 draws of 70 pairs from these 70.", ""],
        &["BLEU by the length of the source", "source words", "1", "2-3"],
    ];
    assert_eq!(lines, expected.concat(), "{prose}");
    // No source has two sentences: the first one is a copy.
    assert!(prose.lines().next().unwrap().split_whitespace().eq(["70", "pairs", "seq2seq", "attention", "copy"]));
    // What words cost cannot be compared with what characters do.
    let prose = rungs(at, "evaluate w --pairs pairs.tsv --compare a").done().stdout;
    assert!(
        prose.lines().next().unwrap().split_whitespace().eq(["60", "pairs", "transformer", "attention", "copy"]),
        "{prose}"
    );
    assert!(prose.contains("per token"), "{prose}");

    // Alone, it is as it was, and the table by length below it.
    let plain = rungs(at, "evaluate a --pairs lengths.tsv").done().stdout;
    let more = rungs(at, "evaluate a --pairs lengths.tsv --by-length").done().stdout;
    let table = more.strip_prefix(&plain).expect("the same first lines");
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(rungs(at, "evaluate a --pairs lengths.tsv --json").json().get("by_length").is_none());
}

#[test]
fn quality_by_length_is_drawn() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train seq2seq --pairs pairs.tsv --out s {TINY}")).done();
    rungs(at, &format!("train attention --pairs pairs.tsv --out a {TINY}")).done();
    let prose = rungs(at, "evaluate s --pairs lengths.tsv --compare a --plot by.svg").done().stdout;
    assert!(prose.contains("BLEU by the length of the source"), "{prose}");
    let svg = fs::read_to_string(at.join("by.svg")).unwrap();
    for text in ["words of the source", "BLEU", "seq2seq", "attention", "1", "2-3"] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text} is not in {svg}");
    }
    rungs(at, "evaluate s --pairs lengths.tsv --plot alone.svg --json").json()["by_length"].as_array().unwrap();
    assert!(fs::read(at.join("alone.svg")).unwrap().starts_with(b"<svg"));
    // The format is looked at first, so that no work is lost: before the folder is, even.
    bad_input(at, "evaluate nowhere --pairs lengths.tsv --plot by.gif", &["by.gif", "plots are SVG", "as in by.svg"]);
    bad_input(at, "evaluate nowhere --pairs lengths.tsv --plot by.png", &["by.png", "plots are SVG", "as in by.svg"]);
    bad_input(at, "generate nowhere --source one --plot by.png", &["by.png", "plots are SVG"]);
    bad_input(at, "evaluate nowhere --pairs lengths.tsv --plot no/by.svg", &["no/by.svg", "there is no such folder"]);
    bad_input(at, "generate nowhere --source one --plot no/by.svg", &["no/by.svg", "there is no such folder"]);
    bad_input(at, "info nowhere --plot no/by.svg", &["no/by.svg", "there is no such folder"]);
    bad_input(at, "info nowhere --plot by.png", &["by.png", ".svg"]);
    fs::create_dir(at.join("taken.svg")).unwrap();
    bad_input(at, "evaluate nowhere --pairs lengths.tsv --plot taken.svg", &["taken.svg", "in the way"]);
}

#[test]
fn what_cannot_be_compared() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train attention --pairs pairs.tsv --out a {TINY}")).done();
    rungs(at, &format!("train attention --pairs pairs.tsv --out lower --lower-case true {TINY}")).done();
    rungs(at, "train gru --text text.txt --out text --layers 1 --hidden 16 --context 8 --batch-size 4 --steps 5")
        .done();
    for (arguments, words) in [
        ("evaluate a --pairs pairs.tsv --compare text", &["text: ", "language model"][..]),
        ("evaluate text --pairs pairs.tsv --compare a", &["text: ", "language model"]),
        ("evaluate a --pairs pairs.tsv --compare a --compare nowhere", &["nowhere"]),
        ("evaluate a --pairs pairs.tsv --compare lower", &["lower learnt lower-cased texts", "a did not"]),
        ("evaluate lower --pairs pairs.tsv --compare a", &["lower learnt lower-cased texts", "a did not"]),
        ("evaluate a --pairs pairs.tsv --compare a --beam 100", &["beam", "100", "the most is"]),
        ("evaluate text --text text.txt --by-length", &["--by-length", "--text"]),
        ("evaluate text --text text.txt --compare a", &["a: ", "translates"]),
        ("evaluate text --text text.txt --stem", &["--stem", "--text"]),
        ("evaluate a --pairs pairs.tsv --stride 4", &["--stride", "--pairs"]),
        ("evaluate a --pairs pairs.tsv --columns 1,3 --compare a", &["pairs.tsv, line 1", "column 3", "only 2"]),
        ("evaluate text --text text.txt --plot by.svg", &["--plot", "--text"]),
        ("evaluate text --text text.txt --columns 1,2", &["--columns", "--text"]),
        ("evaluate text --text text.txt --beam 1", &["--beam", "--text"]),
        ("train lstm --text text.txt --columns 1,2 --out new", &["--columns", "--text"]),
        ("generate text --prompt one --plot by.svg", &["--plot", "--prompt"]),
    ] {
        bad_input(at, arguments, words);
    }
}
