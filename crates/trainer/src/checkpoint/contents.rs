//! What a file is to hold, said by how it is written.
//!
//! A model of a hundred million parameters and the moments of its optimizer are two gigabytes. To hold them a second
//! time, as the bytes of a file, would double what training takes. So a file is written piece by piece, as often as it
//! is asked for: once into its checksum, and once more onto the disk if it has changed.

use super::manifest::Checksum;
use std::io::{self, Write};

/// Writes what a file is to hold: the same bytes every time.
pub type Contents<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

/// The checksum of what is written, and how long it is.
pub(super) fn summed(contents: &Contents<'_>) -> io::Result<(String, u64)> {
    let mut sum = Sum::default();
    contents(&mut sum)?;
    Ok((sum.checksum.finish(), sum.length))
}

#[derive(Default)]
struct Sum {
    checksum: Checksum,
    length: u64,
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.checksum.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
