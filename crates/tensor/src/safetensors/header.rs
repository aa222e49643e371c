//! The header of a safetensors file: which arrays there are, of what kind and shape, and where their numbers lie.
//!
//! The crate `safetensors` reads what the header says of each array, and checks that it fits together. Added here is
//! what a file that comes from anywhere needs beside it: the length of the header is checked before there is memory for
//! it, and the offsets against the length of the file; no name may be there twice; and errors name the array.

use crate::Shape;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;

/// The longest header, in bytes.
pub const MAX_HEADER: u64 = 100_000_000;

/// How many bytes say how long it is.
const LENGTH: u64 = 8;

/// The name of what is not an array.
const METADATA: &str = "__metadata__";

/// A file that is no good safetensors file, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError(pub(super) String);

impl FormatError {
    pub(super) fn new(problem: impl fmt::Display) -> Self {
        Self(format!("not a safetensors file: {problem}"))
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The arrays by name.
    pub entries: BTreeMap<String, Entry>,
    /// What else it says.
    pub metadata: BTreeMap<String, String>,
}

/// What a file says of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The kind of its numbers.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Where in the file its numbers are.
    pub bytes: Range<u64>,
}

impl Header {
    /// How many bytes the header has that follows these first eight of a file of `file` bytes.
    ///
    /// # Errors
    /// If the file is shorter than that, or the header longer than [`MAX_HEADER`]. Nobody should ask for so much
    /// memory.
    pub fn length(first: &[u8], file: u64) -> Result<u64, FormatError> {
        let first = first.first_chunk::<8>().ok_or_else(|| FormatError::new(format!("it has {file} bytes")))?;
        match u64::from_le_bytes(*first) {
            length if length > MAX_HEADER => {
                Err(FormatError::new(format!("it claims a header of {length} bytes; the most is {MAX_HEADER}")))
            }
            length if LENGTH + length > file => {
                Err(FormatError::new(format!("it claims a header of {length} bytes and has {file}: it is cut short")))
            }
            length => Ok(length),
        }
    }

    /// The header with this JSON, of a file of `file` bytes.
    ///
    /// # Errors
    /// If it is none, or the numbers of an array do not lie where it says.
    pub fn parse(json: &[u8], file: u64) -> Result<Self, FormatError> {
        let Raw { mut arrays, metadata } =
            serde_json::from_slice(json).map_err(|error| FormatError::new(format!("its header: {error}")))?;
        arrays.sort_by_key(|(_, info)| info.data_offsets);
        let begin = LENGTH + json.len() as u64;
        let (mut entries, mut end, mut last) = (BTreeMap::new(), 0, "the header".to_owned());
        for (name, info) in arrays {
            check(&info, end, file - begin).map_err(|problem| FormatError::new(format!("tensor {name}: {problem}")))?;
            let TensorInfo { dtype, shape, data_offsets: (from, to) } = info;
            last.clone_from(&name);
            entries.insert(name, Entry { dtype, shape, bytes: begin + from as u64..begin + to as u64 });
            end = to;
        }
        match file - begin - end as u64 {
            0 => Ok(Self { entries, metadata }),
            rest => Err(FormatError::new(format!("{rest} bytes after the numbers of {last} belong to no tensor"))),
        }
    }

    /// The header of a whole file.
    ///
    /// # Errors
    /// As [`length`](Self::length) and [`parse`](Self::parse).
    pub fn of(bytes: &[u8]) -> Result<Self, FormatError> {
        let file = bytes.len() as u64;
        let length = Self::length(bytes, file)?;
        Self::parse(&bytes[LENGTH as usize..(LENGTH + length) as usize], file)
    }
}

/// Checks that an array's numbers begin where those before it end, are as many as its shape needs, and are in the file,
/// which has `bytes` bytes behind the header.
fn check(info: &TensorInfo, end: usize, bytes: u64) -> Result<(), String> {
    let TensorInfo { dtype, shape, data_offsets: (from, to) } = info;
    if *from != end || to < from {
        return Err(format!("its numbers are at {from} to {to}, and those before it end at {end}"));
    }
    let size = to - from;
    let alone = TensorInfo { data_offsets: (0, size), ..info.clone() };
    if Metadata::new(None, vec![(String::new(), alone)]).is_err() {
        return Err(format!("{size} bytes for the shape {shape:?} in {dtype}"));
    }
    if *to as u64 > bytes {
        return Err(format!("its numbers end at byte {to} of {bytes}: the file is cut short"));
    }
    Ok(())
}

/// The header as it stands in the file, with its length before it: arrays in this order, all of one kind.
pub(super) fn text<'n>(
    arrays: impl Iterator<Item = (&'n str, Shape)>,
    dtype: Dtype,
    metadata: Option<(&str, &str)>,
) -> io::Result<Vec<u8>> {
    let mut end = 0;
    let info = |(name, shape): (&str, Shape)| {
        let begin = end;
        end += shape.size() * dtype.bitsize() / 8;
        (name.to_owned(), TensorInfo { dtype, shape: shape.to_vec(), data_offsets: (begin, end) })
    };
    let arrays = arrays.map(info).collect();
    let metadata = metadata.map(|(key, value)| [(key.to_owned(), value.to_owned())].into_iter().collect());
    let mut json = serde_json::to_vec(&Metadata::new(metadata, arrays).map_err(io::Error::other)?)?;
    json.resize(json.len().next_multiple_of(LENGTH as usize), b' ');
    if json.len() as u64 > MAX_HEADER {
        let length = json.len();
        return Err(io::Error::other(format!("a header of {length} bytes is too long; the most is {MAX_HEADER}")));
    }
    Ok([&(json.len() as u64).to_le_bytes()[..], &json].concat())
}

/// The JSON of a header.
struct Raw {
    arrays: Vec<(String, TensorInfo)>,
    metadata: BTreeMap<String, String>,
}

// Written by hand: two arrays of one name would be one to the crate's map, and the other never missed.
impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let (mut raw, mut seen) = (Raw { arrays: Vec::new(), metadata: BTreeMap::new() }, BTreeSet::new());
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(de::Error::custom(format!("tensor {name} is listed twice")));
                    }
                    if name == METADATA {
                        raw.metadata = map.next_value()?;
                    } else {
                        let info = map.next_value();
                        let info = info.map_err(|error| de::Error::custom(format!("tensor {name}: {error}")))?;
                        raw.arrays.push((name, info));
                    }
                }
                Ok(raw)
            }
        }

        from.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
    }

    fn refused(header: &str, data: usize) -> String {
        let error = Header::of(&file(header, data)).unwrap_err().to_string();
        error.strip_prefix("not a safetensors file: ").unwrap_or_else(|| panic!("{error}")).to_owned()
    }

    #[test]
    fn what_is_said_is_kept() {
        let header = r#"{"b":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}"#;
        let read = Header::of(&file(header, 4)).unwrap();
        let begin = 8 + header.len() as u64;
        assert_eq!(read.entries["b"], Entry { dtype: Dtype::F16, shape: vec![2], bytes: begin..begin + 4 });
        assert_eq!(read.metadata["format"], "pt");
        // Kinds that are not read here may be there, as long as nobody wants them.
        assert!(Header::of(&file(r#"{"b":{"dtype":"F4","shape":[4],"data_offsets":[0,2]}}"#, 2)).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_array() {
        let entry = |name: &str, dims: &str, from: u64, to: u64| {
            format!(r#""{name}":{{"dtype":"F32","shape":[{dims}],"data_offsets":[{from},{to}]}}"#)
        };
        let two = |a: String, b: String| format!("{{{a},{b}}}");
        let one = |a: String| format!("{{{a}}}");
        assert_eq!(refused(&one(entry("w", "2", 0, 12)), 12), "tensor w: 12 bytes for the shape [2] in F32");
        assert_eq!(
            refused(&one(entry("w", "2", 8, 0)), 8),
            "tensor w: its numbers are at 8 to 0, and those before it end at 0"
        );
        let cut = "tensor w: its numbers end at byte 8 of 4: the file is cut short";
        assert_eq!(refused(&one(entry("w", "2", 0, 8)), 4), cut);
        assert!(refused(&one(entry("w", "18446744073709551615,2", 0, 8)), 8).starts_with("tensor w: 8 bytes for"));
        let overlap = two(entry("a", "2", 0, 8), entry("b", "2", 4, 12));
        assert_eq!(refused(&overlap, 12), "tensor b: its numbers are at 4 to 12, and those before it end at 8");
        let gap = two(entry("a", "1", 0, 4), entry("b", "1", 8, 12));
        assert_eq!(refused(&gap, 12), "tensor b: its numbers are at 8 to 12, and those before it end at 4");
        assert_eq!(refused(&one(entry("a", "1", 0, 4)), 5), "1 bytes after the numbers of a belong to no tensor");
        let twice = two(entry("a", "1", 0, 4), entry("a", "1", 4, 8));
        assert!(refused(&twice, 8).starts_with("its header: tensor a is listed twice"));
        let twice = two(entry("a", "1", 0, 4), entry("a", "1", 0, 4));
        assert!(refused(&twice, 4).starts_with("its header: tensor a is listed twice"), "the crate keeps the last");
        assert!(refused(r#"{"a":{"dtype":"F32"}}"#, 0).contains("tensor a: missing field `shape`"));
        assert!(
            refused(&one(entry("a", "1", 0, 4).replace("F32", "F5")), 4).contains("tensor a: unknown variant `F5`")
        );
        assert!(refused("[]", 0).starts_with("its header: "));
        let mut huge = file("{}", 0);
        huge[..8].copy_from_slice(&10_000_000_000_u64.to_le_bytes());
        let error = Header::of(&huge).unwrap_err().to_string();
        assert!(error.contains("it claims a header of 10000000000 bytes; the most is 100000000"), "{error}");
        huge[..8].copy_from_slice(&50_u64.to_le_bytes());
        assert!(Header::of(&huge).unwrap_err().to_string().contains("it is cut short"));
        assert!(Header::of(&[0; 3]).unwrap_err().to_string().contains("it has 3 bytes"));
    }
}
