//! Elementwise loops: one pass over memory for each expression, whatever the operands' strides.
//!
//! Callers mark their closures `#[inline(always)]`: a loop is compiled once for each vector level (`simd`), and a
//! function that was left as a call would stay scalar in all of them.

use super::Array;
use super::walk::for_each_run;
use crate::fast::buffer::Buffer;
use crate::{Element, Mask, simd};

/// yᵢ = f(xᵢ).
pub(crate) fn map<E: Element>(x: &Array<E>, f: impl Fn(E) -> E + Sync) -> Array<E> {
    let mut out = Buffer::scratch(x.size());
    let data = x.data();
    for_each_run(&mut out, &x.shape, [&x.strides], &|out, [at], [step]| match step {
        1 => {
            let x = &data[at..at + out.len()];
            simd::run(
                #[inline(always)]
                || {
                    for (y, &x) in out.iter_mut().zip(x) {
                        *y = f(x);
                    }
                },
            );
        }
        0 => out.fill(f(data[at])),
        _ => out.iter_mut().zip(data[at..].iter().step_by(step)).for_each(|(y, &x)| *y = f(x)),
    });
    Array::from_buffer(out, x.shape)
}

/// yᵢ = f(aᵢ, bᵢ), for arrays of one shape.
pub(crate) fn zip<E: Element>(a: &Array<E>, b: &Array<E>, f: impl Fn(E, E) -> E + Sync) -> Array<E> {
    debug_assert_eq!(a.shape, b.shape);
    let mut out = Buffer::scratch(a.size());
    let (da, db) = (a.data(), b.data());
    for_each_run(&mut out, &a.shape, [&a.strides, &b.strides], &|out, [at_a, at_b], steps| {
        let n = out.len();
        match steps {
            [1, 1] => {
                let (a, b) = (&da[at_a..at_a + n], &db[at_b..at_b + n]);
                simd::run(
                    #[inline(always)]
                    || {
                        for i in 0..n {
                            out[i] = f(a[i], b[i]);
                        }
                    },
                );
            }
            [sa, sb] => {
                for i in 0..n {
                    out[i] = f(da[at_a + i * sa], db[at_b + i * sb]);
                }
            }
        }
    });
    Array::from_buffer(out, a.shape)
}

/// yᵢ = f(aᵢ, bᵢ, cᵢ), for arrays of one shape.
pub(crate) fn zip3<E: Element>(a: &Array<E>, b: &Array<E>, c: &Array<E>, f: impl Fn(E, E, E) -> E + Sync) -> Array<E> {
    debug_assert!(a.shape == b.shape && b.shape == c.shape);
    let mut out = Buffer::scratch(a.size());
    let (da, db, dc) = (a.data(), b.data(), c.data());
    let strides = [&a.strides, &b.strides, &c.strides];
    for_each_run(&mut out, &a.shape, strides, &|out, [at_a, at_b, at_c], steps| {
        let n = out.len();
        match steps {
            [1, 1, 1] => {
                let (a, b, c) = (&da[at_a..at_a + n], &db[at_b..at_b + n], &dc[at_c..at_c + n]);
                simd::run(
                    #[inline(always)]
                    || {
                        for i in 0..n {
                            out[i] = f(a[i], b[i], c[i]);
                        }
                    },
                );
            }
            [sa, sb, sc] => {
                for i in 0..n {
                    out[i] = f(da[at_a + i * sa], db[at_b + i * sb], dc[at_c + i * sc]);
                }
            }
        }
    });
    Array::from_buffer(out, a.shape)
}

/// yᵢ = aᵢ where the mask holds, else bᵢ.
pub(crate) fn choose<E: Element>(mask: &Mask, a: &Array<E>, b: &Array<E>) -> Array<E> {
    debug_assert!(mask.shape() == a.shape && a.shape == b.shape);
    let mut out = Buffer::scratch(a.size());
    let (dm, da, db) = (mask.data(), a.data(), b.data());
    let strides = [mask.strides(), &a.strides, &b.strides];
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
        1 => {
            let x = &data[at..at + out.len()];
            simd::run(
                #[inline(always)]
                || {
                    for (y, &x) in out.iter_mut().zip(x) {
                        *y += x;
                    }
                },
            );
        }
        _ => out.iter_mut().enumerate().for_each(|(i, y)| *y += data[at + i * step]),
    });
    true
}

/// Adds `part` to the slice of a row-major `total` that starts at `start` along `axis`.
pub(crate) fn add_to_slice<E: Element>(total: &mut Array<E>, axis: usize, start: usize, part: &Array<E>) {
    let after: usize = total.shape.iter().skip(axis + 1).product();
    let (whole, length) = (total.shape.dim(axis) * after, part.shape.dim(axis) * after);
    if part.size() == 0 {
        return;
    }
    let part = part.contiguous();
    let out = total.make_mut();
    for (out, part) in out.chunks_mut(whole).zip(part.data().chunks(length)) {
        let out = &mut out[start * after..][..length];
        simd::run(
            #[inline(always)]
            || {
                for (y, &x) in out.iter_mut().zip(part) {
                    *y += x;
                }
            },
        );
    }
}

/// Writes `part` to the slice of a row-major `whole` that starts at `start` along `axis`.
pub(crate) fn write_slice<E: Element>(whole: &mut Array<E>, axis: usize, start: usize, part: &Array<E>) {
    let after: usize = whole.shape.iter().skip(axis + 1).product();
    let (step, length) = (whole.shape.dim(axis) * after, part.shape.dim(axis) * after);
    if part.size() == 0 {
        return;
    }
    let part = part.contiguous();
    let out = whole.make_mut();
    for (out, part) in out.chunks_mut(step).zip(part.data().chunks(length)) {
        out[start * after..][..length].copy_from_slice(part);
    }
}
