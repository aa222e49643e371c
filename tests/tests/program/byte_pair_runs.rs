//! The program with byte pairs for tokens: learnt from the text, and taken from folders.

use std::fs;
use std::path::Path;

use crate::binary::{bad_input, rungs, text};
use serde_json::Value;
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str = "--layers 1 --hidden 16 --context 16 --batch-size 4 --evaluate-every 10 --schedule constant";

/// The id of the byte 0xf0, with which an elephant begins, and of the three that follow.
const ELEPHANT: [u32; 4] = [172, 253, 238, 246];

/// A folder with a text in it.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("text.txt"), text(4000).replace("nobody", "l'éléphant 🐘")).unwrap();
    folder
}

/// Trains on the text.
fn train(at: &Path, out: &str, flags: &str) {
    rungs(at, &format!("train lstm --text text.txt --embedding 8 --out {out} {TINY} {flags}")).done();
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn from_a_text_to_byte_pairs_to_a_text() {
    let folder = folder();
    let at = folder.path();
    train(at, "run", "--tokenizer bpe:300 --steps 20");
    let info = rungs(at, "info run --json").json();
    assert_eq!((&info["vocabulary"], &info["settings"]["data"]["tokenizer"]), (&300.into(), &"bpe:300".into()));
    let prose = rungs(at, "info run").done().stdout;
    assert!(prose.contains("300 tokens, byte pairs") && prose.contains("bpe:300"), "{prose}");

    // A bit for each character, however many tokens there are.
    for content in [fs::read_to_string(at.join("text.txt")).unwrap(), "🐘é".to_owned(), "猫猫".to_owned()] {
        fs::write(at.join("other.txt"), &content).unwrap();
        let evaluation = rungs(at, "evaluate run --text other.txt --json").json();
        let tokens = number(&evaluation["tokens"]) + 1.0; // the first is read, not predicted
        let bits = number(&evaluation["loss"]) / std::f64::consts::LN_2 * tokens / content.chars().count() as f64;
        assert!((number(&evaluation["bits_per_char"]) - bits).abs() < 1e-9, "{evaluation}");
    }

    // The same text at once and as a stream; no character is shown by halves, also if a prompt ends inside of one.
    let flags = "--max-tokens 60 --temperature 2 --seed 5";
    let inside = ELEPHANT[..3].iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    for prompt in ["--prompt l'éléph", &format!("--prompt-ids {inside}")] {
        let written = rungs(at, &format!("generate run {prompt} {flags} --json")).json()["texts"][0].clone();
        let shown = format!("{}{}\n", written["prompt"].as_str().unwrap(), written["text"].as_str().unwrap());
        assert_eq!(rungs(at, &format!("generate run {prompt} {flags}")).done().stdout, shown);
        assert_eq!(rungs(at, &format!("generate run {prompt} {flags} --stream")).done().stdout, shown);
        assert_eq!((&written["tokens"], written["ids"].as_array().unwrap().len()), (&60.into(), 60));
    }
    let whole = ELEPHANT.map(|id| id.to_string()).join(",");
    let written = rungs(at, &format!("generate run --prompt-ids {whole} --max-tokens 0 --json")).json();
    assert_eq!((&written["texts"][0]["prompt"], &written["texts"][0]["text"]), (&"🐘".into(), &"".into()));
    let stopped = rungs(at, "generate run --stop e --max-tokens 5000 --json").json();
    assert!(stopped["texts"][0]["text"].as_str().unwrap().contains('e'));
}

#[test]
fn a_run_keeps_its_tokens() {
    let folder = folder();
    let at = folder.path();
    train(at, "whole", "--tokenizer bpe:290 --steps 20");
    train(at, "parts", "--tokenizer bpe:290 --steps 10 --threads 1");
    for (tokenizer, wanted) in [("bpe:291", "bpe:291"), ("char", "char"), ("whole", "whole")] {
        let flags = format!("train lstm --out parts --resume --steps 20 --tokenizer {tokenizer}");
        bad_input(at, &flags, &["parts", "tokenizer is bpe:290 in this run", wanted]);
    }
    rungs(at, "train lstm --out parts --resume --steps 20 --tokenizer bpe:290").done();
    for file in ["tokenizer.json", "model.safetensors"] {
        let [whole, parts] = ["whole", "parts"].map(|run| fs::read(at.join(run).join(file)).unwrap());
        assert!(whole == parts, "{file}");
    }
}

#[test]
fn tokens_are_taken_from_folders() {
    let folder = folder();
    let at = folder.path();
    train(at, "learnt", "--tokenizer bpe:290 --steps 20");
    let file = json(&at.join("learnt/tokenizer.json"));
    fs::create_dir(at.join("hugging-face")).unwrap();
    fs::copy(at.join("learnt/tokenizer.json"), at.join("hugging-face/tokenizer.json")).unwrap();
    fs::write(at.join("hugging-face/config.json"), r#"{"model_type": "gpt2"}"#).unwrap();
    let merges: Vec<_> = file["model"]["merges"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    for [name, encoder, lines] in [["openai", "encoder.json", "vocab.bpe"], ["old", "vocab.json", "merges.txt"]] {
        fs::create_dir(at.join(name)).unwrap();
        fs::write(at.join(name).join(encoder), file["model"]["vocab"].to_string()).unwrap();
        fs::write(at.join(name).join(lines), format!("#version: 0.2\n{}\n", merges.join("\n"))).unwrap();
    }
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    for name in ["learnt", "hugging-face", "openai", "old"] {
        train(at, "taken", &format!("--tokenizer {name} --steps 20"));
        assert!(model("taken") == model("learnt"), "{name}: the same tokens are the same run");
        assert_eq!(json(&at.join("taken/tokenizer.json")), file, "{name}");
        fs::remove_dir_all(at.join("taken")).unwrap();
    }
    // The tokenizer travels in the run folder: nobody asks for the other one again.
    train(at, "taken", "--tokenizer old --steps 20");
    fs::remove_dir_all(at.join("old")).unwrap();
    rungs(at, "train lstm --out taken --resume --steps 22").done();
    assert!(rungs(at, "info taken").done().stdout.contains("/old"));

    let taken = |name: &str| format!("train lstm --text text.txt --out new {TINY} --tokenizer {name}");
    let replace = |path: &str, from: &str, to: &str| {
        let path = at.join(path);
        fs::write(&path, fs::read_to_string(&path).unwrap().replacen(from, to, 1)).unwrap();
    };
    replace("openai/vocab.bpe", merges[1], &merges[1].replace(' ', ""));
    bad_input(at, &taken("openai"), &["openai/vocab.bpe", "merges, line 3", "two tokens"]);
    fs::remove_file(at.join("openai/vocab.bpe")).unwrap();
    bad_input(at, &taken("openai"), &["openai", "there is no tokenizer in it"]);
    replace("hugging-face/tokenizer.json", r#""BPE""#, r#""Unigram""#);
    bad_input(at, &taken("hugging-face"), &["hugging-face/tokenizer.json", "Unigram"]);
    replace("learnt/tokenizer.json", "Ġ", "Ę");
    bad_input(at, &taken("learnt"), &["learnt/tokenizer.json", "damaged"]);
    for (tokenizer, words) in [
        ("nowhere", &["nowhere", "no such folder"][..]),
        ("text.txt", &["text.txt", "no such folder"]),
        ("bpe", &["--tokenizer", "bpe:8000"]),
        ("bpe:many", &["--tokenizer", "bpe:8000"]),
        ("bpe:256", &["tokenizer", "256", "too small", "257"]),
        ("bpe:4000", &["text.txt", "gives", "fewer than the 4000"]),
        ("bpe:99999999999", &["tokens"]),
    ] {
        bad_input(at, &taken(tokenizer), words);
    }
    let tiny = "train lstm --out new --layers 1 --hidden 16 --context 16 --batch-size 4 --text text.txt --tokenizer";
    rungs(at, &format!("{tiny} char --steps 5")).done();
    fs::write(at.join("other.txt"), "the cat sees 猫 and the old man sees the cat sees the dog").unwrap();
    let other = format!("{tiny} new --steps 5").replace("text.txt", "other.txt").replace("--out new", "--out newer");
    bad_input(at, &other, &["other.txt", "'猫'", "position 13"]);
}

#[test]
fn both_sides_of_pairs_share_their_byte_pairs() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let line = |i: usize| {
        let [a, b] = [["one", "un été"], ["two", "deux 🐘"]].map(|words| words[i % 2]);
        format!("{a} {b}\t{b} {a}\n")
    };
    fs::write(at.join("pairs.tsv"), (0..40).map(line).collect::<String>()).unwrap();
    let steps = "--hidden 16 --batch-size 8 --steps 20 --evaluate-every 10";
    let tiny = format!("--embedding 8 {steps}");
    for rung in ["seq2seq", "attention", "transformer"] {
        // With one vocabulary one matrix can serve at all three places.
        let sizes = if rung == "transformer" { format!("--tied all --heads 2 {steps}") } else { tiny.clone() };
        rungs(
            at,
            &format!("train {rung} --pairs pairs.tsv --tokenizer bpe:270 --validation pairs.tsv --out {rung} {sizes}"),
        )
        .done();
        let info = rungs(at, &format!("info {rung} --json")).json();
        assert_eq!((&info["vocabulary"], &info["tokens_are"]), (&270.into(), &"byte pairs".into()));
        let evaluation = rungs(at, &format!("evaluate {rung} --pairs pairs.tsv --json")).json();
        assert!(number(&evaluation["loss"]) > 0.0);
        // No source is unknown.
        let found = rungs(at, &format!("generate {rung} --source 猫 --max-tokens 5 --json")).json();
        assert_eq!(found["texts"][0]["source"], "猫");
    }
    rungs(at, "generate attention --source deux --plot look.svg").done();
    let from =
        format!("train seq2seq --pairs pairs.tsv --tokenizer attention --validation pairs.tsv --out taken {tiny}");
    rungs(at, &from).done();
    let model = |run: &str| fs::read(at.join(run).join("model.safetensors")).unwrap();
    assert!(model("taken") == model("seq2seq"));
    let new = |flags: &str| format!("train seq2seq --pairs pairs.tsv --out new {tiny} {flags}");
    bad_input(at, &new("--tokenizer bpe:260"), &["tokenizer", "260", "too small", "261"]);
    bad_input(at, &new("--tokenizer bpe:270 --min-count 2"), &["min-count", "bpe:270"]);
    // Nor where the tokens come from a run that has two vocabularies.
    fs::write(at.join("words.tsv"), "one two\tun deux\n".repeat(40)).unwrap();
    rungs(at, &format!("train seq2seq --pairs words.tsv --validation words.tsv --out two {tiny}")).done();
    let taken = format!("train transformer --pairs pairs.tsv --tokenizer two --tied all --out new {steps}");
    bad_input(at, &taken, &["tied", "one vocabulary", "has two"]);
}
