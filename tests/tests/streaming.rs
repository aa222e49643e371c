//! Texts that are larger than memory: whatever the pieces, the tokens are those of the whole text, the run is the run
//! that it would have been in memory, and neither a kill nor a changed text leaves a file of tokens that is believed.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rungs::trainer::Control;
use rungs::trainer::data::IdsFile;
use rungs::{Corpus, Rung, Settings, StreamedCorpus, TextFile, TokenizerKind};
use rungs_text::tokenizer::{BpeTokenizer, PieceEncoder, PieceLearner, WordOptions};
use rungs_text::{Tokenizer, TokenizerError};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::{self, Ran, bad_input, command, rungs, snapshot, text};

/// What texts are made of here: everything at which a cut could go wrong.
const FRAGMENTS: [&str; 28] = [
    "a",
    "the",
    " cat",
    "don",
    "'",
    "’",
    "t",
    "'ll",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "12",
    "3456",
    ".",
    "...",
    "猫",
    "кот",
    "é",
    "e\u{301}",
    "😀",
    "<|endoftext|>",
    "<|end",
    "of",
    "text|>",
    "|",
];

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 1..60).prop_map(|parts| parts.concat())
}

/// The text in pieces that end where `cuts` say, at the nearest character.
fn pieces<'t>(text: &'t str, cuts: &[prop::sample::Index]) -> Vec<&'t str> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut begin = 0;
    let mut pieces = Vec::new();
    for end in ends {
        let end = (begin.max(end)..).find(|&end| text.is_char_boundary(end)).unwrap();
        pieces.push(&text[begin..end]);
        begin = end;
    }
    pieces
}

fn encoded(tokenizer: &Tokenizer, pieces: &[&str]) -> Vec<u32> {
    let mut encoder = PieceEncoder::new(tokenizer).unwrap();
    let mut ids = Vec::new();
    pieces.iter().for_each(|piece| encoder.push(piece, &mut ids).unwrap());
    encoder.finish(&mut ids).unwrap();
    ids
}

/// A text with every fragment in it, beside many others.
fn example() -> String {
    let beside =
        |i: usize| (0..FRAGMENTS.len()).map(move |j| [FRAGMENTS[i], FRAGMENTS[(i + j) % FRAGMENTS.len()]].concat());
    (0..FRAGMENTS.len()).flat_map(beside).collect()
}

fn byte_pairs(change: impl FnOnce(&mut Value)) -> Tokenizer {
    let learnt = BpeTokenizer::from_text(&example(), 256 + 40).unwrap();
    let mut file: Value = serde_json::from_str(&learnt.to_json()).unwrap();
    change(&mut file);
    Tokenizer::from_json(&file.to_string()).unwrap()
}

fn added(id: u32, content: &str) -> Value {
    json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true })
}

/// Tokenizers of every kind, and byte pairs that cut words in every way.
fn tokenizers() -> Vec<(&'static str, Tokenizer)> {
    let spelled = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false });
    let split = |regex: &str, behavior: &str, invert: bool| {
        let first = json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": behavior, "invert": invert });
        let sequence = json!({ "type": "Sequence", "pretokenizers": [first, spelled] });
        byte_pairs(|file| file["pre_tokenizer"] = sequence)
    };
    // GPT-4's and Llama 3's.
    let gpt4 = concat!(
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    );
    vec![
        ("characters", Tokenizer::char_from(&example()).unwrap()),
        ("words", Tokenizer::word_from(&example(), WordOptions::default()).unwrap()),
        ("gpt-2", byte_pairs(|_| ())),
        ("gpt-4", split(gpt4, "Isolated", false)),
        ("removed", split(r"\S+", "Removed", true)),
        ("next", split(r"\s", "MergedWithNext", false)),
        ("previous", split(r"\s|$", "MergedWithPrevious", false)),
        (
            "added",
            byte_pairs(|file| {
                file["added_tokens"] = json!([added(296, "<|endoftext|>"), added(297, "<|end"), added(298, "don't")]);
            }),
        ),
        (
            "digits",
            byte_pairs(|file| {
                let digits = json!({ "type": "Digits", "individual_digits": false });
                file["pre_tokenizer"] = json!({ "type": "Sequence", "pretokenizers": [digits, file["pre_tokenizer"]] });
            }),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_tokens_of_the_pieces_are_those_of_the_text(
        text in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)
    ) {
        thread_local!(static ALL: Vec<(&'static str, Tokenizer)> = tokenizers());
        let pieces = pieces(&text, &cuts);
        ALL.with(|all| {
            for (name, tokenizer) in all {
                let expected = tokenizer.encode(&text).unwrap();
                prop_assert_eq!(encoded(tokenizer, &pieces), expected, "{}: {:?}", name, &pieces);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_vocabulary_of_the_pieces_is_that_of_the_text(
        text in texts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12), minimum_count in 1_usize..3
    ) {
        let options = WordOptions { minimum_count, maximum_size: None };
        let learners = [
            (PieceLearner::chars(), Tokenizer::char_from(&text)),
            (PieceLearner::words(options), Tokenizer::word_from(&text, options)),
            (PieceLearner::bpe(258, None).unwrap(), Tokenizer::bpe_from(&text, 258)),
            (
                PieceLearner::bpe(260, Some("<|endoftext|>")).unwrap(),
                BpeTokenizer::from_documents(&text, "<|endoftext|>", 260).map(Tokenizer::from),
            ),
        ];
        for (mut learner, expected) in learners {
            pieces(&text, &cuts).into_iter().for_each(|piece| learner.push(piece).unwrap());
            prop_assert_eq!(learner.finish(), expected);
        }
    }
}

#[test]
fn most_of_a_piece_is_settled() {
    // Otherwise memory would grow with the text.
    let text = "the cat don't catch the 12 tea. ".repeat(2000);
    for (name, tokenizer) in tokenizers() {
        let mut encoder = PieceEncoder::new(&tokenizer).unwrap();
        let mut ids = Vec::new();
        encoder.push(&text, &mut ids).unwrap();
        let whole = tokenizer.encode(&text).unwrap();
        assert!(whole.len() - ids.len() < 16, "{name}: {} of {}", ids.len(), whole.len());
    }
}

#[test]
fn tokenizers_that_read_a_text_as_a_whole_say_so() {
    for change in [
        json!({ "normalizer": { "type": "NFC" } }),
        json!({ "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                                   "use_regex": true } }),
        json!({ "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                                   "use_regex": false } }),
        json!({ "added_tokens": [{ "id": 296, "content": "<mask>", "single_word": false, "lstrip": true,
                                   "rstrip": false, "normalized": false, "special": true }] }),
    ] {
        let tokenizer = byte_pairs(|file| {
            for (key, value) in change.as_object().unwrap() {
                file[key] = value.clone();
            }
        });
        assert_eq!(PieceEncoder::new(&tokenizer).unwrap_err(), TokenizerError::Whole, "{change}");
    }
}

#[test]
fn an_unknown_character_is_named_with_its_place_in_the_whole_text() {
    let tokenizer = Tokenizer::char_from("abc").unwrap();
    let mut encoder = PieceEncoder::new(&tokenizer).unwrap();
    encoder.push("abcabc", &mut Vec::new()).unwrap();
    let error = encoder.push("cbz", &mut Vec::new()).unwrap_err();
    assert_eq!(error, tokenizer.encode("abcabccbz").unwrap_err());
}

fn all(file: &IdsFile) -> Vec<u32> {
    let mut ids = Vec::new();
    file.read(0, file.len(), &mut ids).unwrap();
    ids
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
fn a_streamed_corpus_is_the_corpus_and_is_made_once() {
    let folder = TempDir::new().unwrap();
    let (path, held_out, cache) =
        (folder.path().join("text"), folder.path().join("other"), folder.path().join("a/cache"));
    let (content, other) = (long_text(), "the cat, the 猫 and l’été: 3.\n".repeat(50));
    fs::write(&path, &content).unwrap();
    fs::write(&held_out, &other).unwrap();
    let read = std::cell::Cell::new(0);
    let mut count = |_| {
        read.set(read.get() + 1);
        Control::Continue
    };
    for kind in [TokenizerKind::Char, TokenizerKind::Word, TokenizerKind::Bpe(300)] {
        for validation in [None, Some(&held_out)] {
            let mut settings = Settings::of(Rung::Gpt);
            settings.tokenizer = kind.clone();
            let content_of_validation =
                validation.map(|_| other.replace('a', if kind == TokenizerKind::Char { "ä" } else { "a" }));
            if let Some(other) = &content_of_validation {
                fs::write(&held_out, other).unwrap();
            }
            let corpus = Corpus::new(&content, content_of_validation.as_deref(), &settings).unwrap();
            let text = TextFile::open(&path, &cache, &mut count).unwrap();
            let other = validation.map(|path| TextFile::open(path, &cache, &mut count).unwrap());
            assert_eq!(text.source().sha256, rungs::Source::of("x", &content).sha256);
            let streamed = StreamedCorpus::new(&text, other.as_ref(), None, &settings, &cache, &mut count).unwrap();
            assert!(streamed.tokenizer == corpus.tokenizer, "{kind}");
            assert!(all(&streamed.train) == *corpus.train && all(&streamed.validation) == *corpus.validation, "{kind}");
            assert!((streamed.characters_per_token() - corpus.characters_per_token).abs() < 1e-12);

            // Nothing is read a second time.
            let mut nothing = |reading| panic!("{reading:?}");
            let text = TextFile::open(&path, &cache, &mut nothing).unwrap();
            let other = validation.map(|path| TextFile::open(path, &cache, &mut nothing).unwrap());
            let tokenizer = Some(streamed.tokenizer.clone());
            let again = StreamedCorpus::new(&text, other.as_ref(), tokenizer, &settings, &cache, &mut nothing).unwrap();
            assert_eq!(
                (again.train.path(), again.validation.path()),
                (streamed.train.path(), streamed.validation.path())
            );
        }
    }
    assert!(read.get() > 0);
    // A changed text is another one, though its size is the same.
    let settings = Settings::of(Rung::Gpt);
    let changed = content.replacen("the cat", "tho cat", 1);
    fs::write(&path, &changed).unwrap();
    let text = TextFile::open(&path, &cache, &mut count).unwrap();
    let streamed = StreamedCorpus::new(&text, None, None, &settings, &cache, &mut count).unwrap();
    assert_eq!(all(&streamed.train), *Corpus::new(&changed, None, &settings).unwrap().train);
}

#[test]
fn reading_can_be_stopped_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let (path, cache) = (folder.path().join("text"), folder.path().join("cache"));
    fs::write(&path, long_text()).unwrap();
    let before = snapshot(folder.path());
    for stop in 1..12 {
        let mut left = stop;
        let mut stopping = |_| {
            left -= 1;
            if left == 0 { Control::Stop } else { Control::Continue }
        };
        let streamed = TextFile::open(&path, &cache, &mut stopping)
            .and_then(|text| StreamedCorpus::new(&text, None, None, &Settings::of(Rung::Gpt), &cache, &mut stopping));
        assert_eq!(streamed.unwrap_err().to_string(), "stopped while the text was being read; nothing was trained");
        // A part that was finished before may stay; it is whole.
        let after = snapshot(folder.path());
        assert!(after == before || after.iter().all(|(path, _)| !path.to_string_lossy().ends_with(".next")), "{stop}");
    }
}

/// A run that takes a moment.
const GPT: &str =
    "train gpt --heads 2 --layers 1 --hidden 16 --context 16 --batch-size 4 --steps 30 --evaluate-every 10 --json";
const LSTM: &str =
    "train lstm --layers 1 --hidden 16 --context 16 --batch-size 4 --steps 30 --evaluate-every 10 --json";

fn model(at: &Path, run: &str) -> Vec<u8> {
    fs::read(at.join(run).join("model.safetensors")).unwrap()
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
    bad_input(at, "train seq2seq --documents x", &["documents: pairs are not parted by a text"]);
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
    bad_input(
        at,
        "train seq2seq --pairs pairs.tsv --stream",
        &["--stream: pairs and dialogues are read whole; only a text is streamed"],
    );
    bad_input(at, "train seq2seq --pairs pairs.tsv --cache x", &["--cache: pairs and dialogues are read whole"]);
    // A tokenizer that does not know the text: the file that was begun is gone.
    rungs(at, &format!("{GPT} --text text.txt --out run")).done();
    let greek = format!("{GPT} --out other --stream --text greek.txt --tokenizer run");
    bad_input(at, &greek, &["greek.txt: unknown character 'α' at position 13"]);
    // Ctrl-C has the exit code that it has while training.
    let refused = Ran::of(&command(at, &format!("{GPT} --out short --stream --text short.txt")).output().unwrap());
    refused.refused(2, &["short.txt: too short"]);
}
