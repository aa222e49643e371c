//! Texts that are larger than memory: read from the disk in pieces, made into tokens once, and trained on from the file
//! of their ids.
//!
//! | pass over the text | what for | left out if |
//! |---|---|---|
//! | 1 | that it is text; its characters, its SHA-256 | size and time of change are those of an earlier time |
//! | 2 | the vocabulary, from the words of the part to train on | there is a tokenizer |
//! | 3 | the ids of both parts, each into a [file](crate::trainer::data::IdsFile) | there are such files |
//!
//! A run learns the same as from a [`Corpus`](crate::Corpus) of the same text, bit for bit: the same parts, the same
//! vocabulary, the same ids, and windows from the same places. Memory is needed for a piece of the text, for the
//! different words while a vocabulary is learnt, and for the windows of a batch; none of it grows with the length of
//! the text.
//!
//! The files go into a folder, the *cache*, and can be shared by runs. What a file depends on (the text's SHA-256,
//! which part, the tokenizer) is hashed into its header and its name, so a changed text or another tokenizer is another
//! file; nothing is ever read that belongs to something else. Whether the text has changed is told by its size and its
//! time of change, as `make` does; where those differ, by its SHA-256.

use crate::corpus::{WORDS, check_separator};
use crate::settings::{Learns, Settings, TokenizerKind};
use crate::text::Tokenizer;
use crate::text::tokenizer::{PieceEncoder, PieceLearner};
use crate::trainer::checkpoint::{Checksum, checksum};
use crate::trainer::data::{IdsFile, IdsWriter, Key};
use crate::trainer::{Control, TrainError};
use crate::{Error, Source, Tokens};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How many bytes of a text are read at a time.
const PIECE: usize = 1 << 20;

/// What is being done with a text, and how far it has come.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reading {
    /// `reading`, `learning tokens` or `making tokens`.
    pub what: &'static str,
    /// The bytes that were read.
    pub done: u64,
    /// The bytes of the text.
    pub of: u64,
}

/// Is told how far a text has been read, and says whether to go on.
pub type OnReading<'a> = &'a mut dyn FnMut(Reading) -> Control;

/// A text in a file, of which all is known that takes reading it.
#[derive(Clone, Debug, PartialEq)]
pub struct TextFile {
    known: Known,
}

/// What is written down of a text, so that it need not be read again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    format: u32,
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u128,
    sha256: String,
    characters: u64,
}

/// The version of [`Known`] that is written, and the only one that is read.
const FORMAT: u32 = 1;

impl TextFile {
    /// The text in the file `path`. It is read through, in pieces, unless the folder `cache` says of an earlier time
    /// what is in it. Nothing is written.
    ///
    /// # Errors
    /// If it cannot be read, is no UTF-8 text, has a NUL in it or is empty, with the byte; or if it was to stop.
    pub fn open(path: &Path, cache: &Path, on_reading: OnReading<'_>) -> Result<Self, Error> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let metadata = fs::metadata(&path).map_err(unreadable(&path))?;
        let (bytes, modified) = (metadata.len(), modified(&metadata));
        let written = fs::read(note(&path, cache)).ok().and_then(|json| serde_json::from_slice::<Known>(&json).ok());
        let same = |known: &Known| {
            known.format == FORMAT && (&known.path, known.bytes, known.modified) == (&path, bytes, modified)
        };
        if let Some(known) = written.filter(same) {
            return Ok(Self { known });
        }
        let (mut checksum, mut characters) = (Checksum::default(), 0);
        read_pieces(&path, "reading", on_reading, &mut |piece| {
            checksum.update(piece.as_bytes());
            characters += piece.chars().count() as u64;
            Ok(())
        })?;
        if characters == 0 {
            return Err(Error::File { path, problem: "the text is empty".to_owned() });
        }
        let known = Known { format: FORMAT, path, bytes, modified, sha256: checksum.finish(), characters };
        Ok(Self { known })
    }

    /// Where it came from, as a run's configuration has it: the same as of the text in memory.
    pub fn source(&self) -> Source {
        Source { name: self.known.path.display().to_string(), sha256: self.known.sha256.clone() }
    }

    /// Writes down what is known of it.
    fn remember(&self, cache: &Path) -> Result<(), Error> {
        let note = note(&self.known.path, cache);
        let json = serde_json::to_vec_pretty(&self.known).expect("numbers and strings are JSON");
        // Of one name: what a killed process leaves is written over, and one torn by two that write it at once is no
        // JSON.
        let next = note.with_extension("next");
        let written =
            fs::create_dir_all(cache).and_then(|()| fs::write(&next, json)).and_then(|()| fs::rename(&next, &note));
        written.map_err(|source| TrainError::Save { path: note, source }.into())
    }
}

/// Where it is written down what is known of a text.
fn note(path: &Path, cache: &Path) -> PathBuf {
    cache.join(format!("text-{}.json", &checksum(path.as_os_str().as_encoded_bytes())[..16]))
}

fn modified(metadata: &Metadata) -> u128 {
    let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map_or(0, |time| time.as_nanos())
}

/// A text as token ids in files, in a part to train on and a part to validate on.
#[derive(Clone, Debug)]
pub struct StreamedCorpus {
    /// What a token is.
    pub tokenizer: Tokenizer,
    /// The part to train on.
    pub train: IdsFile,
    /// The part held out.
    pub validation: IdsFile,
}

impl StreamedCorpus {
    /// The same parts and the same vocabulary as of [`Corpus::new`](crate::Corpus::new), or those of `tokenizer` where
    /// there is one already; the files of ids are in the folder `cache`, which is made if there is none.
    ///
    /// # Errors
    /// As [`Corpus::new`](crate::Corpus::new); if the tokenizer reads a text as a whole or not at all; if the disk
    /// refuses; or if it was to stop.
    pub fn new(
        text: &TextFile,
        validation: Option<&TextFile>,
        tokenizer: Option<Tokenizer>,
        settings: &Settings,
        cache: &Path,
        on_reading: OnReading<'_>,
    ) -> Result<Self, Error> {
        // Of a text that holds out its own end, how many characters are trained on.
        let share = 1.0 - settings.validation_split;
        let all = text.known.characters;
        let train_characters = if validation.is_some() { all } else { (all as f64 * share) as u64 };
        let tokenizer = match tokenizer {
            Some(tokenizer) => tokenizer,
            None => learn(text, validation, train_characters, settings, on_reading)?,
        };
        check_separator(&tokenizer, settings)?;
        PieceEncoder::new(&tokenizer)?;
        let sum = checksum(tokenizer.to_json().as_bytes());
        let mut parts = vec![Part::of(text, 0..train_characters, &sum, cache)];
        parts.push(match validation {
            Some(other) => Part::of(other, 0..other.known.characters, &sum, cache),
            None => Part::of(text, train_characters..all, &sum, cache),
        });
        let mut files = Vec::new();
        for (part, what) in parts.iter().zip(["training", "validation"]) {
            let file = match IdsFile::open(&part.path, &part.key)? {
                Some(file) => file,
                None => part.encode(&tokenizer, on_reading)?,
            };
            if file.len() < 2 {
                let problem = format!("too short: its {what} part has {} tokens, 2 are needed", file.len());
                return Err(Error::Text(problem));
            }
            files.push(file);
        }
        text.remember(cache)?;
        validation.map_or(Ok(()), |text| text.remember(cache))?;
        let [train, validation] = files.try_into().expect("two parts");
        Ok(Self { tokenizer, train, validation })
    }

    /// How many characters of the held-out text a token stands for, on average.
    pub fn characters_per_token(&self) -> f64 {
        self.validation.characters() as f64 / self.validation.len() as f64
    }
}

/// Learns the tokenizer of the settings, or opens it where it is that of a folder.
fn learn(
    text: &TextFile,
    validation: Option<&TextFile>,
    train_characters: u64,
    settings: &Settings,
    on_reading: OnReading<'_>,
) -> Result<Tokenizer, Error> {
    // As `Corpus` does: characters of both parts, words and byte pairs of what is trained on alone.
    let (mut learner, both) = match &settings.tokenizer {
        TokenizerKind::Char => (PieceLearner::chars(), true),
        TokenizerKind::Word => (PieceLearner::words(WORDS), false),
        TokenizerKind::Bpe(size) => (PieceLearner::bpe(*size, settings.documents.as_deref())?, false),
        TokenizerKind::Folder(path) => return Ok(Tokens::open(path, Learns::Text)?.text()?.clone()),
    };
    let upto = if both { text.known.characters } else { train_characters };
    read_part(text, 0..upto, "learning tokens", on_reading, &mut |piece| Ok(learner.push(piece)?))?;
    if let (true, Some(other)) = (both, validation) {
        let all = 0..other.known.characters;
        read_part(other, all, "learning tokens", on_reading, &mut |piece| Ok(learner.push(piece)?))?;
    }
    Ok(learner.finish()?)
}

/// A part of a text, in characters, and the file of its ids.
struct Part<'t> {
    text: &'t TextFile,
    characters: Range<u64>,
    key: Key,
    path: PathBuf,
}

impl<'t> Part<'t> {
    fn of(text: &'t TextFile, characters: Range<u64>, tokenizer: &str, cache: &Path) -> Self {
        let Range { start, end } = characters;
        let depends_on = format!("text {}\ncharacters {start} to {end}\ntokenizer {tokenizer}\n", text.known.sha256);
        let mut sum = Checksum::default();
        sum.update(depends_on.as_bytes());
        let name = format!("{}.ids", &sum.clone().finish()[..16]);
        Self { text, characters, key: sum.bytes(), path: cache.join(name) }
    }

    fn encode(&self, tokenizer: &Tokenizer, on_reading: OnReading<'_>) -> Result<IdsFile, Error> {
        let mut encoder = PieceEncoder::new(tokenizer)?;
        let mut writer = IdsWriter::create(&self.path, &self.key, tokenizer.vocabulary())?;
        let mut ids = Vec::new();
        read_part(self.text, self.characters.clone(), "making tokens", on_reading, &mut |piece| {
            encoder.push(piece, &mut ids)?;
            writer.write(&ids, piece.chars().count())?;
            ids.clear();
            Ok(())
        })?;
        encoder.finish(&mut ids)?;
        writer.write(&ids, 0)?;
        Ok(writer.finish()?)
    }
}

/// Calls `each` with the pieces of a part of a text.
fn read_part(
    text: &TextFile,
    characters: Range<u64>,
    what: &'static str,
    on_reading: OnReading<'_>,
    each: &mut dyn FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut at = 0;
    let path = &text.known.path;
    read_pieces(path, what, on_reading, &mut |piece| {
        let end = at + piece.chars().count() as u64;
        let byte = |character: u64| {
            let within = character.clamp(at, end) - at;
            let inside = || piece.char_indices().nth(within as usize).map_or(piece.len(), |(byte, _)| byte);
            if within == end - at { piece.len() } else { inside() }
        };
        let part = &piece[byte(characters.start)..byte(characters.end)];
        at = end;
        if part.is_empty() { Ok(()) } else { each(part) }
    })?;
    let metadata = fs::metadata(path).map_err(unreadable(path))?;
    match (metadata.len(), modified(&metadata)) == (text.known.bytes, text.known.modified) {
        true => Ok(()),
        false => Err(Error::File { path: path.clone(), problem: "the text was changed while it was read".to_owned() }),
    }
}

/// Calls `each` with a text, piece by piece, and checks that it is one.
fn read_pieces(
    path: &Path,
    what: &'static str,
    on_reading: OnReading<'_>,
    each: &mut dyn FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let problem = |problem: String| Error::File { path: path.to_owned(), problem };
    let mut file = File::open(path).map_err(unreadable(path))?;
    let of = file.metadata().map_err(unreadable(path))?.len();
    let (mut bytes, mut done) = (Vec::with_capacity(PIECE + 4), 0_u64);
    loop {
        let before = bytes.len();
        file.by_ref().take(PIECE as u64).read_to_end(&mut bytes).map_err(unreadable(path))?;
        let ended = bytes.len() == before;
        if let Some(at) = bytes[before..].iter().position(|&byte| byte == 0) {
            return Err(problem(format!("binary, not text: byte {} is NUL", done + (before + at) as u64)));
        }
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            // The last character may be cut.
            Err(error) if error.error_len().is_none() && !ended => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid so far")
            }
            Err(error) => {
                let at = error.valid_up_to();
                return Err(problem(format!("not UTF-8 text: byte {} is 0x{:02x}", done + at as u64, bytes[at])));
            }
        };
        if !whole.is_empty() {
            each(whole)?;
        }
        let taken = whole.len();
        done += taken as u64;
        bytes.drain(..taken);
        if on_reading(Reading { what, done, of }) == Control::Stop {
            return Err(Error::Stopped);
        }
        if ended {
            return Ok(());
        }
    }
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    |source| TrainError::Io { path, source }.into()
}
