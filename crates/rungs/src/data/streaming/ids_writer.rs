//! Writing a file of token ids, whole or not at all.

use super::ids_file::{HEADER, Header, IdsFile, Key, SHORT};
use crate::trainer::TrainError;
use crate::trainer::checkpoint::AtomicFile;
use std::fs;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// Writes a file of ids, which is there when it is [finished](Self::finish) and not before.
#[derive(Debug)]
pub struct IdsWriter {
    path: PathBuf,
    file: AtomicFile,
    header: Header,
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
        let header = Header { width, ids: 0, vocabulary: vocabulary as u64, characters: 0, key: *key };
        Ok(Self { path: path.to_owned(), file, header, folders })
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
            self.file.writer().write_all(&id.to_le_bytes()[..width]).map_err(TrainError::saving(&self.path))?;
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
        let Self { path, mut file, header, mut folders } = self;
        let end = || {
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
