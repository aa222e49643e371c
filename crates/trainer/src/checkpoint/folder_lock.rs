//! The lock of a folder: one process at a time writes there.

use super::regular_file::open_regular;
use crate::TrainError;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The file that is locked. It holds the process id of whoever has the lock.
const LOCK_FILE: &str = "lock";

/// An exclusive lock on a folder, held until it is dropped or the process ends, however it ends.
///
/// The lock is the operating system's, on `FOLDER/lock`; the file alone means nothing, so that one left behind by a
/// process that was killed does not block. On a file system without locks there is none, and nothing is refused.
#[derive(Debug)]
pub struct FolderLock {
    path: PathBuf,
    /// None where the file system has no locks.
    file: Option<File>,
}

impl FolderLock {
    /// Locks a folder that exists.
    ///
    /// # Errors
    /// If another process has the lock, with its id, or the folder takes no file.
    pub fn acquire(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK_FILE);
        loop {
            if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
                return Err(TrainError::file(path, "in the way: the lock of a folder must be a regular file"));
            }
            match lock_file(&path) {
                Ok(Some(file)) => return Ok(Self { path, file: Some(file) }),
                Ok(None) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(folder, &path)),
                Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(Self { path, file: None }),
                Err(TryLockError::Error(source)) => return Err(TrainError::Save { path, source }),
            }
        }
    }
}

/// Locks the file at `path` and writes the process id into it; none if it is another file by then, since whoever had
/// the lock before has removed it.
fn lock_file(path: &Path) -> Result<Option<File>, TryLockError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = file.map_err(TryLockError::Error)?;
    file.try_lock()?;
    if !is_at(&file, path).map_err(TryLockError::Error)? {
        return Ok(None);
    }
    // Best effort: a full disk is no reason not to lock, only to say less to whoever is refused.
    _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(Some(file))
}

/// Network file systems may have no locks; that is no reason to train nothing.
fn has_no_locks(error: &io::Error) -> bool {
    const NO_LOCKS: i32 = 37; // ENOLCK on Linux, for which Rust has no name
    error.kind() == io::ErrorKind::Unsupported || (cfg!(target_os = "linux") && error.raw_os_error() == Some(NO_LOCKS))
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Removed while it is still locked; best effort, for a file that stays does not block.
        if cfg!(unix) && self.file.is_some() {
            _ = fs::remove_file(&self.path);
        }
    }
}

fn taken(folder: &Path, lock: &Path) -> TrainError {
    let mut id = String::new();
    let read = open_regular(lock).and_then(|file| file.take(20).read_to_string(&mut id));
    let process = match (read, id.parse::<u32>()) {
        (Ok(_), Ok(id)) => format!("process {id}"),
        _ => "another process".to_owned(),
    };
    TrainError::file(folder, format!("{process} is writing to this folder; wait until it has ended, or stop it"))
}

/// Whether a file is the one at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere the file is never removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
