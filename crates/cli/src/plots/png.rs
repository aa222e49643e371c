//! The picture as a PNG file: a byte for each pixel, and a palette that says what colour each amount of ink has.
//!
//! Such a file takes five chunks of few fields each (PNG Specification, third edition), so the format is written here;
//! only the compression comes from a crate.

use miniz_oxide::deflate::compress_to_vec_zlib;

use super::canvas::Canvas;
use super::picture::Ink;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// The usual balance of time and size; beyond it, pictures of large even areas gain nothing.
const COMPRESSION: u8 = 6;
/// A unit is a CSS pixel, 96 to the inch of 25.4 mm.
const UNITS_PER_METRE: f32 = 96.0 / 0.0254;

/// The whole file.
pub(super) fn file(canvas: &Canvas) -> Vec<u8> {
    let mut file = SIGNATURE.to_vec();
    chunk(&mut file, b"IHDR", &header(canvas));
    let palette: Vec<u8> = (0..=255).flat_map(|ink| Ink(ink).colour()).collect();
    chunk(&mut file, b"PLTE", &palette);
    chunk(&mut file, b"pHYs", &density(canvas));
    chunk(&mut file, b"IDAT", &compress_to_vec_zlib(&scanlines(canvas), COMPRESSION));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn header(canvas: &Canvas) -> [u8; 13] {
    let mut header = [0; 13];
    header[..4].copy_from_slice(&(canvas.width as u32).to_be_bytes());
    header[4..8].copy_from_slice(&(canvas.height as u32).to_be_bytes());
    // Eight bits to a pixel, colours from a palette; the one compression and filter method there is; not interlaced.
    header[8..].copy_from_slice(&[8, 3, 0, 0, 0]);
    header
}

/// Pixels to the metre, across and down: a document shows the picture as large as its SVG.
fn density(canvas: &Canvas) -> [u8; 9] {
    const METRE: u8 = 1;
    let density = ((UNITS_PER_METRE * canvas.scale).round() as u32).to_be_bytes();
    let mut data = [METRE; 9];
    data[..4].copy_from_slice(&density);
    data[4..8].copy_from_slice(&density);
    data
}

/// Every row of pixels, after a byte that says that it is not filtered: filters are of no use to a palette.
fn scanlines(canvas: &Canvas) -> Vec<u8> {
    let mut lines = Vec::with_capacity((canvas.width + 1) * canvas.height);
    for row in canvas.pixels.chunks_exact(canvas.width) {
        lines.push(0);
        lines.extend_from_slice(row);
    }
    lines
}

/// Length, name, data, and a checksum of name and data.
fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    file.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend_from_slice(name);
    file.extend_from_slice(data);
    let checksum = crc32(&file[start..]);
    file.extend_from_slice(&checksum.to_be_bytes());
}

/// The checksum of PNG, zlib and Ethernet: the remainder by a polynomial over bits, the lowest bit first.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    !bytes.iter().fold(!0, |remainder, &byte| {
        (0..8).fold(remainder ^ u32::from(byte), |bits, _| (bits >> 1) ^ (POLYNOMIAL * (bits & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks of a file by name, their checksums verified.
    fn chunks(mut file: &[u8]) -> Vec<(String, &[u8])> {
        let mut chunks = Vec::new();
        file = file.strip_prefix(&SIGNATURE).expect("the signature");
        while !file.is_empty() {
            let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes"));
            let length = number(0) as usize;
            assert_eq!(number(8 + length), crc32(&file[4..8 + length]));
            chunks.push((String::from_utf8_lossy(&file[4..8]).into_owned(), &file[8..8 + length]));
            file = &file[12 + length..];
        }
        chunks
    }

    #[test]
    fn the_file_holds_every_pixel() {
        let canvas = Canvas { width: 3, height: 2, pixels: vec![0, 9, 255, 7, 0, 1], scale: 2.0 };
        let file = file(&canvas);
        let chunks = chunks(&file);
        let names: Vec<&str> = chunks.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["IHDR", "PLTE", "pHYs", "IDAT", "IEND"]);
        assert_eq!(chunks[0].1, [0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
        assert_eq!(chunks[1].1.len(), 3 * 256);
        assert_eq!(chunks[1].1[..3], [255, 255, 255]);
        assert_eq!(chunks[2].1[..4], 7559_u32.to_be_bytes(), "192 pixels to the inch");
        let pixels = miniz_oxide::inflate::decompress_to_vec_zlib(chunks[3].1).expect("sound zlib data");
        assert_eq!(pixels, [0, 0, 9, 255, 0, 7, 0, 1]);
    }

    #[test]
    fn the_checksum_is_the_one_everybody_uses() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
        assert_eq!(crc32(b"IEND"), 0xae42_6082, "the last bytes of every PNG file");
    }
}
