//! Named arrays in safetensors files, in and out.
//!
//! Files are written in the order of the names, so equal arrays make equal bytes. Reading checks everything before
//! anything is returned; numbers may come as F32, F64, F16 or BF16 and are converted.

use crate::{Array, Element, Shape};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Arrays by name, in the order of their names.
pub type Named<E> = BTreeMap<String, Array<E>>;

/// A file that is no good safetensors file, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError(String);

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}

/// The arrays as the bytes of a safetensors file, with `metadata` in its header.
///
/// # Errors
/// If the metadata names more than one entry: their order in the file would not be fixed.
pub fn write<E: Element>(arrays: &Named<E>, metadata: Option<(&str, &str)>) -> Result<Vec<u8>, FormatError> {
    let dtype = if size_of::<E>() == 4 { Dtype::F32 } else { Dtype::F64 };
    let bytes: Vec<(&String, Vec<usize>, Vec<u8>)> =
        arrays.iter().map(|(name, array)| (name, array.shape().to_vec(), le_bytes(&array.to_vec()))).collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| TensorView::new(dtype, shape.clone(), bytes).map(|view| (name.as_str(), view)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| FormatError(error.to_string()))?;
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_string(), value.to_string())]));
    safetensors::serialize(views, metadata).map_err(|error| FormatError(error.to_string()))
}

/// The arrays in the bytes of a safetensors file.
///
/// # Errors
/// If the bytes are not such a file, or an array has numbers of another kind or more than six axes.
pub fn read<E: Element>(bytes: &[u8]) -> Result<Named<E>, FormatError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| FormatError(format!("not a safetensors file: {}", error.to_string().replace('\n', " "))))?;
    file.iter().map(|(name, view)| Ok((name.to_string(), array(name, &view)?))).collect()
}

fn array<E: Element>(name: &str, view: &TensorView<'_>) -> Result<Array<E>, FormatError> {
    let dims = view.shape();
    if dims.len() > crate::MAX_RANK || dims.iter().any(|&dim| u32::try_from(dim).is_err()) {
        return Err(FormatError(format!("tensor {name}: shape {dims:?} is too large")));
    }
    let data = view.data();
    let numbers: Vec<E> = match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|&b| E::from_f64(f32::from_le_bytes(b).into())).collect(),
        Dtype::F64 => data.as_chunks().0.iter().map(|&b| E::from_f64(f64::from_le_bytes(b))).collect(),
        Dtype::BF16 => {
            let wide = |&b: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
            data.as_chunks().0.iter().map(|b| E::from_f64(wide(b).into())).collect()
        }
        Dtype::F16 => data.as_chunks().0.iter().map(|&b| E::from_f64(half(u16::from_le_bytes(b)))).collect(),
        other => return Err(FormatError(format!("tensor {name}: numbers of type {other:?} are not supported"))),
    };
    Ok(Array::from_vec(numbers, Shape::new(dims)))
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
fn le_bytes<E: Element>(elements: &[E]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(elements)];
    if size_of::<E>() == 8 {
        bytes.as_chunks_mut().0.iter_mut().zip(elements).for_each(|(out, x)| *out = x.to_f64().to_le_bytes());
    } else {
        bytes.as_chunks_mut().0.iter_mut().zip(elements).for_each(|(out, x)| *out = (x.to_f64() as f32).to_le_bytes());
    }
    bytes
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
    fn half_precision_numbers_are_understood() {
        let cases = [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 2f64.powi(-24)), (0x8000, -0.0)];
        assert!(cases.into_iter().all(|(bits, value)| half(bits) == value));
        assert_eq!(half(0x7c00), f64::INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
