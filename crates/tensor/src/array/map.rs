//! Elementwise loops: one pass over memory for each expression, whatever the operands' strides.
//!
//! Callers mark their closures `#[inline(always)]`: a loop is compiled once for each vector level (`simd`), and a
//! function that was left as a call would stay scalar in all of them.

use super::Array;
use super::walk::for_each_run;
use crate::fast::buffer::Buffer;
use crate::{Element, Mask, vectorized};

/// yᵢ = f(x₁ᵢ, x₂ᵢ, …), for arrays of one shape.
pub(crate) fn map<E: Element, const N: usize>(x: [&Array<E>; N], f: impl Fn([E; N]) -> E + Sync) -> Array<E> {
    let shape = x[0].shape;
    debug_assert!(x.iter().all(|x| x.shape == shape));
    let mut out = Buffer::scratch(shape.size());
    let data = x.map(Array::data);
    for_each_run(&mut out, &shape, x.map(|x| &x.strides), &|out, at, steps| {
        let x: [&[E]; N] = std::array::from_fn(|k| &data[k][at[k]..]);
        if steps == [0; N] {
            out.fill(f(elements(&x, [0; N])));
        } else if steps == [1; N] {
            vectorized!({
                // Of one length, as the loop can see: it would not become vectors if places were checked.
                let x: [&[E]; N] = std::array::from_fn(|k| &x[k][..out.len()]);
                for i in 0..out.len() {
                    out[i] = f(elements(&x, [i; N]));
                }
            });
        } else {
            let mut places = [0; N];
            for y in out {
                *y = f(elements(&x, places));
                for k in 0..N {
                    places[k] += steps[k];
                }
            }
        }
    });
    Array::from_buffer(out, shape)
}

/// One element of each slice. (`std::array::from_fn` is not always inlined, and then no loop becomes vectors.)
#[inline(always)]
fn elements<E: Element, const N: usize>(x: &[&[E]; N], places: [usize; N]) -> [E; N] {
    let mut elements = [E::ZERO; N];
    for k in 0..N {
        elements[k] = x[k][places[k]];
    }
    elements
}

/// yᵢ = aᵢ where the mask holds, else bᵢ.
pub(crate) fn choose<E: Element>(mask: &Mask, a: &Array<E>, b: &Array<E>) -> Array<E> {
    debug_assert!(mask.shape() == a.shape && a.shape == b.shape);
    let mut out = Buffer::scratch(a.size());
    let (dm, da, db) = (&mask.data, a.data(), b.data());
    let strides = [&mask.strides, &a.strides, &b.strides];
    for_each_run(&mut out, &a.shape, strides, &|out, [at_m, at_a, at_b], [sm, sa, sb]| {
        for (i, y) in out.iter_mut().enumerate() {
            let (a, b) = (da[at_a + i * sa], db[at_b + i * sb]);
            *y = if dm[at_m + i * sm] { a } else { b };
        }
    });
    Array::from_buffer(out, a.shape)
}

/// The mask of f(aᵢ, bᵢ), for arrays of one shape.
pub(crate) fn compare<E: Element>(a: &Array<E>, b: &Array<E>, f: impl Fn(E, E) -> bool + Sync) -> Mask {
    debug_assert_eq!(a.shape, b.shape);
    let mut out = vec![false; a.size()];
    let (da, db) = (a.data(), b.data());
    for_each_run(&mut out, &a.shape, [&a.strides, &b.strides], &|out, [at_a, at_b], [sa, sb]| {
        (0..out.len()).for_each(|i| out[i] = f(da[at_a + i * sa], db[at_b + i * sb]));
    });
    Mask::new(out, a.shape)
}

/// `total += x` in place, if `total` is row-major and shared with nobody; tells whether it was.
pub(crate) fn add_in_place<E: Element>(total: &mut Array<E>, x: &Array<E>) -> bool {
    debug_assert_eq!(total.shape, x.shape);
    let shape = total.shape;
    let Some(out) = total.as_mut_slice() else { return false };
    let data = x.data();
    for_each_run(out, &shape, [&x.strides], &|out, [at], [step]| match step {
        1 => add(out, &data[at..at + out.len()]),
        _ => out.iter_mut().enumerate().for_each(|(i, y)| *y += data[at + i * step]),
    });
    true
}

/// Adds `part` to the slice of `total` that starts at `start` along `axis`.
pub(crate) fn add_to_slice<E: Element>(total: &mut Array<E>, axis: usize, start: usize, part: &Array<E>) {
    for_each_slice(total, axis, start, part, &add);
}

fn add<E: Element>(total: &mut [E], x: &[E]) {
    vectorized!({
        for (y, &x) in total.iter_mut().zip(x) {
            *y += x;
        }
    });
}

/// Writes `part` to the slice of `whole` that starts at `start` along `axis`.
pub(crate) fn write_slice<E: Element>(whole: &mut Array<E>, axis: usize, start: usize, part: &Array<E>) {
    for_each_slice(whole, axis, start, part, &|out, part| out.copy_from_slice(part));
}

/// Calls `f` with each run of neighbours of a slice, and with the run of `part` that belongs to it.
fn for_each_slice<E: Element>(
    whole: &mut Array<E>,
    axis: usize,
    start: usize,
    part: &Array<E>,
    f: &dyn Fn(&mut [E], &[E]),
) {
    if part.size() == 0 {
        return;
    }
    let after: usize = whole.shape.iter().skip(axis + 1).product();
    let (step, length) = (whole.shape.dim(axis) * after, part.shape.dim(axis) * after);
    let part = part.contiguous();
    for (out, part) in whole.make_mut().chunks_mut(step).zip(part.data().chunks(length)) {
        f(&mut out[start * after..][..length], part);
    }
}
