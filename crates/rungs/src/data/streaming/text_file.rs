//! A text in a file, and what is known of it without reading it again.

use crate::text::foreign_encoding::not_text;
use crate::text::plain_text;
use crate::trainer::checkpoint::{AtomicFile, Checksum, checksum, open_regular, read_regular};
use crate::trainer::{Control, TrainError};
use crate::{Error, Provenance};
use serde::{Deserialize, Serialize};
use std::fs::{self, Metadata};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How many bytes of a text are read at a time.
const PIECE: usize = 1 << 20;

/// Progress of a pass over a text file.
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

/// A text in a file, of which all is known that takes reading it. That is written down, so that it need not be read
/// again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    format: u32,
    path: PathBuf,
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u128,
    /// Whether it is read as it is, and not as [plain text](plain_text).
    verbatim: bool,
    /// Whether lines end in CR LF.
    pub has_carriage_returns: bool,
    pub(super) sha256: String,
    pub(super) characters: u64,
}

/// The version of what is written down that is written, and the only one that is read.
const FORMAT: u32 = 2;

/// The bytes of a large text: in memory its tokens would take four times as much, or more.
const LARGE: u64 = 1 << 26;

impl TextFile {
    /// Whether the text in the file `path` is so large that it had better be streamed.
    pub fn is_large(path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() >= LARGE)
    }

    /// The text in the file `path`, as [plain text](plain_text); or as it is, if `learnt` is the checksum of that, of a
    /// run that learnt it so. It is read through, in pieces, unless the folder `cache` says of an earlier time what is
    /// in it. Nothing is written.
    ///
    /// # Errors
    /// If it cannot be read, is no UTF-8 text, has a NUL in it or is empty, with the byte; or if it was to stop.
    pub fn open(path: &Path, cache: &Path, learnt: Option<&str>, on_reading: OnReading<'_>) -> Result<Self, Error> {
        let plain = Self::read(path, cache, false, on_reading)?;
        if learnt.is_none_or(|sha256| sha256 == plain.sha256) {
            return Ok(plain);
        }
        let verbatim = Self::read(path, cache, true, on_reading)?;
        Ok(if learnt == Some(&verbatim.sha256) { verbatim } else { plain })
    }

    fn read(path: &Path, cache: &Path, verbatim: bool, on_reading: OnReading<'_>) -> Result<Self, Error> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let metadata = fs::metadata(&path).map_err(TrainError::reading(&path))?;
        let (bytes, modified) = (metadata.len(), modified(&metadata));
        let written =
            read_regular(&note(&path, cache)).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let now = (FORMAT, &path, bytes, modified, verbatim);
        let same = |was: &Self| (was.format, &was.path, was.bytes, was.modified, was.verbatim) == now;
        if let Some(known) = written.filter(same) {
            return Ok(known);
        }
        let (mut checksum, mut characters) = (Checksum::default(), 0);
        let has_carriage_returns = read_pieces(&path, verbatim, "reading", on_reading, &mut |piece| {
            checksum.update(piece.as_bytes());
            characters += piece.chars().count() as u64;
            Ok(())
        })?;
        if characters == 0 {
            return Err(Error::file(path, "the text is empty"));
        }
        let sha256 = checksum.finish();
        Ok(Self { format: FORMAT, path, bytes, modified, verbatim, has_carriage_returns, sha256, characters })
    }

    /// The whole of it, of what is in the file.
    pub fn whole(&self, content: String) -> String {
        if self.verbatim { content } else { plain_text(&content).into_owned() }
    }

    /// Where it came from, as a run's configuration has it: the same as of the text in memory.
    pub fn provenance(&self) -> Provenance {
        Provenance { name: self.path.display().to_string(), sha256: self.sha256.clone() }
    }

    /// Writes down what is known of it.
    pub(super) fn remember(&self, cache: &Path) -> Result<(), Error> {
        let note = note(&self.path, cache);
        let json = serde_json::to_vec_pretty(self).expect("numbers and strings are JSON");
        let written = fs::create_dir_all(cache).and_then(|()| AtomicFile::write(&note, |to| to.write_all(&json)));
        Ok(written.map_err(TrainError::saving(&note))?)
    }

    /// Calls `each` with the pieces of a part of a text.
    pub(super) fn read_part(
        &self,
        characters: Range<u64>,
        what: &'static str,
        on_reading: OnReading<'_>,
        each: &mut dyn FnMut(&str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut at = 0;
        let path = &self.path;
        read_pieces(path, self.verbatim, what, on_reading, &mut |piece| {
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
        let metadata = fs::metadata(path).map_err(TrainError::reading(path))?;
        let same = (metadata.len(), modified(&metadata)) == (self.bytes, self.modified);
        if same { Ok(()) } else { Err(Error::file(path, "the text was changed while it was read")) }
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

/// Calls `each` with a text, piece by piece, and checks that it is one. Whether lines end in CR LF.
fn read_pieces(
    path: &Path,
    verbatim: bool,
    what: &'static str,
    on_reading: OnReading<'_>,
    each: &mut dyn FnMut(&str) -> Result<(), Error>,
) -> Result<bool, Error> {
    let unreadable = TrainError::reading(path);
    let mut file = open_regular(path).map_err(&unreadable)?;
    let of = file.metadata().map_err(&unreadable)?.len();
    let (mut bytes, mut done, mut has_carriage_returns) = (Vec::with_capacity(PIECE + 4), 0_u64, false);
    loop {
        let before = bytes.len();
        file.by_ref().take(PIECE as u64).read_to_end(&mut bytes).map_err(&unreadable)?;
        let ended = bytes.len() == before;
        if let Some(at) = bytes[before..].iter().position(|&byte| byte == 0) {
            return Err(Error::file(path, not_text(&bytes, before + at, done)));
        }
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            // The last character may be cut.
            Err(error) if error.error_len().is_none() && !ended => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid so far")
            }
            Err(error) => {
                return Err(Error::file(path, not_text(&bytes, error.valid_up_to(), done)));
            }
        };
        // The LF of a CR may be in the next piece.
        let whole = if ended || verbatim { whole } else { whole.strip_suffix('\r').unwrap_or(whole) };
        has_carriage_returns |= whole.contains("\r\n");
        let piece = match (verbatim, done) {
            (true, _) => whole.into(),
            (false, 0) => plain_text(whole),
            (false, _) => whole.replace("\r\n", "\n").into(), // a mark in the middle is no mark
        };
        if !piece.is_empty() {
            each(&piece)?;
        }
        let taken = whole.len();
        done += taken as u64;
        bytes.drain(..taken);
        if on_reading(Reading { what, done, of }) == Control::Stop {
            return Err(Error::Stopped);
        }
        if ended {
            return Ok(has_carriage_returns);
        }
    }
}
