//! Named arrays in safetensors files, in and out.
//!
//! A file is the length of its [header](Header), the header, which is JSON, and the numbers of all arrays one after
//! another:
//!
//! ```text
//! 8 bytes, lowest first: how long the header is
//! {"weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}     up to a multiple of 8 with spaces
//! the numbers, lowest byte first
//! ```
//! Files are written in the order of the names, so equal arrays make equal bytes. Reading checks everything before
//! anything is returned, and says which array is at fault; numbers may come as F32, F64, F16 or BF16 and are converted.

use crate::{Array, Element, Shape};
use ::safetensors::tensor::Dtype;
use std::collections::BTreeMap;
use std::io::{self, Write};

mod header;

pub use header::{Entry, FormatError, Header, MAX_HEADER};

/// Arrays by name, in the order of their names.
pub type Named<E> = BTreeMap<String, Array<E>>;

/// How many numbers are made into bytes at a time.
const CHUNK: usize = 1 << 14;

/// The arrays as the bytes of a safetensors file, with an entry of `metadata` in its header.
///
/// # Errors
/// If the header would be longer than [`MAX_HEADER`].
pub fn write<E: Element>(arrays: &Named<E>, metadata: Option<(&str, &str)>) -> Result<Vec<u8>, FormatError> {
    let size: usize = arrays.values().map(|array| array.size() * size_of::<E>()).sum();
    let mut bytes = Vec::with_capacity(size + 128 * (arrays.len() + 1));
    write_to(arrays, metadata, &mut bytes).map_err(|error| FormatError(error.to_string()))?;
    Ok(bytes)
}

/// Writes the same bytes to `to`, a few at a time: no second copy of the numbers is made.
///
/// # Errors
/// If `to` has one, or the header would be longer than [`MAX_HEADER`].
pub fn write_to<E: Element>(arrays: &Named<E>, metadata: Option<(&str, &str)>, to: &mut dyn Write) -> io::Result<()> {
    let dtype = if size_of::<E>() == 4 { Dtype::F32 } else { Dtype::F64 };
    let sizes = arrays.iter().map(|(name, array)| (name.as_str(), array.shape()));
    to.write_all(&header::text(sizes, dtype, metadata)?)?;
    for array in arrays.values() {
        let array = array.contiguous();
        for numbers in array.as_slice().expect("it is contiguous now").chunks(CHUNK) {
            let single = |x: f64| (x as f32).to_le_bytes();
            let bytes =
                if dtype == Dtype::F32 { le_bytes(numbers, single) } else { le_bytes(numbers, f64::to_le_bytes) };
            to.write_all(&bytes)?;
        }
    }
    Ok(())
}

/// The arrays in the bytes of a safetensors file.
///
/// # Errors
/// If the bytes are not such a file, or an array has numbers of another kind or more than six axes.
pub fn read<E: Element>(bytes: &[u8]) -> Result<Named<E>, FormatError> {
    let header = Header::of(bytes)?;
    let array = |(name, entry): (&String, &Entry)| {
        let range = entry.bytes.start as usize..entry.bytes.end as usize;
        Ok((name.clone(), entry.array(name, &bytes[range])?))
    };
    header.entries.iter().map(array).collect()
}

impl Entry {
    /// The array called `name` from its bytes, those of the file at [`bytes`](Entry::bytes).
    ///
    /// # Errors
    /// If it has numbers of a kind that is not read here, or more than six axes.
    ///
    /// # Panics
    /// If there are not as many bytes as the entry says.
    pub fn array<E: Element>(&self, name: &str, data: &[u8]) -> Result<Array<E>, FormatError> {
        assert!(data.len() as u64 == self.bytes.end - self.bytes.start, "{name}: {} bytes", data.len());
        let shape = Shape::checked(&self.shape).map_err(|problem| FormatError(format!("tensor {name}: {problem}")))?;
        let numbers: Vec<E> = match self.dtype {
            Dtype::F32 => numbers(data, |bytes| f32::from_le_bytes(bytes).into()),
            Dtype::F64 => numbers(data, f64::from_le_bytes),
            Dtype::BF16 => numbers(data, |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16).into()),
            Dtype::F16 => numbers(data, |bytes| half(u16::from_le_bytes(bytes))),
            other => return Err(FormatError(format!("tensor {name}: numbers of type {other} are not supported"))),
        };
        Ok(Array::from_vec(numbers, shape))
    }
}

fn numbers<E: Element, const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<E> {
    data.as_chunks().0.iter().map(|&bytes| E::from_f64(number(bytes))).collect()
}

/// An IEEE 754 half-precision number: sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// The bytes of some elements, the lowest of each first.
fn le_bytes<E: Element, const N: usize>(elements: &[E], bytes: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    let mut out = vec![0; N * elements.len()];
    out.as_chunks_mut().0.iter_mut().zip(elements).for_each(|(out, x)| *out = bytes(x.to_f64()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_bit_for_bit() {
        let arrays: Named<f32> = [
            ("b.weight", Array::from_fn([2, 3], |i| (i as f32).exp())),
            ("a", Array::scalar(-0.0)),
            ("empty", Array::zeros([0, 4])),
        ]
        .into_iter()
        .map(|(name, array)| (name.to_string(), array))
        .collect();
        let bytes = write(&arrays, Some(("format", "rungs"))).unwrap();
        assert_eq!(read::<f32>(&bytes).unwrap(), arrays);
        assert_eq!(write(&arrays, Some(("format", "rungs"))).unwrap(), bytes, "equal arrays, equal bytes");
        assert_eq!(read::<f64>(&bytes).unwrap()["b.weight"].to_vec()[1], f64::from(1f32.exp()));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let bytes = write(&Named::from([("x".to_string(), Array::<f64>::zeros(3))]), None).unwrap();
        for cut in 0..bytes.len() {
            assert!(read::<f64>(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut huge = bytes;
        huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read::<f64>(&huge).is_err());
    }

    #[test]
    fn shapes_that_no_memory_holds_are_refused() {
        for dims in ["0,4294967295,4294967295,4294967295", "4294967296,0", "1,1,1,1,1,1,0"] {
            let header = format!(r#"{{"w":{{"dtype":"F32","shape":[{dims}],"data_offsets":[0,0]}}}}"#);
            let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
            let error = read::<f32>(&bytes).unwrap_err().to_string();
            assert!(error.starts_with("tensor w: shape ["), "{error}");
        }
    }

    #[test]
    fn half_precision_numbers_are_understood() {
        let cases = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2f64.powi(-24)), (0x8000, -0.0)];
        assert!(cases.into_iter().all(|(bits, value)| half(bits) == value));
        assert_eq!(half(0x7c00), f64::INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
