//! Writing a file of token ids, whole or not at all.

use super::ids_file::{HEADER, Header, IdsFile, Key, SHORT};
use crate::trainer::TrainError;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
pub(super) fn unfinished(path: &Path) -> PathBuf {
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

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        (bytes, at) = (&bytes[written..], at + written as u64);
    }
    Ok(())
}
