//! The program with tokenizers that only Hugging Face's crate knows.

use std::fs;

use crate::binary::{bad_input, rungs, text};
use crate::huggingface_tokenizers::{unigram_pieces, word_pieces};
use serde_json::Value;
use tempfile::TempDir;

/// Flags of a run that takes a moment.
const TINY: &str =
    "--layers 1 --hidden 16 --heads 2 --context 16 --batch-size 4 --evaluate-every 10 --schedule constant";

#[test]
fn from_a_folder_to_a_run_to_a_text_and_back() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(4000)).unwrap();
    for (name, file, kind) in
        [("pieces", word_pieces(), "word pieces"), ("unigram", unigram_pieces(true), "unigram pieces")]
    {
        fs::create_dir(at.join(name)).unwrap();
        fs::write(at.join(name).join("tokenizer.json"), &file).unwrap();
        let train = |out: &str, flags: &str| {
            let out = format!("{name}_{out}");
            rungs(at, &format!("train gpt --text text.txt --tokenizer {name} --bias true --out {out} {TINY} {flags}"))
                .done();
            out
        };
        let (whole, parts) = (train("whole", "--steps 20"), train("parts", "--steps 10 --threads 1"));
        // The tokenizer travels in the run folder, to the last byte.
        fs::remove_dir_all(at.join(name)).unwrap();
        rungs(at, &format!("train gpt --out {parts} --resume --steps 20")).done();
        for part in ["tokenizer.json", "model.safetensors"] {
            let [whole, parts] = [&whole, &parts].map(|run| fs::read(at.join(run).join(part)).unwrap());
            assert!(whole == parts, "{name}: {part}");
        }
        assert!(fs::read_to_string(at.join(&whole).join("tokenizer.json")).unwrap() == file);
        let info = rungs(at, &format!("info {whole} --json")).json();
        assert_eq!(info["tokens_are"], kind);

        // At once and as a stream; what was said is not said again.
        let flags = "--max-tokens 30 --temperature 2 --seed 5";
        for prompt in ["--prompt the-cat", "--prompt 猫", "--prompt-ids 4,5,6"] {
            let written = rungs(at, &format!("generate {whole} {prompt} {flags} --json")).json()["texts"][0].clone();
            let shown = format!("{}{}\n", written["prompt"].as_str().unwrap(), written["text"].as_str().unwrap());
            assert_eq!(rungs(at, &format!("generate {whole} {prompt} {flags}")).done().stdout, shown);
            assert_eq!(rungs(at, &format!("generate {whole} {prompt} {flags} --stream")).done().stdout, shown);
            assert_eq!(written["ids"].as_array().unwrap().len(), 30);
            if let Some(prompt) = prompt.strip_prefix("--prompt ") {
                assert_eq!(written["prompt"], prompt);
            }
        }
        let written = rungs(at, &format!("generate {whole} --prompt the --beam 3 --max-tokens 5 --json")).json();
        assert_eq!(written["texts"][0]["prompt"], "the");
        let evaluation = rungs(at, &format!("evaluate {whole} --text text.txt --json")).json();
        let (tokens, loss) = (evaluation["tokens"].as_f64().unwrap() + 1.0, evaluation["loss"].as_f64().unwrap());
        let bits = loss / std::f64::consts::LN_2 * tokens / 4000.0;
        assert!((evaluation["bits_per_char"].as_f64().unwrap() - bits).abs() < 1e-9, "{evaluation}");

        // There and back.
        let report = rungs(at, &format!("export {whole} --out {name}_hf --json")).json();
        assert!(report["files"].as_array().unwrap().contains(&Value::from("tokenizer.json")));
        assert!(fs::read_to_string(at.join(format!("{name}_hf/tokenizer.json"))).unwrap() == file);
        rungs(at, &format!("import gpt2 {name}_hf --out {name}_again")).done();
        assert!(fs::read_to_string(at.join(format!("{name}_again/tokenizer.json"))).unwrap() == file);
        let greedy =
            |run: &str| rungs(at, &format!("generate {run} --prompt the --greedy --max-tokens 10")).done().stdout;
        assert_eq!(greedy(&whole), greedy(&format!("{name}_again")));

        // A text of which nothing is settled before its end is not read in pieces.
        let streamed = format!("train gpt --text text.txt --tokenizer {name}_hf --out new {TINY} --steps 5 --stream");
        bad_input(at, &streamed, &["text.txt", "reads a text as a whole"]);
    }
    // Pairs need what begins and ends a sentence for their first tokens, and byte pairs.
    fs::write(at.join("pairs.tsv"), "one\tun\n".repeat(40)).unwrap();
    let pairs =
        "train seq2seq --pairs pairs.tsv --validation pairs.tsv --tokenizer pieces_hf --hidden 16 --steps 5 --out new";
    bad_input(at, pairs, &["pieces_hf/tokenizer.json", "its model is WordPiece, and only BPE is known here"]);
}

#[test]
fn what_has_no_token_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let mut file: Value = serde_json::from_str(&unigram_pieces(false)).unwrap();
    file["model"]["unk_id"] = Value::Null;
    fs::create_dir(at.join("pieces")).unwrap();
    fs::write(at.join("pieces/tokenizer.json"), file.to_string()).unwrap();
    fs::write(at.join("text.txt"), text(2000)).unwrap();
    let train = format!("train gpt --text text.txt --tokenizer pieces --out new {TINY} --steps 5");
    bad_input(at, &train, &["text.txt", "the tokenizer cannot encode this text"]);
}
