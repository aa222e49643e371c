//! Token ids in a file, for texts that are larger than memory.
//!
//! ```text
//! 0    "rungsids"                    what it is
//! 8    format version                u32, as every number little-endian
//! 12   W, bytes of an id             u32: 2 if the vocabulary has at most 65,536 tokens, else 4
//! 16   number of ids                 u64
//! 24   vocabulary                    u64
//! 32   characters of the text        u64
//! 40   key                           SHA-256 of whatever the ids depend on
//! 72   SHA-256 of the 72 bytes before
//! 104  the ids, W bytes each
//! ```
//!
//! It is written under another name ([`IdsWriter`](super::IdsWriter)), synced and renamed, so a file of the right name
//! is whole; what killed writers left is removed by the next that finishes. The ids themselves have no checksum, which
//! would have to be read to be compared: the file's length is checked when it is opened, and every id that is read
//! against the vocabulary. It is a cache and can be made again.
//!
//! Windows are read where they lie, one system call each, and nothing is mapped into memory: that would be `unsafe`,
//! since a file that another program shortens makes a mapped access a signal, where a read is an error. What was read
//! lately the system keeps in its page cache all the same.

use crate::trainer::TrainError;
use crate::trainer::checkpoint::sha256;
use crate::trainer::data::StoredIds;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"rungsids";
/// The version of the layout that is written, and the only one that is read.
const FORMAT: u32 = 1;
pub(super) const HEADER: usize = 104;
/// Where the header's own checksum begins.
const SUMMED: usize = 72;
/// The largest vocabulary whose ids fit two bytes.
pub(super) const SHORT: usize = 1 << 16;

/// What the ids of a file depend on, hashed: text, range, tokenizer. A file with another key is another cache.
pub type Key = [u8; 32];

/// Token ids in a file, to be read where they lie.
#[derive(Debug)]
pub struct IdsFile {
    path: PathBuf,
    file: File,
    header: Header,
}

impl IdsFile {
    /// Opens a file of ids, if there is one with this key; none if there is not, be it that the text has changed, that
    /// the file is not whole, or that it is of another format.
    ///
    /// # Errors
    /// If there is a file and it cannot be read.
    pub fn open(path: &Path, key: &Key) -> Result<Option<Self>, TrainError> {
        let unreadable = TrainError::reading(path);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let length = file.metadata().map_err(&unreadable)?.len();
        let mut header = [0; HEADER];
        if length < HEADER as u64 {
            return Ok(None);
        }
        read_exact_at(&file, &mut header, 0).map_err(&unreadable)?;
        let header = Header::read(&header).filter(|header| header.key == *key && header.length() == Some(length));
        Ok(header.map(|header| Self { path: path.to_owned(), file, header }))
    }
}

/// The file is damaged, too, if it has an id outside of the vocabulary.
impl StoredIds for IdsFile {
    fn len(&self) -> usize {
        self.header.ids as usize
    }

    fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError> {
        let (all, Header { width, vocabulary, .. }) = (self.len(), self.header);
        assert!(start.checked_add(length).is_some_and(|end| end <= all), "ids {start} + {length} of {all}");
        let mut bytes = vec![0; length * width];
        let place = (HEADER + start * width) as u64;
        read_exact_at(&self.file, &mut bytes, place).map_err(TrainError::reading(&self.path))?;
        ids.extend(bytes.chunks_exact(width).map(|id| match *id {
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => unreachable!("ids have two bytes or four"),
        }));
        let read = &ids[ids.len() - length..];
        match read.iter().find(|&&id| u64::from(id) >= vocabulary) {
            Some(id) => {
                let damage = format!("id {id} of a vocabulary of {vocabulary}");
                Err(TrainError::file(&self.path, format!("damaged: {damage}; remove it to have it made again")))
            }
            None => Ok(()),
        }
    }
}

#[derive(Copy, Clone, Debug)]
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) ids: u64,
    pub(super) vocabulary: u64,
    /// Of the text that the ids stand for.
    pub(super) characters: u64,
    pub(super) key: Key,
}

impl Header {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        [FORMAT, self.width as u32].iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        let numbers = [self.ids, self.vocabulary, self.characters];
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&sha256(&bytes));
        bytes.try_into().expect("the fields fill the header")
    }

    /// The bytes of the whole file, if it can have so many.
    fn length(&self) -> Option<u64> {
        let ids = usize::try_from(self.ids).ok()? as u64;
        ids.checked_mul(self.width as u64)?.checked_add(HEADER as u64)
    }

    /// None if it is damaged or of another format.
    fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let (fields, sum) = bytes.split_at(SUMMED);
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let [version, width] = [8, 12].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        let known = fields.starts_with(MAGIC) && version == FORMAT && matches!(width, 2 | 4);
        (known && sha256(fields) == *sum).then(|| Self {
            width: width as usize,
            ids: number(16),
            vocabulary: number(24),
            characters: number(32),
            key: bytes[40..SUMMED].try_into().expect("thirty-two bytes"),
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => (bytes, at) = (&mut bytes[read..], at + read as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
