//! `config.json`: the settings of a run, and what its other files must be.
//!
//! ```json
//! {
//!   "format": 1,
//!   "settings": { … },
//!   "files": { "metrics.csv": "9f86d081…", "model.safetensors": "2c26b46b…" },
//!   "checksum": "fcde2b2e…"
//! }
//! ```
//!
//! Checksums are SHA-256 in hexadecimal. The last one is of this file itself, with that one left empty: a flipped bit
//! in a learning rate would not otherwise show.

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

/// The version of the layout of a run folder that this crate writes, and the only one it reads.
pub const FORMAT_VERSION: u64 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: u64,
    pub(crate) settings: serde_json::Value,
    /// The checksum of each file, by name.
    pub(crate) files: BTreeMap<String, String>,
    checksum: String,
}

/// Only what every format has. It is read first, so that a newer format is called that and not damaged.
#[derive(Deserialize)]
struct Version {
    format: Option<u64>,
}

impl Manifest {
    pub(crate) fn new(settings: serde_json::Value, files: BTreeMap<String, String>) -> Self {
        Self { format: FORMAT_VERSION, settings, files, checksum: String::new() }
    }

    /// The text of `config.json`.
    pub(crate) fn to_text(&self) -> String {
        let empty = Self { checksum: String::new(), ..self.clone() };
        let text = serde_json::to_string_pretty(&empty).expect("strings, numbers and maps by string are JSON") + "\n";
        // The field is the last: whatever the settings contain comes before it.
        let place = text.rfind("\"\n}").expect("the text ends with the empty checksum");
        format!("{}{}{}", &text[..place], checksum(text.as_bytes()), &text[place..])
    }

    /// Reads the text of `config.json`; what is wrong with it otherwise.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text: the file is damaged".to_owned())?;
        let damaged = |error: serde_json::Error| format!("not a run's settings: {error}");
        match serde_json::from_str::<Version>(text).map_err(damaged)?.format {
            Some(FORMAT_VERSION) => {}
            Some(other) => return Err(format!("format {other} is not known; this version reads {FORMAT_VERSION}")),
            None => return Err("not a run's settings: there is no format number".to_owned()),
        }
        let manifest: Self = serde_json::from_str(text).map_err(damaged)?;
        let place = text.rfind(&manifest.checksum).filter(|_| !manifest.checksum.is_empty());
        let sum =
            place.map(|place| checksum([&text[..place], &text[place + manifest.checksum.len()..]].concat().as_bytes()));
        if sum.as_ref() != Some(&manifest.checksum) {
            return Err("its checksum is wrong: the file is damaged or was edited".to_owned());
        }
        match manifest.files.keys().find(|name| !is_plain(name)) {
            Some(name) => Err(format!("{name:?} is not the name of a file in this folder")),
            None => Ok(manifest),
        }
    }
}

/// Whether a name stays within its folder.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', ':', '\0'])
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Hash::hash(bytes)
}

/// The SHA-256 of some bytes, in hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    hexadecimal(sha256(bytes))
}

fn hexadecimal(sum: [u8; 32]) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A SHA-256 of bytes that come piece by piece: of all that is written to it.
#[derive(Clone, Default)]
pub struct Checksum {
    hash: Hash,
    length: u64,
}

impl Checksum {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
    }

    /// The sum of all bytes, in hexadecimal.
    pub fn finish(self) -> String {
        hexadecimal(self.hash.finalize())
    }

    /// How many bytes there were.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Write for Checksum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksum").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Manifest {
        let files = [("model.safetensors".to_owned(), checksum(b"weights"))].into();
        Manifest::new(json!({ "rate": 0.1 + 0.2, "note": "\"checksum\": \"\"" }), files)
    }

    #[test]
    fn a_manifest_reads_back_and_floats_keep_their_bits() {
        let text = manifest().to_text();
        let read = Manifest::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(read.settings, manifest().settings);
        assert_eq!(read.settings["rate"].as_f64().unwrap().to_bits(), (0.1_f64 + 0.2).to_bits());
        assert_eq!(read.files, manifest().files);
        assert_eq!(read.to_text(), text);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let text = manifest().to_text().into_bytes();
        for bit in 0..8 * text.len() {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Manifest::from_bytes(&flipped).is_err(), "bit {bit}");
        }
        // All that can be lost without harm is the newline at the end, and that is noticed as well.
        (0..text.len()).for_each(|cut| assert!(Manifest::from_bytes(&text[..cut]).is_err(), "cut at {cut}"));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        let says = |text: &str| Manifest::from_bytes(text.as_bytes()).unwrap_err();
        assert_eq!(says(r#"{"model_type": "gpt2"}"#), "not a run's settings: there is no format number");
        assert_eq!(says(r#"{"format": 7, "new": 1}"#), "format 7 is not known; this version reads 1");
        assert!(says("").starts_with("not a run's settings: EOF while parsing"));
        assert!(says("[1]").starts_with("not a run's settings: "));
        assert_eq!(Manifest::from_bytes(&[0xff]).unwrap_err(), "not UTF-8 text: the file is damaged");
        let edited = manifest().to_text().replace("0.3", "0.4");
        assert_eq!(says(&edited), "its checksum is wrong: the file is damaged or was edited");
        let outside = Manifest::new(json!({}), [("../x".to_owned(), checksum(b""))].into()).to_text();
        assert_eq!(says(&outside), r#""../x" is not the name of a file in this folder"#);
    }
}
