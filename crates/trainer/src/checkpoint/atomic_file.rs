//! Files that are replaced as a whole.
//!
//! For a single file. The files of a run belong together, and [the protocol](super) replaces them as a set.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is written beside the one it replaces, in the same folder, since only there a rename is a single step.
/// If it is dropped before it is [committed](Self::commit), nothing of it stays, and what was there before is not
/// changed.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    draft: PathBuf,
    writer: BufWriter<File>,
}

impl AtomicFile {
    /// Begins a file that will be at `path`. Until then its name is `NAME.PROCESS.next`, so that two processes never
    /// write the same one.
    ///
    /// # Errors
    /// If there is no such folder, or it takes no file.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut draft = path.as_os_str().to_owned();
        draft.push(format!(".{}.next", std::process::id()));
        let draft = PathBuf::from(draft);
        let writer = BufWriter::with_capacity(1 << 20, File::create(&draft)?);
        Ok(Self { path: path.to_owned(), draft, writer })
    }

    /// Writes a file at once: `contents` writes what is in it.
    ///
    /// # Errors
    /// If `contents` fails or the disk refuses. Then nothing has changed.
    pub fn write(path: &Path, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut file = Self::create(path)?;
        contents(&mut file.writer)?;
        file.commit()
    }

    /// Where to write its contents.
    pub fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.writer
    }

    /// Returns when the contents are on the disk and the file has its name.
    ///
    /// # Errors
    /// If the disk refuses. Then nothing has changed.
    pub fn commit(mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()?;
        fs::rename(&self.draft, &self.path)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // Best effort. After a commit there is no file of this name.
        _ = fs::remove_file(&self.draft);
    }
}
