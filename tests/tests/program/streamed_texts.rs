//! Texts that are larger than memory, by the program: the run is the run that it would have been in memory, and neither
//! a kill nor a changed text leaves a file of tokens that is believed.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rungs_text::Tokenizer;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{self, Ran, bad_input, command, rungs, snapshot, text};

/// A run that takes a moment.
const GPT: &str =
    "train gpt --heads 2 --layers 1 --hidden 16 --context 16 --batch-size 4 --steps 30 --evaluate-every 10 --json";
const LSTM: &str =
    "train lstm --layers 1 --hidden 16 --context 16 --batch-size 4 --steps 30 --evaluate-every 10 --json";

fn model(at: &Path, run: &str) -> Vec<u8> {
    fs::read(at.join(run).join("model.safetensors")).unwrap()
}

/// A text of some megabytes with lines, words and characters of several bytes.
fn long_text() -> String {
    let mut text = String::new();
    for i in 0..60_000_u64 {
        let word = ["the cat", "l’été", "猫 is", "don't", "12", "  so"][(i * i % 97 % 6) as usize];
        text += word;
        text += if i % 11 == 0 { "\n" } else { " " };
        text += &(i % 1009).to_string();
        text += ", ";
    }
    text.repeat(3)
}

#[test]
fn a_streamed_run_is_the_run_in_memory() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(20_000)).unwrap();
    for (train, tokenizer) in [(GPT, "char"), (LSTM, "char"), (GPT, "bpe:280"), (LSTM, "word")] {
        let train = format!("{train} --tokenizer {tokenizer}");
        let rung = train.split_whitespace().nth(1).unwrap();
        rungs(at, &format!("{train} --text text.txt --out memory")).done();
        rungs(at, &format!("{train} --text text.txt --out streamed --stream")).done();
        assert_eq!(model(at, "streamed"), model(at, "memory"), "{train}");
        for file in ["config.json", "tokenizer.json"] {
            let settings = |run: &str| {
                let text = fs::read_to_string(at.join(run).join(file)).unwrap();
                serde_json::from_str::<Value>(&text).unwrap().get("settings").cloned()
            };
            assert_eq!(settings("streamed"), settings("memory"));
        }
        // Streamed or not, a run goes on as itself; the tokens are in the run folder, or where they are wanted.
        rungs(at, &format!("train {rung} --out streamed --resume --steps 40 --json")).done();
        rungs(at, &format!("train {rung} --out memory --resume --steps 40 --json --cache cache")).done();
        assert_eq!(model(at, "streamed"), model(at, "memory"), "{train}");
        assert!(at.join("streamed/ids").is_dir() && at.join("cache").is_dir() && !at.join("memory/ids").exists());
        ["memory", "streamed", "cache"].iter().for_each(|run| fs::remove_dir_all(at.join(run)).unwrap());
    }
}

#[test]
fn documents_are_parted_by_one_token_streamed_or_not() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let documents: Vec<String> = (1..120).map(|i| text(40 + i % 90).trim().to_owned()).collect();
    for (i, (written, separator)) in [("<|endoftext|>", "<|endoftext|>"), ("\\n\\n", "\n\n")].into_iter().enumerate() {
        let content = documents.join(separator);
        fs::write(at.join("text.txt"), &content).unwrap();
        let train = format!("{GPT} --tokenizer bpe:290 --text text.txt --documents {written}");
        let [memory, streamed] = [format!("memory{i}"), format!("streamed{i}")];
        rungs(at, &format!("{train} --out {memory}")).done();
        rungs(at, &format!("{train} --out {streamed} --stream")).done();
        assert_eq!(model(at, &streamed), model(at, &memory));
        let tokenizer = fs::read_to_string(at.join(&memory).join("tokenizer.json")).unwrap();
        let tokenizer = Tokenizer::from_json(&tokenizer).unwrap();
        assert_eq!(tokenizer.vocabulary(), 290);
        let ids = tokenizer.encode(&content).unwrap();
        assert_eq!(ids.iter().filter(|&&id| id == 0).count(), documents.len() - 1);
        assert_eq!(tokenizer.decode(&ids), content);
        // Between them, every document is what it is by itself: no token reaches across.
        let alone: Vec<Vec<u32>> = documents.iter().map(|document| tokenizer.encode(document).unwrap()).collect();
        assert!(alone.join(&0) == ids, "a token reaches across {written}");
        // It is a setting of the run, and what a text begins behind when nothing is said.
        bad_input(at, &format!("train gpt --out {memory} --resume --documents x"), &["documents is", written, "not x"]);
        let texts = rungs(at, &format!("generate {memory} --max-tokens 5 --greedy --json")).json();
        let behind = rungs(at, &format!("generate {memory} --max-tokens 5 --greedy --json --prompt-ids 0")).json();
        assert_eq!(texts["texts"][0]["ids"], behind["texts"][0]["ids"]);
    }
    for (flags, words) in [
        ("--documents <|endoftext|>", &["documents: \"<|endoftext|>\" must be one token"][..]),
        (
            "--documents=--- --tokenizer word",
            &["must be one token, but is 3 tokens to this tokenizer of words; bpe:N makes it one"],
        ),
        ("--documents a\\", &["--documents a\\: after a backslash"]),
    ] {
        for stream in ["", "--stream"] {
            bad_input(at, &format!("{GPT} --text text.txt --out run {flags} {stream}"), words);
        }
    }
    bad_input(at, "train seq2seq --documents x", &["--documents: the rung seq2seq has no such setting"]);
    // One character is a token of characters.
    rungs(at, &format!("{GPT} --text text.txt --out lines --documents \\n")).done();
}

#[test]
fn a_text_that_was_changed_is_noticed() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), text(20_000)).unwrap();
    rungs(at, &format!("{GPT} --text text.txt --out run --stream")).done();
    let before = snapshot(&at.join("run"));
    fs::write(at.join("text.txt"), text(20_000).replacen("the", "hte", 1)).unwrap();
    let resumed = rungs(at, "train gpt --out run --resume --steps 40 --stream --text text.txt");
    resumed.refused(2, &["run: the text", "text.txt) is not the one this run was trained on"]);
    assert!(snapshot(&at.join("run")) == before, "nothing was written");
}

#[test]
fn a_run_killed_while_its_tokens_are_made_leaves_nothing_that_is_believed() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("text.txt"), long_text()).unwrap();
    let train = format!("{GPT} --tokenizer bpe:300 --text text.txt --stream");
    binary::binary();
    let start = Instant::now();
    rungs(at, &format!("{train} --out whole")).done();
    let duration = start.elapsed();
    let ids = |run: &str| -> Vec<_> {
        let files = fs::read_dir(at.join(run).join("ids")).into_iter().flatten().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.collect();
        files.sort();
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "ids")).collect()
    };
    let whole: Vec<Vec<u8>> = ids("whole").iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(whole.len(), 2);
    for part in 0..8 {
        let resume = if at.join("killed/config.json").exists() { "--resume" } else { "" };
        let mut command = command(at, &format!("{train} --out killed {resume}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(duration.mul_f64(0.1 + 0.1 * f64::from(part)).min(Duration::from_secs(20)));
        child.kill().unwrap();
        child.wait().unwrap();
        // What has the name of a file of tokens is one, to the last byte.
        assert!(ids("killed").iter().all(|path| whole.contains(&fs::read(path).unwrap())), "{part}");
    }
    let resume = if at.join("killed/config.json").exists() { "--resume" } else { "" };
    rungs(at, &format!("{train} --out killed {resume}")).done();
    assert_eq!(model(at, "killed"), model(at, "whole"));
    let names = |run: &str| fs::read_dir(at.join(run).join("ids")).unwrap().count();
    assert_eq!(names("killed"), names("whole"), "what the killed ones left is gone");
}

#[test]
fn what_cannot_be_streamed_is_one_line_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let write = |name: &str, bytes: &[u8]| fs::write(at.join(name), bytes).unwrap();
    write("text.txt", text(5000).as_bytes());
    write("empty.txt", b"");
    write("short.txt", b"the cat sees");
    write("nul.txt", b"some text\0and more");
    write("latin1.txt", b"caf\xe9 au lait");
    write("cut.txt", "café".as_bytes().split_last().unwrap().1);
    write("greek.txt", "the cat sees αβγ".repeat(20).as_bytes());
    write("pairs.tsv", b"a\tb\n");
    for (arguments, words) in [
        ("--text empty.txt", &["empty.txt: the text is empty"][..]),
        ("--text nul.txt", &["nul.txt: binary, not text: byte 9 is NUL"]),
        ("--text latin1.txt", &["latin1.txt: not UTF-8 text: byte 3 is 0xe9"]),
        ("--text cut.txt", &["cut.txt: not UTF-8 text: byte 3 is 0xc3"]),
        ("--text nowhere.txt", &["nowhere.txt: no such file or directory"]),
        ("--text .", &["is a directory"]),
        ("--text -", &["--stream: only a file can be read in pieces"]),
        ("", &["--stream: only a file can be read in pieces"]),
        ("--text text.txt --validation latin1.txt", &["latin1.txt: not UTF-8 text"]),
    ] {
        bad_input(at, &format!("{GPT} --out run --stream {arguments}"), words);
    }
    bad_input(at, "train seq2seq --pairs pairs.tsv --stream", &["--stream: the rung seq2seq has no such setting"]);
    bad_input(
        at,
        &format!("{GPT} --out run --pairs pairs.tsv --stream"),
        &["--stream: pairs and dialogues are read whole; only a text is streamed"],
    );
    bad_input(at, "train seq2seq --pairs pairs.tsv --cache x", &["--cache: the rung seq2seq has no such setting"]);
    // A tokenizer that does not know the text: the file that was begun is gone.
    rungs(at, &format!("{GPT} --text text.txt --out run")).done();
    let greek = format!("{GPT} --out other --stream --text greek.txt --tokenizer run");
    bad_input(at, &greek, &["greek.txt: unknown character 'α' at position 13"]);
    // Ctrl-C has the exit code that it has while training.
    let refused = Ran::of(&command(at, &format!("{GPT} --out short --stream --text short.txt")).output().unwrap());
    refused.refused(2, &["short.txt: too short"]);
}
