//! Files of a folder that comes from anywhere: opened only if they are regular, read only if they are small enough.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The most bytes of a file of a folder that is read whole and is not one of weights: a table, settings, a tokenizer.
/// The largest tokenizers in use have a third of it.
pub const LARGEST_FILE: u64 = 100_000_000;

/// Opens a file that is one. To open a pipe would wait for its other end, and a device may never end.
///
/// # Errors
/// What the system says, or if it is not a regular file or a link to one.
pub fn open_regular(path: &Path) -> io::Result<File> {
    match fs::metadata(path)? {
        metadata if metadata.is_file() => File::open(path),
        metadata if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// The contents of a regular file of at most [`LARGEST_FILE`] bytes.
///
/// # Errors
/// As [`open_regular`], or if it is larger.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let (file, mut contents) = (check_size(open_regular(path)?)?, Vec::new());
    file.take(LARGEST_FILE).read_to_end(&mut contents)?;
    Ok(contents)
}

/// The file, if it is not larger than [`LARGEST_FILE`].
pub(super) fn check_size(file: File) -> io::Result<File> {
    match file.metadata()?.len() {
        length if length > LARGEST_FILE => {
            let problem = format!("a file of {length} bytes is too large; the most is {LARGEST_FILE}");
            Err(io::Error::new(ErrorKind::InvalidInput, problem))
        }
        _ => Ok(file),
    }
}
