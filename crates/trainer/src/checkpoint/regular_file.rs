//! Files that are files, and no pipes or devices.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a file that is one. To open a pipe would wait for its other end, and a device may never end.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    match fs::metadata(path)? {
        metadata if metadata.is_file() => File::open(path),
        metadata if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
    }
}
