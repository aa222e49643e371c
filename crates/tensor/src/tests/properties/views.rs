//! What moves elements: reshape, permute, slice, expand, pad, concat, stack, split and their relatives.

use super::nd::Nd;
use super::operand::{Operand, any_number, of_shape, operand, shape, signed};
use super::{check, config};
use crate::Tensor;
use proptest::prelude::*;
use proptest::sample::Index;

/// The operand along one axis from `start`, for `length` elements.
fn slice(x: &Nd, axis: usize, start: usize, length: usize) -> Nd {
    let mut dims = x.shape.clone();
    dims[axis] = length;
    Nd::from_fn(&dims, |index| {
        let mut from = index.to_vec();
        from[axis] += start;
        x.at(&from)
    })
}

fn permute(x: &Nd, axes: &[usize]) -> Nd {
    let dims: Vec<usize> = axes.iter().map(|&axis| x.shape[axis]).collect();
    Nd::from_fn(&dims, |index| {
        let mut from = vec![0; axes.len()];
        axes.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
        x.at(&from)
    })
}

fn concat(parts: &[Nd], axis: usize) -> Nd {
    let mut dims = parts[0].shape.clone();
    dims[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    Nd::from_fn(&dims, |index| {
        let mut from = index.to_vec();
        let part = parts.iter().find(|part| {
            let inside = from[axis] < part.shape[axis];
            from[axis] -= if inside { 0 } else { part.shape[axis] };
            inside
        });
        part.expect("one of the parts holds it").at(&from)
    })
}

fn reshaped(x: &Nd, dims: &[usize]) -> Nd {
    Nd { shape: dims.to_vec(), data: x.data.clone() }
}

/// Operands that differ along one axis only.
fn parts() -> impl Strategy<Value = (usize, Vec<Operand>)> {
    (shape(1..=4), any::<Index>(), prop::collection::vec(0usize..4, 1..4)).prop_flat_map(|(dims, axis, sizes)| {
        let axis = axis.index(dims.len());
        let operands = sizes.into_iter().map(move |size| {
            let mut dims = dims.clone();
            dims[axis] = size;
            of_shape(dims, any_number).boxed()
        });
        (Just(axis), operands.collect::<Vec<_>>())
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reshape(x in operand(0..=5, any_number), factors: u8, ones in 0usize..2, seed: u64) {
        // Neighbouring axes merged where a bit says so, and axes of size 1 put in front.
        let mut dims = vec![1; ones];
        for (axis, &dim) in x.shape().iter().enumerate() {
            match dims.last_mut() {
                Some(last) if factors >> axis & 1 == 1 => *last *= dim,
                _ => dims.push(dim),
            }
        }
        let back = x.shape().to_vec();
        check("reshape", &[x], |x| x[0].reshape(&dims), |x| reshaped(&x[0], &dims), seed)?;
        let wide = Operand::contiguous(&dims, any_number);
        check("reshape back", &[wide], |x| x[0].reshape(&back), |x| reshaped(&x[0], &back), seed)?;
    }

    #[test]
    fn permute_and_swap(
        x in operand(0..=5, any_number),
        order in Just((0..5usize).collect::<Vec<_>>()).prop_shuffle(),
        a: Index,
        b: Index,
        seed: u64,
    ) {
        let rank = x.shape().len();
        let axes: Vec<usize> = order.into_iter().filter(|&axis| axis < rank).collect();
        check("permute", std::slice::from_ref(&x), |x| x[0].permute(&axes), |x| permute(&x[0], &axes), seed)?;
        if rank > 0 {
            let (a, b) = (a.index(rank), b.index(rank));
            let mut swapped: Vec<usize> = (0..rank).collect();
            swapped.swap(a, b);
            let op = |x: &[Tensor<f64>]| x[0].swap_axes(signed(a, rank, true), signed(b, rank, false));
            check("swap_axes", std::slice::from_ref(&x), op, |x| permute(&x[0], &swapped), seed)?;
        }
        if rank > 1 {
            let mut transposed: Vec<usize> = (0..rank).collect();
            transposed.swap(rank - 2, rank - 1);
            check("t", &[x], |x| x[0].t(), |x| permute(&x[0], &transposed), seed)?;
        }
    }

    #[test]
    fn slice_of_an_axis(x in operand(1..=5, any_number), axis: Index, ends: [Index; 2], negative: bool, seed: u64) {
        let rank = x.shape().len();
        let axis = axis.index(rank);
        let [a, b] = ends.map(|end| end.index(x.shape()[axis] + 1));
        let (start, end) = (a.min(b), a.max(b));
        let op = |x: &[Tensor<f64>]| x[0].slice(signed(axis, rank, negative), start..end);
        check("slice", &[x], op, |x| slice(&x[0], axis, start, end - start), seed)?;
    }

    #[test]
    fn slices_that_overlap(x in operand(1..=4, any_number), axis: Index, seed: u64) {
        // Each use of an element adds to its gradient, whichever slice it was read through.
        let axis = axis.index(x.shape().len());
        let size = x.shape()[axis];
        prop_assume!(size > 1);
        let (all_but_first, all_but_last) = (1..size, 0..size - 1);
        let op = |x: &[Tensor<f64>]| {
            x[0].slice(axis as isize, all_but_first.clone()) * x[0].slice(axis as isize, all_but_last.clone())
        };
        let reference = |x: &[Nd]| {
            Nd::zip(&slice(&x[0], axis, 1, size - 1), &slice(&x[0], axis, 0, size - 1), |a, b| a * b)
        };
        check("overlapping slices", &[x], op, reference, seed)?;
    }

    #[test]
    fn expand(common in shape(0..=5), missing in 0usize..6, ones: u8, seed: u64) {
        let missing = missing.min(common.len());
        let kept = common.iter().enumerate().skip(missing);
        let dims: Vec<usize> = kept.map(|(axis, &dim)| if ones >> axis & 1 == 1 { 1 } else { dim }).collect();
        let x = Operand::contiguous(&dims, any_number);
        check("expand", &[x], |x| x[0].expand(&common), |x| x[0].expand(&common), seed)?;
    }

    #[test]
    fn unsqueeze_and_squeeze(x in operand(0..=5, any_number), axis: Index, negative: bool, seed: u64) {
        let rank = x.shape().len();
        let axis = axis.index(rank + 1);
        let mut dims = x.shape().to_vec();
        dims.insert(axis, 1);
        let place = signed(axis, rank + 1, negative);
        check("unsqueeze", std::slice::from_ref(&x), |x| x[0].unsqueeze(place), |x| reshaped(&x[0], &dims), seed)?;
        let back = |x: &[Tensor<f64>]| x[0].unsqueeze(place).squeeze(place);
        check("squeeze", &[x], back, |x| x[0].clone(), seed)?;
    }

    #[test]
    fn pad(
        x in operand(1..=4, any_number),
        axis: Index,
        before in 0usize..4,
        after in 0usize..4,
        negative: bool,
        seed: u64,
    ) {
        let rank = x.shape().len();
        let axis = axis.index(rank);
        let op = |x: &[Tensor<f64>]| x[0].pad(signed(axis, rank, negative), before, after, 0.75);
        let reference = |x: &[Nd]| {
            let mut dims = x[0].shape.clone();
            dims[axis] += before + after;
            Nd::from_fn(&dims, |index| {
                let inside = (before..before + x[0].shape[axis]).contains(&index[axis]);
                let mut from = index.to_vec();
                from[axis] = from[axis].wrapping_sub(before);
                if inside { x[0].at(&from) } else { 0.75 }
            })
        };
        check("pad", &[x], op, reference, seed)?;
    }

    #[test]
    fn concat_of_parts((axis, parts) in parts(), negative: bool, seed: u64) {
        let place = signed(axis, parts[0].shape().len(), negative);
        check("concat", &parts, |x| Tensor::concat(x, place), |x| concat(x, axis), seed)?;
    }

    #[test]
    fn concat_of_one_tensor_with_itself(x in operand(1..=4, any_number), axis: Index, seed: u64) {
        let axis = axis.index(x.shape().len());
        let op = |x: &[Tensor<f64>]| Tensor::concat(&[x[0].clone(), x[0].clone()], axis as isize);
        check("concat twice", &[x], op, |x| concat(&[x[0].clone(), x[0].clone()], axis), seed)?;
    }

    #[test]
    fn stack(
        (x, y) in shape(0..=4).prop_flat_map(|s| (of_shape(s.clone(), any_number), of_shape(s, any_number))),
        axis: Index,
        negative: bool,
        seed: u64,
    ) {
        let rank = x.shape().len() + 1;
        let axis = axis.index(rank);
        let op = |x: &[Tensor<f64>]| Tensor::stack(x, signed(axis, rank, negative));
        let reference = |x: &[Nd]| {
            let mut dims = x[0].shape.clone();
            dims.insert(axis, 2);
            Nd::from_fn(&dims, |index| {
                let mut from = index.to_vec();
                let which = from.remove(axis);
                x[which].at(&from)
            })
        };
        check("stack", &[x, y], op, reference, seed)?;
    }

    #[test]
    fn split_and_chunks(x in operand(1..=4, any_number), axis: Index, cut: Index, seed: u64) {
        let rank = x.shape().len();
        let axis = axis.index(rank);
        let size = x.shape()[axis];
        let first = cut.index(size + 1);
        // The parts weighted differently, so that none can be taken for another.
        let op = |x: &[Tensor<f64>]| {
            let parts = x[0].split(axis as isize, &[first, size - first]);
            Tensor::concat(&[&parts[1] * 2.0, parts[0].clone()], axis as isize)
        };
        let reference = |x: &[Nd]| {
            concat(&[slice(&x[0], axis, first, size - first).map(|x| 2.0 * x), slice(&x[0], axis, 0, first)], axis)
        };
        check("split", std::slice::from_ref(&x), op, reference, seed)?;
        if size % 2 == 0 {
            let op = |x: &[Tensor<f64>]| {
                let [a, b] = x[0].chunks(signed(axis, rank, true));
                a * 2.0 - b
            };
            let half = |x: &[Nd], start| slice(&x[0], axis, start, size / 2);
            check("chunks", &[x], op, |x| Nd::zip(&half(x, 0), &half(x, size / 2), |a, b| 2.0 * a - b), seed)?;
        }
    }
}
