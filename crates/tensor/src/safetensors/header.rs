//! The header of a safetensors file: which arrays there are, of what kind and shape, and where their numbers lie.
//!
//! A header comes from anywhere, so nothing in it is believed: not how long it says it is, nor that arrays lie within
//! the file, one after another and without overlap. Each of these errors names the array.

use super::error::FormatError;
use crate::Shape;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;

/// The longest header, in bytes.
pub const MAX_HEADER: u64 = 100_000_000;

/// How many bytes say how long it is.
const LENGTH: u64 = 8;

/// The name of what is not an array.
const METADATA: &str = "__metadata__";

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
    /// The kind of its numbers: `F32`, `BF16`.
    pub dtype: String,
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
        let Raw { arrays, metadata } =
            serde_json::from_slice(json).map_err(|error| FormatError::new(format!("its header: {error}")))?;
        let (begin, mut entries) = (LENGTH + json.len() as u64, BTreeMap::new());
        for (name, RawEntry { dtype, shape, data_offsets: [from, to] }) in arrays {
            let wrong = |problem: String| Err(FormatError::new(format!("tensor {name}: {problem}")));
            if from > to {
                return wrong(format!("its numbers begin at {from} and end at {to}"));
            }
            let Some(end) = begin.checked_add(to).filter(|&end| end <= file) else {
                return wrong(format!("its numbers end at byte {to} of {}: the file is cut short", file - begin));
            };
            let size = shape.iter().try_fold(1_u64, |size, &dim| size.checked_mul(dim));
            let size = size.and_then(|size| size.checked_mul(width(&dtype).unwrap_or(1)));
            if size != Some(to - from) && (width(&dtype).is_some() || size.is_none()) {
                return wrong(format!("{} bytes for the shape {shape:?} in {dtype}", to - from));
            }
            let shape = shape.into_iter().map(|dim| dim as usize).collect();
            entries.insert(name, Entry { dtype, shape, bytes: begin + from..end });
        }
        one_after_another(&entries, begin..file)?;
        Ok(Self { entries, metadata })
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

/// That the numbers of the arrays fill `data`, and no two share any.
fn one_after_another(entries: &BTreeMap<String, Entry>, data: Range<u64>) -> Result<(), FormatError> {
    let mut places: Vec<(&String, &Range<u64>)> = entries.iter().map(|(name, entry)| (name, &entry.bytes)).collect();
    places.sort_by_key(|(_, bytes)| (bytes.start, bytes.end));
    let (mut before, mut end) = ("the header", data.start);
    for (name, bytes) in places {
        if bytes.start < end {
            return Err(FormatError::new(format!("tensor {name}: its numbers overlap with those of {before}")));
        }
        if bytes.start > end {
            let problem = format!("tensor {name}: {} bytes before its numbers belong to none", bytes.start - end);
            return Err(FormatError::new(problem));
        }
        (before, end) = (name, bytes.end);
    }
    match data.end - end {
        0 => Ok(()),
        rest => Err(FormatError::new(format!("{rest} bytes after the numbers of {before} belong to no tensor"))),
    }
}

/// The bytes of a number of this kind; none of those that are not known.
fn width(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "BOOL" | "U8" | "I8" | "F8_E4M3" | "F8_E5M2" => 1,
        "U16" | "I16" | "F16" | "BF16" => 2,
        "U32" | "I32" | "F32" => 4,
        "U64" | "I64" | "F64" => 8,
        _ => return None,
    })
}

/// The header as it stands in the file, with its length before it: arrays in this order, all of one kind.
pub(super) fn text<'n>(
    arrays: impl Iterator<Item = (&'n str, Shape)>,
    dtype: &str,
    width: usize,
    metadata: Option<(&str, &str)>,
) -> io::Result<Vec<u8>> {
    let quoted = |text: &str| serde_json::to_string(text).expect("text can be written");
    let mut fields = Vec::new();
    fields.extend(metadata.map(|(key, value)| format!("{}:{{{}:{}}}", quoted(METADATA), quoted(key), quoted(value))));
    let mut begin = 0;
    for (name, shape) in arrays {
        let end = begin + shape.size() * width;
        let dims: Vec<String> = shape.to_vec().iter().map(usize::to_string).collect();
        let (name, dims) = (quoted(name), dims.join(","));
        fields.push(format!(r#"{name}:{{"dtype":"{dtype}","shape":[{dims}],"data_offsets":[{begin},{end}]}}"#));
        begin = end;
    }
    let mut json = format!("{{{}}}", fields.join(","));
    json += &" ".repeat(json.len().next_multiple_of(8) - json.len());
    if json.len() as u64 > MAX_HEADER {
        return Err(io::Error::other(format!(
            "a header of {} bytes is too long; the most is {MAX_HEADER}",
            json.len()
        )));
    }
    Ok([&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat())
}

/// The JSON of a header.
struct Raw {
    arrays: Vec<(String, RawEntry)>,
    metadata: BTreeMap<String, String>,
}

struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

// Written by hand: two arrays of one name would be one to a map, and the other never missed.
impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let (mut raw, mut seen) = (Raw { arrays: Vec::new(), metadata: BTreeMap::new() }, BTreeMap::new());
                while let Some(name) = map.next_key::<String>()? {
                    if seen.insert(name.clone(), ()).is_some() {
                        return Err(de::Error::custom(format!("tensor {name} is listed twice")));
                    }
                    if name == METADATA {
                        raw.metadata = map.next_value()?;
                    } else {
                        let entry = RawEntry::of(&map.next_value()?);
                        let problem = "is not described by dtype, shape and data_offsets";
                        let entry = entry.ok_or_else(|| de::Error::custom(format!("tensor {name} {problem}")))?;
                        raw.arrays.push((name, entry));
                    }
                }
                Ok(raw)
            }
        }

        from.deserialize_map(Fields)
    }
}

impl RawEntry {
    fn of(entry: &serde_json::Value) -> Option<Self> {
        let numbers = |field: &str| -> Option<Vec<u64>> {
            entry.get(field)?.as_array()?.iter().map(serde_json::Value::as_u64).collect()
        };
        let dtype = entry.get("dtype")?.as_str()?.to_owned();
        Some(Self { dtype, shape: numbers("shape")?, data_offsets: numbers("data_offsets")?.try_into().ok()? })
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
        assert_eq!(read.entries["b"], Entry { dtype: "F16".into(), shape: vec![2], bytes: begin..begin + 4 });
        assert_eq!(read.metadata["format"], "pt");
        // Kinds that are not known may be there, as long as nobody wants them.
        assert!(Header::of(&file(r#"{"b":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, 2)).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_array() {
        let entry = |name: &str, dims: &str, from: u64, to: u64| {
            format!(r#""{name}":{{"dtype":"F32","shape":[{dims}],"data_offsets":[{from},{to}]}}"#)
        };
        let two = |a: String, b: String| format!("{{{a},{b}}}");
        let one = |a: String| format!("{{{a}}}");
        assert_eq!(refused(&one(entry("w", "2", 0, 12)), 12), "tensor w: 12 bytes for the shape [2] in F32");
        assert_eq!(refused(&one(entry("w", "2", 8, 0)), 8), "tensor w: its numbers begin at 8 and end at 0");
        let cut = "tensor w: its numbers end at byte 8 of 4: the file is cut short";
        assert_eq!(refused(&one(entry("w", "2", 0, 8)), 4), cut);
        assert!(refused(&one(entry("w", "18446744073709551615,2", 0, 8)), 8).starts_with("tensor w: 8 bytes for"));
        let overlap = two(entry("a", "2", 0, 8), entry("b", "2", 4, 12));
        assert_eq!(refused(&overlap, 12), "tensor b: its numbers overlap with those of a");
        let gap = two(entry("a", "1", 0, 4), entry("b", "1", 8, 12));
        assert_eq!(refused(&gap, 12), "tensor b: 4 bytes before its numbers belong to none");
        assert_eq!(refused(&one(entry("a", "1", 0, 4)), 5), "1 bytes after the numbers of a belong to no tensor");
        let twice = two(entry("a", "1", 0, 4), entry("a", "1", 4, 8));
        assert!(refused(&twice, 8).starts_with("its header: tensor a is listed twice"));
        assert!(refused(r#"{"a":{"dtype":"F32"}}"#, 0).contains("tensor a is not described by"));
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
