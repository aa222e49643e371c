//! The few things that saving asks of a file system.

use super::folder_lock::FolderLock;
use super::regular_file::open_regular;
use crate::TrainError;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Writes what a file is to hold: the same bytes every time.
///
/// A model of a hundred million parameters and the moments of its optimizer are two gigabytes. To hold them a second
/// time, as the bytes of a file, would double what training takes. So a file is written piece by piece, as often as it
/// is asked for: once into its checksum, and once more onto the disk if it has changed.
pub type Contents<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// The contents of a file that are in memory.
pub fn in_memory<'a>(bytes: impl AsRef<[u8]> + 'a) -> Contents<'a> {
    Box::new(move |to| to.write_all(bytes.as_ref()))
}

/// A file as it was when it was opened, whatever is renamed over it since.
pub(crate) trait Opened: Debug + Send {
    /// All that is in it.
    fn contents(&self) -> io::Result<Vec<u8>>;
}

impl Opened for File {
    fn contents(&self) -> io::Result<Vec<u8>> {
        let (mut file, mut contents) = (self, Vec::new());
        file.rewind()?;
        file.read_to_end(&mut contents)?;
        Ok(contents)
    }
}

/// A directory of files. A trait, so that the protocol above it can be tested on a disk that fails, or loses power, at
/// every possible moment.
pub(crate) trait Disk: Debug + Send {
    /// Makes the directory if there is none.
    fn make(&mut self) -> io::Result<()>;
    /// Locks the directory, if it can be locked.
    fn lock(&self) -> Result<Option<FolderLock>, TrainError>;
    /// Opens a file to read it.
    fn open(&self, name: &str) -> io::Result<Box<dyn Opened>>;
    /// The length of a file; none if it is not there.
    fn length(&self, name: &str) -> io::Result<Option<u64>>;
    /// Writes a new file, or over an old one, and returns when the contents are on the disk.
    fn write(&mut self, name: &str, contents: &Contents<'_>) -> io::Result<()>;
    /// Gives a file another name, in place of any file of that name. It happens as a whole or not at all.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Returns when all names are on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory of the file system, by its path.
impl Disk for PathBuf {
    fn make(&mut self) -> io::Result<()> {
        if self.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&*self)?;
        match self.parent() {
            Some(parent) if parent != Path::new("") => sync_directory(parent),
            _ => sync_directory(Path::new(".")),
        }
    }

    fn lock(&self) -> Result<Option<FolderLock>, TrainError> {
        FolderLock::acquire(self).map(Some)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Opened>> {
        Ok(Box::new(open_regular(&self.join(name))?))
    }

    fn length(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.join(name)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, contents: &Contents<'_>) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(self.join(name))?);
        contents(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.join(from), self.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        fs::remove_file(self.join(name))
    }

    fn sync(&mut self) -> io::Result<()> {
        sync_directory(self)
    }
}

/// Only Unix lets a directory be opened and synced, and not on every file system; elsewhere the system is trusted to
/// keep renames in order.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}
