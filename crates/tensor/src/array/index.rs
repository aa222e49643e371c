//! Moving elements by integer position: rows out of a table and back, elements along an axis and back.

use super::Array;
use crate::fast::buffer::Buffer;
use crate::{Element, Shape};

/// Slices `ids[i]` of an axis, in that order. `x` is viewed as (before, size, after).
pub(crate) fn select<E: Element>(x: &Array<E>, axis: usize, ids: &[u32]) -> Array<E> {
    let (x, shape) = (x.contiguous(), x.shape.with(axis, ids.len()));
    let (size, after) = (x.shape.dim(axis), after(&x.shape, axis));
    let data = x.data();
    let mut out = Buffer::scratch(shape.size());
    if !out.is_empty() {
        for (to, from) in out.chunks_mut(ids.len() * after).zip(data.chunks(size * after)) {
            for (row, &id) in to.chunks_mut(after).zip(ids) {
                row.copy_from_slice(&from[id as usize * after..][..after]);
            }
        }
    }
    Array::from_buffer(out, shape)
}

/// The adjoint of [`select`]: slice `ids[i]` of an axis of `size` receives the sum of all slices i of `dy`.
pub(crate) fn select_adjoint<E: Element>(dy: &Array<E>, axis: usize, ids: &[u32], size: usize) -> Array<E> {
    let dy = dy.contiguous();
    let shape = dy.shape.with(axis, size);
    let after = after(&shape, axis);
    let mut out = Buffer::full(shape.size(), E::ZERO);
    if dy.size() > 0 {
        for (to, from) in out.chunks_mut(size * after).zip(dy.data().chunks(ids.len() * after)) {
            for (row, &id) in from.chunks(after).zip(ids) {
                let to = &mut to[id as usize * after..][..after];
                to.iter_mut().zip(row).for_each(|(y, &x)| *y += x);
            }
        }
    }
    Array::from_buffer(out, shape)
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

/// The number of elements in one step along `axis`.
fn after(shape: &Shape, axis: usize) -> usize {
    shape.iter().skip(axis + 1).product()
}
