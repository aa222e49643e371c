//! Reading a text piece by piece.

use crate::Error;
use crate::trainer::{Control, TrainError};
use std::fs::File;
use std::io::Read;
use std::path::Path;

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

/// Calls `each` with a text, piece by piece, and checks that it is one.
pub(super) fn read_pieces(
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

pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    |source| TrainError::Io { path, source }.into()
}
