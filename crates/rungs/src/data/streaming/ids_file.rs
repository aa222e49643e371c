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
//! 72   SHA-256 of the sums at the end
//! 104  SHA-256 of the 104 bytes before
//! 136  the ids, W bytes each
//!      the sums: for every 4096 bytes of ids, or fewer at their end, the first 8 bytes of their SHA-256
//! ```
//!
//! It is written under another name ([`IdsWriter`]), synced and renamed, so a file of the right name
//! is whole; what killed writers left is removed by the next that finishes. Length, header and sums are checked when it
//! is opened, and the ids when they are read, in blocks: to compare one sum of all, all would have to be read. It is a
//! cache and can be made again.
//!
//! Windows are read where they lie, and nothing is mapped into memory: that would be `unsafe`,
//! since a file that another program shortens makes a mapped access a signal, where a read is an error. What was read
//! lately the system keeps in its page cache all the same.

use crate::trainer::TrainError;
use crate::trainer::checkpoint::{AtomicFile, open_regular, sha256};
use crate::trainer::data::StoredIds;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const MAGIC: &[u8] = b"rungsids";
/// The version of the layout that is written, and the only one that is read.
const FORMAT: u32 = 2;
const HEADER: usize = 136;
/// How many bytes of ids have a sum.
const BLOCK: usize = 4096;
/// The largest vocabulary whose ids fit two bytes.
const SHORT: usize = 1 << 16;

/// What the ids of a file depend on, hashed: text, range, tokenizer. A file with another key is another cache.
pub type Key = [u8; 32];

/// The beginning of the SHA-256 of a block.
type Sum = [u8; 8];

fn sum(block: &[u8]) -> Sum {
    *sha256(block).first_chunk().expect("a SHA-256 has 32 bytes")
}

/// Token ids in a file, to be read where they lie.
#[derive(Debug)]
pub struct IdsFile {
    path: PathBuf,
    /// Where it is read next, which belongs to whoever holds the lock.
    file: Mutex<File>,
    header: Header,
    /// Those of the blocks.
    sums: Vec<Sum>,
}

impl IdsFile {
    /// Opens a file of ids, if there is one with this key; none if there is not, be it that the text has changed, that
    /// the file is not whole, or that it is of another format.
    ///
    /// # Errors
    /// If there is a file and it cannot be read.
    pub fn open(path: &Path, key: &Key) -> Result<Option<Self>, TrainError> {
        let unreadable = TrainError::reading(path);
        let mut file = match open_regular(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let length = file.metadata().map_err(&unreadable)?.len();
        let mut header = Vec::new();
        (&file).take(HEADER as u64).read_to_end(&mut header).map_err(&unreadable)?;
        let header = Header::read(&header).filter(|header| header.key == *key && header.length() == Some(length));
        let Some(header) = header else { return Ok(None) };
        let mut sums = Vec::new();
        let place = SeekFrom::Start(HEADER as u64 + header.bytes());
        file.seek(place).and_then(|_| file.read_to_end(&mut sums)).map_err(&unreadable)?;
        let whole = sha256(&sums) == header.sums;
        let sums = sums.as_chunks().0.to_vec();
        Ok(whole.then(|| Self { path: path.to_owned(), file: Mutex::new(file), header, sums }))
    }

    /// The bytes of the blocks that have these bytes of the ids, checked.
    fn blocks(&self, bytes: Range<usize>) -> Result<Vec<u8>, TrainError> {
        let start = bytes.start / BLOCK * BLOCK;
        let end = bytes.end.next_multiple_of(BLOCK).min(self.header.bytes() as usize);
        let mut blocks = vec![0; end - start];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start((HEADER + start) as u64)).and_then(|_| file.read_exact(&mut blocks));
        read.map_err(TrainError::reading(&self.path))?;
        match blocks.chunks(BLOCK).zip(&self.sums[start / BLOCK..]).all(|(block, known)| sum(block) == *known) {
            true => Ok(blocks),
            false => Err(self.damaged("its checksum is another")),
        }
    }

    fn damaged(&self, damage: &str) -> TrainError {
        TrainError::file(&self.path, format!("damaged: {damage}; remove it to have it made again"))
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
        let bytes = start * width..(start + length) * width;
        let (from, blocks) = (bytes.start % BLOCK, self.blocks(bytes)?);
        ids.extend(blocks[from..from + length * width].chunks_exact(width).map(|id| match *id {
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => unreachable!("ids have two bytes or four"),
        }));
        let outside = ids[ids.len() - length..].iter().find(|&&id| u64::from(id) >= vocabulary);
        let Some(id) = outside else { return Ok(()) };
        Err(self.damaged(&format!("id {id} of a vocabulary of {vocabulary}")))
    }
}

#[derive(Copy, Clone, Debug)]
struct Header {
    width: usize,
    ids: u64,
    vocabulary: u64,
    /// Length in characters of the text that the ids encode.
    characters: u64,
    key: Key,
    /// The SHA-256 of the sums.
    sums: [u8; 32],
}

impl Header {
    fn to_bytes(self) -> Vec<u8> {
        let [format, width] = [FORMAT, self.width as u32].map(u32::to_le_bytes);
        let numbers = [self.ids, self.vocabulary, self.characters].map(u64::to_le_bytes);
        let fields = [MAGIC, &format, &width, numbers.as_flattened(), &self.key, &self.sums].concat();
        [&fields[..], &sha256(&fields)].concat()
    }

    /// The bytes of the ids, if there can be so many: see [`length`](Self::length).
    fn bytes(&self) -> u64 {
        self.ids * self.width as u64
    }

    /// The bytes of the whole file, if it can have so many.
    fn length(&self) -> Option<u64> {
        let bytes = usize::try_from(self.ids.checked_mul(self.width as u64)?).ok()? as u64;
        let sums = bytes.div_ceil(BLOCK as u64) * size_of::<Sum>() as u64;
        bytes.checked_add(sums)?.checked_add(HEADER as u64)
    }

    /// None if it is damaged or of another format: written again, it would be other bytes.
    fn read(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let width = u32::from_le_bytes(bytes.get(12..16)?.try_into().ok()?) as usize;
        let [key, sums] = [40, 72].map(|at| bytes.get(at..at + 32)?.try_into().ok());
        let (ids, vocabulary, characters) = (number(16)?, number(24)?, number(32)?);
        let header = Self { width, ids, vocabulary, characters, key: key?, sums: sums? };
        (matches!(width, 2 | 4) && header.to_bytes() == bytes).then_some(header)
    }
}

/// Writes a file of ids, which is there when it is [finished](Self::finish) and not before.
#[derive(Debug)]
pub struct IdsWriter {
    path: PathBuf,
    file: AtomicFile,
    header: Header,
    /// The block that is not full yet, and the sums of those before it.
    block: Vec<u8>,
    sums: Vec<Sum>,
    /// Dropped last: a folder with a file in it cannot be removed.
    folders: NewFolders,
}

/// The folders that were made for a file, innermost first. They are removed again if it is not finished.
#[derive(Debug)]
struct NewFolders(Vec<PathBuf>);

impl NewFolders {
    fn of(path: &Path) -> io::Result<Self> {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let folders = Self(path.ancestors().skip(1).take_while(missing).map(Path::to_owned).collect());
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(folders)
    }
}

impl Drop for NewFolders {
    fn drop(&mut self) {
        // Best effort: a folder that something else is in by now stays.
        self.0.iter().all(|folder| fs::remove_dir(folder).is_ok());
    }
}

impl IdsWriter {
    /// Begins a file at `path`, whose folder is made if there is none.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn create(path: &Path, key: &Key, vocabulary: usize) -> Result<Self, TrainError> {
        let unsaved = TrainError::saving(path);
        let folders = NewFolders::of(path).map_err(&unsaved)?;
        let mut file = AtomicFile::create(path).map_err(&unsaved)?;
        file.writer().write_all(&[0; HEADER]).map_err(&unsaved)?;
        let width = if vocabulary <= SHORT { 2 } else { 4 };
        let header = Header { width, ids: 0, vocabulary: vocabulary as u64, characters: 0, key: *key, sums: [0; 32] };
        Ok(Self { path: path.to_owned(), file, header, block: Vec::new(), sums: Vec::new(), folders })
    }

    /// Appends the ids of a piece of text of so many characters.
    ///
    /// # Errors
    /// If the disk refuses.
    ///
    /// # Panics
    /// If an id is outside of the vocabulary.
    pub fn write(&mut self, ids: &[u32], characters: usize) -> Result<(), TrainError> {
        let Header { width, vocabulary, .. } = self.header;
        for &id in ids {
            assert!(u64::from(id) < vocabulary, "id {id} of a vocabulary of {vocabulary}");
            self.block.extend(&id.to_le_bytes()[..width]);
            if self.block.len() == BLOCK {
                self.write_block().map_err(TrainError::saving(&self.path))?;
            }
        }
        self.header.ids += ids.len() as u64;
        self.header.characters += characters as u64;
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.sums.push(sum(&self.block));
        self.file.writer().write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Writes the header, brings all to the disk, and gives the file its name.
    ///
    /// # Errors
    /// If the disk refuses. Then there is no file of that name, unless there was one before.
    pub fn finish(mut self) -> Result<IdsFile, TrainError> {
        let last = if self.block.is_empty() { Ok(()) } else { self.write_block() };
        let Self { path, mut file, mut header, sums, mut folders, .. } = self;
        header.sums = sha256(sums.as_flattened());
        let end = || {
            last?;
            file.writer().write_all(sums.as_flattened())?;
            file.writer().rewind()?;
            file.writer().write_all(&header.to_bytes())?;
            file.commit()
        };
        let written = end().map_err(TrainError::saving(&path));
        // Another process may have made the same file meanwhile, and removed ours as left over.
        match IdsFile::open(&path, &header.key)? {
            Some(file) => {
                folders.0.clear();
                remove_unfinished(&path);
                Ok(file)
            }
            None => Err(written.err().unwrap_or_else(|| TrainError::file(&path, "not what was just written"))),
        }
    }
}

/// Removes what writers that were killed have left of a file that is there now.
fn remove_unfinished(path: &Path) {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().map(|name| name.to_string_lossy())) else {
        return;
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        if other.strip_prefix(&*name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".next")) {
            _ = fs::remove_file(entry.path()); // best effort: it is in nobody's way
        }
    }
}

#[cfg(test)]
mod tests;
