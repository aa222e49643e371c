//! From a text to a model to a text: what is printed, and what is written.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::text_runs::{TINY, folder, trained};
use crate::binary::{Ran, bad_input, command, keys, rungs, text};

#[test]
fn from_a_text_to_a_model_to_a_text() {
    let v = text(4000).chars().collect::<std::collections::BTreeSet<_>>().len();
    for (rung, flags, parameters) in [
        ("rnn", "--embedding 8", v * 8 + 8 * 16 + 16 * 16 + 16 + 16 * v + v),
        ("lstm", "--embedding 8", v * 8 + 4 * (8 * 16 + 16 * 16 + 16) + 16 * v + v),
        ("gpt", "--heads 2", v * 16 + 16 * 16 + 12 * 16 * 16 + 2 * 16 + 16),
    ] {
        let folder = folder();
        let at = folder.path();
        let report = rungs(at, &format!("train {rung} --text text.txt --out run {TINY} {flags} --json")).json();
        let expected = [
            "best_validation_loss",
            "estimated_memory_bytes",
            "parameters",
            "peak_rss_bytes",
            "run",
            "rung",
            "seconds",
            "steps",
            "stopped_early",
            "tokens_per_second",
            "train_loss",
            "validation_loss",
        ];
        assert_eq!(keys(&report), expected);
        assert_eq!((&report["run"], &report["rung"], &report["steps"]), (&"run".into(), &rung.into(), &20.into()));
        assert_eq!(report["parameters"], parameters);

        let run = at.join("run");
        let mut names: Vec<_> = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let files =
            ["config.json", "loss.svg", "metrics.csv", "model.safetensors", "tokenizer.json", "training.safetensors"];
        assert_eq!(names, files);
        let config: Value = serde_json::from_slice(&fs::read(run.join("config.json")).unwrap()).unwrap();
        assert_eq!(keys(&config["files"]), files[1..], "every file has a checksum");
        assert!(fs::read_to_string(run.join("loss.svg")).unwrap().contains("loss (nats per token)"));

        // The whole held-out tenth, measured from outside, is what training measured.
        let held_out: String = text(4000).chars().skip(3600).collect();
        fs::write(at.join("held-out.txt"), held_out).unwrap();
        let evaluation = rungs(at, "evaluate run --text held-out.txt --json").json();
        let names = [
            "bits_per_byte",
            "bits_per_char",
            "compared",
            "differences",
            "loss",
            "perplexity",
            "run",
            "rung",
            "tokens",
        ];
        assert_eq!(keys(&evaluation), names);
        let number = |value: &Value| value.as_f64().unwrap();
        assert_eq!(evaluation["tokens"], 399);
        assert!((number(&evaluation["loss"]) - number(&report["best_validation_loss"])).abs() < 1e-6);
        assert!((number(&evaluation["perplexity"]).ln() - number(&evaluation["loss"])).abs() < 1e-9);
        let bits = number(&evaluation["loss"]) / std::f64::consts::LN_2;
        assert!((number(&evaluation["bits_per_char"]) - bits).abs() < 1e-9);

        let info = rungs(at, "info run --json").json();
        for key in ["rung", "steps", "parameters", "train_loss", "validation_loss", "best_validation_loss"] {
            assert_eq!(info[key], report[key], "{key}");
        }
        let width = if rung == "gpt" { "width" } else { "hidden" };
        assert_eq!(info["settings"]["model"][width], 16);
        let prose = rungs(at, "info run").done().stdout;
        assert!(prose.contains(rung) && prose.contains(width), "{prose}");
    }
}

#[test]
fn generation_says_what_it_wrote() {
    let folder = trained("gpt");
    let at = folder.path();
    let report = rungs(at, "generate run --prompts prompts.txt --n 2 --max-tokens 40 --seed 3 --json").json();
    assert_eq!(keys(&report), ["texts"]);
    let texts = report["texts"].as_array().unwrap();
    assert_eq!(
        texts.iter().map(|text| text["prompt"].as_str().unwrap()).collect::<Vec<_>>(),
        ["the cat", "the cat", "a dog", "a dog"]
    );
    let tokenizer: Value = serde_json::from_slice(&fs::read(at.join("run/tokenizer.json")).unwrap()).unwrap();
    for written in texts {
        let names = ["finish", "ids", "log_probabilities", "log_probability", "prompt", "score", "text", "tokens"];
        assert_eq!(keys(written), names);
        let ids: Vec<usize> = serde_json::from_value(written["ids"].clone()).unwrap();
        let decoded: String = ids.iter().map(|&id| tokenizer["tokens"][id].as_str().unwrap()).collect();
        assert_eq!(written["text"], decoded.as_str());
        assert_eq!((&written["tokens"], &written["finish"]), (&40.into(), &"length".into()));
        let (sum, mean) = (written["log_probability"].as_f64().unwrap(), written["score"].as_f64().unwrap());
        assert!(sum < 0.0 && (sum / 40.0 - mean).abs() < 1e-12);
    }
    assert_ne!(texts[0]["text"], texts[1]["text"], "two draws");

    // The same text by its ids, in prose, as a stream, from a seed, and greedily.
    let prose = rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30").done().stdout;
    assert_eq!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --stream").done().stdout, prose);
    assert_eq!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --seed 0").done().stdout, prose);
    assert_ne!(rungs(at, "generate run --prompt-ids 0,1 --max-tokens 30 --seed 1").done().stdout, prose);
    let greedy = rungs(at, "generate run --greedy --max-tokens 30").done().stdout;
    for flags in ["--temperature 1e-9", "--top-k 1", "--top-p 1e-9"] {
        assert_eq!(rungs(at, &format!("generate run --max-tokens 30 {flags}")).done().stdout, greedy, "{flags}");
    }

    let stopped = rungs(at, "generate run --stop e --max-tokens 5000 --json").json();
    let written = &stopped["texts"][0];
    assert_eq!(written["finish"], "stop");
    assert_eq!(written["text"].as_str().unwrap().find('e'), Some(written["tokens"].as_u64().unwrap() as usize - 1));
    let late = rungs(at, "generate run --stop e --min-tokens 500 --max-tokens 5000 --json").json();
    assert!(late["texts"][0]["tokens"].as_u64().unwrap() >= 500);
    let none = rungs(at, "generate run --max-tokens 0 --json").json();
    assert_eq!(none["texts"][0]["text"], "");
}

#[test]
fn a_text_comes_from_stdin_or_is_built_in() {
    let folder = folder();
    let at = folder.path();
    let piped = |arguments: &str, input: &str| {
        let mut command = command(at, arguments);
        let file = fs::File::open(at.join(input)).unwrap();
        Ran::of(&command.stdin(Stdio::from(file)).output().unwrap())
    };
    piped(&format!("train rnn --text - --out piped {TINY}"), "text.txt").done();
    rungs(at, &format!("train rnn --text text.txt --out file {TINY}")).done();
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert_eq!(model("piped"), model("file"), "the same text is the same run");
    bad_input(at, "train rnn --out piped --resume --steps 30", &["--text", "stdin"]);
    piped("train rnn --text - --out piped --resume --steps 30", "text.txt").done();
    piped("train rnn --text - --out piped --resume --steps 40", "other.txt").refused(2, &["the text", "stdin"]);
    piped("evaluate file --text -", "nul.txt").refused(2, &["stdin", "binary", "byte 9"]);

    rungs(at, &format!("train rnn --out built-in {TINY}")).done();
    let info = rungs(at, "info built-in --json").json();
    assert_eq!(info["text"], "the built-in text");
    rungs(at, "train rnn --out built-in --resume --steps 25").done();
}

#[test]
fn words_are_tokens_too() {
    let folder = folder();
    let at = folder.path();
    rungs(at, &format!("train lstm --text text.txt --tokenizer word --out run {TINY}")).done();
    let evaluation = rungs(at, "evaluate run --text text.txt --json").json();
    let characters_per_token =
        evaluation["loss"].as_f64().unwrap() / std::f64::consts::LN_2 / evaluation["bits_per_char"].as_f64().unwrap();
    assert!((3.0..6.0).contains(&characters_per_token), "{characters_per_token}");
    rungs(at, "evaluate run --text greek.txt").done(); // unknown words are a token
}

#[test]
fn a_validation_text_of_its_own() {
    let folder = folder();
    let at = folder.path();
    let report = rungs(at, &format!("train rnn --text text.txt --validation other.txt --out run {TINY} --json")).json();
    let evaluation = rungs(at, "evaluate run --text other.txt --json").json();
    assert_eq!(evaluation["tokens"], 4999);
    assert!((evaluation["loss"].as_f64().unwrap() - report["best_validation_loss"].as_f64().unwrap()).abs() < 1e-6);
    rungs(at, "train rnn --out run --resume --steps 30").done();
    bad_input(
        at,
        "train rnn --out run --resume --steps 40 --validation text.txt",
        &["the validation text", "text.txt"],
    );
}

#[test]
fn a_beam_of_one_and_a_temperature_of_nothing_are_greedy() {
    let folder = trained("lstm");
    let at = folder.path();
    let written = |flags: &str| rungs(at, &format!("generate run --prompt the --max-tokens 30 {flags}")).done().stdout;
    let greedy = written("--greedy");
    for flags in ["--beam 1", "--temperature 0", "--beam 1 --greedy --seed 3", "--temperature 0 --seed 5"] {
        assert_eq!(written(flags), greedy, "{flags}");
    }
    assert_ne!(written("--temperature 5"), greedy);
}
