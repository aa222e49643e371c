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
//! It is written under another name ([`IdsWriter`]), synced and renamed, so a file of the right name is whole; what
//! killed writers left is removed by the next that finishes. The ids themselves have no checksum, which would have to
//! be read to be compared: the file's length is checked when it is opened, and every id that is read against the
//! vocabulary. It is a cache and can be made again.
//!
//! Windows are read where they lie, one system call each, and nothing is mapped into memory: that would be `unsafe`,
//! since a file that another program shortens makes a mapped access a signal, where a read is an error. What was read
//! lately the system keeps in its page cache all the same.

use crate::TrainError;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"rungsids";
/// The version of the layout that is written, and the only one that is read.
const FORMAT: u32 = 1;
const HEADER: usize = 104;
/// Where the header's own checksum begins.
const SUMMED: usize = 72;
/// The largest vocabulary whose ids fit two bytes.
const SHORT: usize = 1 << 16;

/// What the ids of a file depend on, hashed: text, range, tokenizer. A file with another key is another cache.
pub type Key = [u8; 32];

/// Token ids in a file, to be read where they lie.
#[derive(Clone, Debug)]
pub struct IdsFile {
    opened: Arc<Opened>,
}

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    file: File,
    width: usize,
    ids: usize,
    vocabulary: usize,
    characters: u64,
}

impl IdsFile {
    /// Opens a file of ids, if there is one with this key; none if there is not, be it that the text has changed, that
    /// the file is not whole, or that it is of another format.
    ///
    /// # Errors
    /// If there is a file and it cannot be read.
    pub fn open(path: &Path, key: &Key) -> Result<Option<Self>, TrainError> {
        let unreadable = |source| TrainError::Io { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let length = file.metadata().map_err(unreadable)?.len();
        let mut header = [0; HEADER];
        if length < HEADER as u64 {
            return Ok(None);
        }
        read_exact_at(&file, &mut header, 0).map_err(unreadable)?;
        let opened = Header::read(&header).filter(|header| header.key == *key).and_then(|header| {
            let bytes = header.ids.checked_mul(header.width as u64)?.checked_add(HEADER as u64)?;
            let ids = usize::try_from(header.ids).ok().filter(|_| bytes == length)?;
            let vocabulary = usize::try_from(header.vocabulary).ok()?;
            Some(Opened {
                path: path.to_owned(),
                file,
                width: header.width,
                ids,
                vocabulary,
                characters: header.characters,
            })
        });
        Ok(opened.map(|opened| Self { opened: Arc::new(opened) }))
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.opened.ids
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many characters of text they stand for.
    pub fn characters(&self) -> u64 {
        self.opened.characters
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.opened.path
    }

    /// Appends the `length` ids from `start` on to `ids`.
    ///
    /// # Errors
    /// If the file cannot be read, was shortened, or has an id outside of the vocabulary: it is damaged.
    ///
    /// # Panics
    /// If the file never had so many.
    pub fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError> {
        let Opened { path, file, width, ids: all, vocabulary, .. } = &*self.opened;
        assert!(start.checked_add(length).is_some_and(|end| end <= *all), "ids {start} + {length} of {all}");
        let mut bytes = vec![0; length * width];
        read_exact_at(file, &mut bytes, (HEADER + start * width) as u64)
            .map_err(|source| TrainError::Io { path: path.clone(), source })?;
        ids.extend(bytes.chunks_exact(*width).map(|id| match *id {
            [a, b] => u32::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => unreachable!("ids have two bytes or four"),
        }));
        let read = &ids[ids.len() - length..];
        match read.iter().find(|&&id| id as usize >= *vocabulary) {
            Some(id) => {
                let problem =
                    format!("damaged: id {id} of a vocabulary of {vocabulary}; remove it to have it made again");
                Err(TrainError::File { path: path.clone(), problem })
            }
            None => Ok(()),
        }
    }
}

/// Writes a file of ids, which is there when it is [finished](Self::finish) and not before.
#[derive(Debug)]
pub struct IdsWriter {
    path: PathBuf,
    file: BufWriter<File>,
    header: Header,
    leftovers: Leftovers,
}

/// What is removed again if a file is not finished, in this order: the file, and the folders that were made for it.
#[derive(Debug, Default)]
struct Leftovers {
    file: PathBuf,
    folders: Vec<PathBuf>,
}

impl Leftovers {
    fn of(path: &Path) -> Self {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let folders = path.ancestors().skip(1).take_while(missing).map(Path::to_owned).collect();
        Self { file: unfinished(path), folders }
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        // Best effort: a folder that something else is in by now stays.
        _ = fs::remove_file(&self.file);
        self.folders.iter().all(|folder| fs::remove_dir(folder).is_ok());
    }
}

impl IdsWriter {
    /// Begins a file at `path`, whose folder is made if there is none. What an interrupted writer left is written over.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn create(path: &Path, key: &Key, vocabulary: usize) -> Result<Self, TrainError> {
        let leftovers = Leftovers::of(path);
        let begin = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = BufWriter::with_capacity(1 << 20, File::create(unfinished(path))?);
            file.write_all(&[0; HEADER])?;
            Ok(file)
        };
        let width = if vocabulary <= SHORT { 2 } else { 4 };
        let header = Header { width, ids: 0, vocabulary: vocabulary as u64, characters: 0, key: *key };
        Ok(Self { file: begin().map_err(unsaved(path))?, path: path.to_owned(), header, leftovers })
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
            self.file.write_all(&id.to_le_bytes()[..width]).map_err(unsaved(&self.path))?;
        }
        self.header.ids += ids.len() as u64;
        self.header.characters += characters as u64;
        Ok(())
    }

    /// Writes the header, brings all to the disk, and gives the file its name.
    ///
    /// # Errors
    /// If the disk refuses. Then there is no file of that name, unless there was one before.
    pub fn finish(self) -> Result<IdsFile, TrainError> {
        let Self { path, file, header, mut leftovers } = self;
        let end = || {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            write_all_at(&file, &header.to_bytes(), 0)?;
            file.sync_all()?;
            fs::rename(unfinished(&path), &path)
        };
        let written = end().map_err(unsaved(&path));
        // Another process may have made the same file meanwhile, and removed ours as left over.
        match IdsFile::open(&path, &header.key)? {
            Some(file) => {
                leftovers.folders.clear();
                remove_unfinished(&path);
                Ok(file)
            }
            None => Err(written.err().unwrap_or_else(|| TrainError::File {
                path: path.clone(),
                problem: "not what was just written".to_owned(),
            })),
        }
    }
}

/// The name of a file while this process writes it.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.next", std::process::id()));
    name.into()
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

fn unsaved(path: &Path) -> impl Fn(io::Error) -> TrainError + use<> {
    let path = path.to_owned();
    move |source| TrainError::Save { path: path.clone(), source }
}

#[derive(Debug)]
struct Header {
    width: usize,
    ids: u64,
    vocabulary: u64,
    characters: u64,
    key: Key,
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(MAGIC);
        [FORMAT, self.width as u32].iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        let numbers = [self.ids, self.vocabulary, self.characters];
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&hmac_sha256::Hash::hash(&bytes));
        bytes.try_into().expect("the fields fill the header")
    }

    /// None if it is damaged or of another format.
    fn read(bytes: &[u8; HEADER]) -> Option<Self> {
        let (fields, sum) = bytes.split_at(SUMMED);
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let [version, width] = [8, 12].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
        let known = fields.starts_with(MAGIC) && version == FORMAT && matches!(width, 2 | 4);
        (known && hmac_sha256::Hash::hash(fields) == *sum).then(|| Self {
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

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
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

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        (bytes, at) = (&bytes[written..], at + written as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rungs-ids-{}-{name}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        path
    }

    fn write(path: &Path, key: &Key, vocabulary: usize, ids: &[u32]) -> IdsFile {
        let mut writer = IdsWriter::create(path, key, vocabulary).unwrap();
        ids.chunks(7).for_each(|ids| writer.write(ids, 2 * ids.len()).unwrap());
        assert!(IdsFile::open(path, key).unwrap().is_none(), "it is not there before it is finished");
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_in_both_widths_from_anywhere() {
        let folder = folder("widths");
        for vocabulary in [SHORT, SHORT + 1] {
            let path = folder.join(format!("deep/{vocabulary}.ids"));
            let ids: Vec<u32> = (0..100).map(|i| (i * 977 + 65_000) % vocabulary as u32).collect();
            let file = write(&path, &[3; 32], vocabulary, &ids);
            let width = if vocabulary == SHORT { 2 } else { 4 };
            assert_eq!(fs::metadata(&path).unwrap().len(), (HEADER + 100 * width) as u64);
            assert_eq!((file.len(), file.characters()), (100, 200));
            for start in 0..100 {
                let mut read = vec![7];
                file.read(start, 100 - start, &mut read).unwrap();
                assert_eq!(read[1..], ids[start..]);
            }
            assert!(!unfinished(&path).exists());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn files_of_another_text_damaged_headers_and_cut_files_are_no_cache() {
        let folder = folder("damage");
        let path = folder.join("x.ids");
        let ids: Vec<u32> = (0..50).collect();
        write(&path, &[1; 32], 60, &ids);
        let there = |key: &Key| IdsFile::open(&path, key).unwrap().is_some();
        assert!(there(&[1; 32]) && !there(&[2; 32]));
        let good = fs::read(&path).unwrap();
        for bit in 0..8 * HEADER {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, bad).unwrap();
            assert!(!there(&[1; 32]), "bit {bit}");
        }
        for length in [0, 50, HEADER, good.len() - 1] {
            fs::write(&path, &good[..length]).unwrap();
            assert!(!there(&[1; 32]), "cut at {length}");
        }
        fs::write(&path, [&good[..], &[0]].concat()).unwrap();
        assert!(!there(&[1; 32]));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn damaged_ids_and_a_file_cut_while_it_is_read_are_errors() {
        let folder = folder("ids");
        let path = folder.join("x.ids");
        let file = write(&path, &[1; 32], 60, &[5; 50]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[HEADER + 2 * 20] = 60;
        fs::write(&path, &bytes).unwrap();
        file.read(0, 20, &mut Vec::new()).unwrap();
        let error = file.read(15, 10, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.ends_with("damaged: id 60 of a vocabulary of 60; remove it to have it made again"), "{error}");
        File::options().write(true).open(&path).unwrap().set_len(HEADER as u64 + 40).unwrap();
        assert!(matches!(file.read(15, 10, &mut Vec::new()), Err(TrainError::Io { .. })));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_writer_that_gives_up_leaves_nothing() {
        let folder = folder("given-up");
        let path = folder.join("a/b/x.ids");
        let mut writer = IdsWriter::create(&path, &[1; 32], 9).unwrap();
        writer.write(&[1; 4000], 4000).unwrap();
        assert!(unfinished(&path).exists());
        drop(writer);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_killed_writer_left_is_removed() {
        let folder = folder("killed");
        let path = folder.join("x.ids");
        let mut killed = IdsWriter::create(&path, &[1; 32], 9).unwrap();
        killed.write(&[1; 4000], 4000).unwrap();
        // As if by another process, which is no more.
        fs::rename(unfinished(&path), folder.join("x.ids.99999999.next")).unwrap();
        drop(killed);
        assert!(!path.exists() && folder.join("x.ids.99999999.next").exists());
        let file = write(&path, &[1; 32], 9, &[2; 3]);
        assert_eq!(file.len(), 3);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
