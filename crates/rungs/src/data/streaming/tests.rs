//! A streamed text is learnt from as the same text in memory is, and made into tokens once.

use super::TextFile;
use crate::trainer::Control;
use crate::{Corpus, Rung, Settings, TokenizerKind};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Every file below a folder, with its content.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.push((path.clone(), Vec::new()));
            files.extend(snapshot(&path));
        } else {
            files.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

/// The files whose ids a corpus has.
fn files(corpus: &Corpus) -> Vec<String> {
    let parts = format!("{:?}", corpus.parts);
    parts.split('"').filter(|path| path.ends_with(".ids")).map(str::to_owned).collect()
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
            settings.data.tokenizer = kind.clone();
            let content_of_validation =
                validation.map(|_| other.replace('a', if kind == TokenizerKind::Char { "ä" } else { "a" }));
            if let Some(other) = &content_of_validation {
                fs::write(&held_out, other).unwrap();
            }
            let corpus = Corpus::new(&content, content_of_validation.as_deref(), &settings).unwrap();
            let text = TextFile::open(&path, &cache, None, &mut count).unwrap();
            let other = validation.map(|path| TextFile::open(path, &cache, None, &mut count).unwrap());
            assert_eq!(text.provenance().sha256, crate::Provenance::of("x", &content).sha256);
            let streamed = Corpus::streamed(&text, other.as_ref(), None, &settings, &cache, &mut count).unwrap();
            assert!(streamed.tokenizers == corpus.tokenizers, "{kind}");
            assert!(streamed.parts.ids() == corpus.parts.ids(), "{kind}");

            // Nothing is read a second time.
            let mut nothing = |reading| panic!("{reading:?}");
            let text = TextFile::open(&path, &cache, None, &mut nothing).unwrap();
            let other = validation.map(|path| TextFile::open(path, &cache, None, &mut nothing).unwrap());
            let tokenizer = Some(streamed.tokenizers.target.clone());
            let again = Corpus::streamed(&text, other.as_ref(), tokenizer, &settings, &cache, &mut nothing).unwrap();
            assert_eq!(files(&again), files(&streamed));
        }
    }
    assert!(read.get() > 0);
    // A changed text is another one, though its size is the same.
    let settings = Settings::of(Rung::Gpt);
    let changed = content.replacen("the cat", "tho cat", 1);
    fs::write(&path, &changed).unwrap();
    let text = TextFile::open(&path, &cache, None, &mut count).unwrap();
    let streamed = Corpus::streamed(&text, None, None, &settings, &cache, &mut count).unwrap();
    assert_eq!(streamed.parts.ids(), Corpus::new(&changed, None, &settings).unwrap().parts.ids());
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
        let streamed = TextFile::open(&path, &cache, None, &mut stopping)
            .and_then(|text| Corpus::streamed(&text, None, None, &Settings::of(Rung::Gpt), &cache, &mut stopping));
        assert_eq!(streamed.unwrap_err().to_string(), "stopped while the text was being read; nothing was trained");
        // A part that was finished before may stay; it is whole.
        let after = snapshot(folder.path());
        assert!(after == before || after.iter().all(|(path, _)| !path.to_string_lossy().ends_with(".next")), "{stop}");
    }
}
