//! Moving elements by integer position: rows out of a table and back, elements along an axis and back.

use super::Array;
use crate::fast::buffer::Buffer;
use crate::{Element, Shape};
use std::ops::Range;

/// Slices `ids[i]` of an axis, in that order. `x` is viewed as (before, size, after).
pub(crate) fn select<E: Element>(x: &Array<E>, axis: usize, ids: &[u32]) -> Array<E> {
    let (x, shape) = (x.contiguous(), x.shape.with(axis, ids.len()));
    let mut out = Buffer::scratch(shape.size());
    for_each_selected(&x.shape, axis, ids, |row, place| out[place].copy_from_slice(&x.data()[row]));
    Array::from_buffer(out, shape)
}

/// The adjoint of [`select`]: slice `ids[i]` of an axis of `size` receives the sum of all slices i of `dy`.
pub(crate) fn select_adjoint<E: Element>(dy: &Array<E>, axis: usize, ids: &[u32], size: usize) -> Array<E> {
    let (dy, shape) = (dy.contiguous(), dy.shape.with(axis, size));
    let mut out = Buffer::full(shape.size(), E::ZERO);
    for_each_selected(&shape, axis, ids, |row, place| {
        out[row].iter_mut().zip(&dy.data()[place]).for_each(|(y, &x)| *y += x);
    });
    Array::from_buffer(out, shape)
}

/// Where each selected row lies in an array of this shape, and where among the selected ones.
fn for_each_selected(shape: &Shape, axis: usize, ids: &[u32], mut f: impl FnMut(Range<usize>, Range<usize>)) {
    let before: usize = shape.iter().take(axis).product();
    let after: usize = shape.iter().skip(axis + 1).product();
    for block in 0..before {
        for (i, &id) in ids.iter().enumerate() {
            let [row, place] = [block * shape.dim(axis) + id as usize, block * ids.len() + i];
            f(row * after..(row + 1) * after, place * after..(place + 1) * after);
        }
    }
}

/// y[…, i, …] = x[…, ids[…, i, …], …] along one axis; `ids` has the shape of the result.
pub(crate) fn gather<E: Element>(x: &Array<E>, axis: usize, ids: &[u32], shape: Shape) -> Array<E> {
    let from = x.contiguous();
    let mut out = Buffer::scratch(shape.size());
    for_each_position(&shape, axis, x.shape, |i, base, stride| {
        out[i] = from.data()[base + ids[i] as usize * stride];
    });
    Array::from_buffer(out, shape)
}

/// y = x, then y[…, ids[…, i, …], …] += source[…, i, …] along one axis.
pub(crate) fn scatter_add<E: Element>(x: &Array<E>, axis: usize, ids: &[u32], source: &Array<E>) -> Array<E> {
    let source = source.contiguous();
    let mut total = x.clone();
    let out = total.make_mut();
    for_each_position(&source.shape, axis, x.shape, |i, base, stride| {
        out[base + ids[i] as usize * stride] += source.data()[i];
    });
    total
}

/// For each element of `shape`: its row-major position, and the position in `target` of the element with the same
/// indices but 0 along `axis`, with the stride along it. Both shapes agree on the other axes up to `shape`'s sizes.
fn for_each_position(shape: &Shape, axis: usize, target: Shape, mut f: impl FnMut(usize, usize, usize)) {
    let mut strides = target.strides();
    let stride = std::mem::take(&mut strides[axis]);
    (0..shape.size()).for_each(|i| f(i, shape.offset(i, &strides), stride));
}
