//! Values: a strided view into shared storage. An [`Array`] knows nothing of gradients.
//!
//! Views (slices, permutations, broadcasts) share the storage and differ in offset, shape and strides, so they cost
//! nothing however large the array is. A stride of 0 repeats an element: that is how broadcasting reads one row as
//! many. Whatever computes new values writes a fresh row-major array, in a [`Buffer`]: a vector whose memory is used
//! again.

pub(crate) mod gemm;
pub(crate) mod index;
pub(crate) mod map;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod walk;

use crate::fast::buffer::Buffer;
use crate::shape::{MAX_RANK, Strides};
use crate::{Element, Rng, Shape};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use walk::for_each_run;

/// An n-dimensional array of numbers. Cloning shares the storage.
#[derive(Clone)]
pub struct Array<E: Element = f32> {
    storage: Arc<Buffer<E>>,
    offset: usize,
    shape: Shape,
    strides: Strides,
}

impl<E: Element> Array<E> {
    pub(crate) fn from_buffer(buffer: Buffer<E>, shape: Shape) -> Self {
        debug_assert_eq!(buffer.len(), shape.size());
        Self { storage: Arc::new(buffer), offset: 0, shape, strides: shape.strides() }
    }

    /// An array with whatever was in its memory (initialised, never secret to the process): to be written whole,
    /// through [`make_mut`](Array::make_mut), before it is read. For kernels.
    #[track_caller]
    pub fn scratch(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Self::from_buffer(Buffer::scratch(shape.size()), shape)
    }

    /// The array with these elements, in row-major order.
    ///
    /// # Panics
    /// If the number of elements is not the shape's.
    #[track_caller]
    pub fn from_vec(data: Vec<E>, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert!(data.len() == shape.size(), "{} elements do not fill shape {shape}", data.len());
        Self::from_buffer(Buffer::from_vec(data), shape)
    }

    /// The array whose element number `i`, in row-major order, is `f(i)`.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, mut f: impl FnMut(usize) -> E) -> Self {
        let shape = shape.into();
        // Into a buffer that has been used before: a dropout mask is made at every step.
        let mut buffer = Buffer::scratch(shape.size());
        buffer.iter_mut().enumerate().for_each(|(i, x)| *x = f(i));
        Self::from_buffer(buffer, shape)
    }

    /// An array filled with one value.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: E) -> Self {
        let shape = shape.into();
        Self::from_buffer(Buffer::full(shape.size(), value), shape)
    }

    /// An array of zeros.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(shape, E::ZERO)
    }

    /// A single number.
    pub fn scalar(value: E) -> Self {
        Self::full((), value)
    }

    /// Independent draws from the normal distribution.
    #[track_caller]
    pub fn normal(shape: impl Into<Shape>, mean: f64, deviation: f64, rng: &mut Rng) -> Self {
        Self::from_fn(shape, |_| E::from_f64(mean + deviation * rng.normal()))
    }

    /// Independent draws from the uniform distribution on `low..high`.
    #[track_caller]
    pub fn uniform(shape: impl Into<Shape>, low: f64, high: f64, rng: &mut Rng) -> Self {
        Self::from_fn(shape, |_| E::from_f64(low + (high - low) * rng.uniform()))
    }

    /// The size along each axis.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of elements.
    pub fn size(&self) -> usize {
        self.shape.size()
    }

    /// The sizes as an array; see [`Shape::dims`].
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        self.shape.dims()
    }

    /// The storage from this view's first element on.
    pub(crate) fn data(&self) -> &[E] {
        &self.storage[self.offset..]
    }

    /// How far apart the neighbours along each axis are in [`data`](Array::data).
    pub(crate) fn steps<const N: usize>(&self) -> [usize; N] {
        debug_assert_eq!(self.shape.rank(), N);
        std::array::from_fn(|axis| self.strides[axis])
    }

    /// Whether the elements lie in row-major order without gaps or repetition.
    pub fn is_contiguous(&self) -> bool {
        let mut step = 1;
        (0..self.shape.rank()).rev().all(|axis| {
            let dim = self.shape.dim(axis);
            let fits = dim <= 1 || self.strides[axis] == step;
            step *= dim;
            fits
        }) || self.size() == 0
    }

    /// The elements in row-major order, if they lie so in memory.
    pub fn as_slice(&self) -> Option<&[E]> {
        self.is_contiguous().then(|| &self.data()[..self.size()])
    }

    /// Whether every element is neither infinite nor NaN.
    pub fn is_finite(&self) -> bool {
        self.contiguous().as_slice().is_some_and(|elements| elements.iter().all(|x| x.is_finite()))
    }

    /// The same values in row-major order; a copy only if they do not lie so already.
    pub fn contiguous(&self) -> Self {
        if self.is_contiguous() { self.clone() } else { self.copy() }
    }

    /// A copy in row-major storage of its own.
    pub(crate) fn copy(&self) -> Self {
        let mut out = Buffer::scratch(self.size());
        let data = self.data();
        for_each_run(&mut out, &self.shape, [&self.strides], &|out, [at], [step]| match step {
            1 => out.copy_from_slice(&data[at..at + out.len()]),
            0 => out.fill(data[at]),
            _ => out.iter_mut().zip(data[at..].iter().step_by(step)).for_each(|(y, &x)| *y = x),
        });
        Self::from_buffer(out, self.shape)
    }

    /// The elements in row-major order.
    pub fn to_vec(&self) -> Vec<E> {
        self.contiguous().data()[..self.size()].to_vec()
    }

    /// The only element.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> E {
        assert!(self.size() == 1, "item: an array of shape {} does not hold a single number", self.shape);
        self.data()[0]
    }

    /// The elements for writing, if this array is row-major and nothing else shares its storage.
    pub(crate) fn as_mut_slice(&mut self) -> Option<&mut [E]> {
        if !self.is_contiguous() {
            return None;
        }
        let (start, size) = (self.offset, self.size());
        Arc::get_mut(&mut self.storage).map(|buffer| &mut buffer[start..start + size])
    }

    /// The elements for writing; they move to storage of their own first if it is shared or not row-major.
    pub fn make_mut(&mut self) -> &mut [E] {
        if self.as_mut_slice().is_none() {
            *self = self.copy();
        }
        self.as_mut_slice().expect("a fresh copy is row-major and shared with nobody")
    }

    /// A view with other strides. The caller answers for their staying within the storage.
    fn view(&self, offset: usize, shape: Shape, strides: Strides) -> Self {
        Self { storage: Arc::clone(&self.storage), offset, shape, strides }
    }

    /// The same elements in row-major order under another shape. A view if possible.
    pub(crate) fn reshape(&self, shape: Shape) -> Self {
        debug_assert_eq!(shape.size(), self.size());
        let base = self.contiguous();
        base.view(base.offset, shape, shape.strides())
    }

    /// Axis i of the result is axis `axes[i]` of this array.
    pub(crate) fn permute(&self, axes: &[usize]) -> Self {
        let (mut shape, mut strides) = (self.shape, [0; MAX_RANK]);
        for (to, &from) in axes.iter().enumerate() {
            shape = shape.with(to, self.shape.dim(from));
            strides[to] = self.strides[from];
        }
        self.view(self.offset, shape, strides)
    }

    /// The part of one axis within `range`.
    pub(crate) fn slice(&self, axis: usize, range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= self.shape.dim(axis));
        let shape = self.shape.with(axis, range.len());
        // An empty view may start at the very end of the storage, never past it.
        let start = if shape.size() == 0 { 0 } else { range.start * self.strides[axis] };
        self.view(self.offset + start, shape, self.strides)
    }

    /// Repeats axes of size 1 (and missing leading axes) until the shape is `shape`.
    pub(crate) fn expand(&self, shape: Shape) -> Self {
        self.view(self.offset, shape, self.shape.expanded(&self.strides, &shape))
    }
}

impl<E: Element> fmt::Debug for Array<E> {
    /// The shape and the first few elements: an array in an error message must stay readable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let data = if self.size() <= 4096 { self.to_vec() } else { Vec::new() };
        let shown: Vec<String> = data.iter().take(SHOWN).map(|x| x.to_string()).collect();
        let rest = if self.size() > SHOWN { ", …" } else { "" };
        write!(f, "Array<{}>{} [{}{rest}]", E::NAME, self.shape, shown.join(", "))
    }
}

impl<E: Element> PartialEq for Array<E> {
    /// Equal shapes and equal elements; NaN differs from itself.
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.to_vec() == other.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: impl Into<Shape>) -> Array<f64> {
        Array::from_fn(shape, |i| i as f64)
    }

    #[test]
    fn views_share_storage_and_read_in_their_own_order() {
        let x = counting([2, 3]);
        assert_eq!(x.permute(&[1, 0]).to_vec(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(x.slice(1, 1..3).to_vec(), [1.0, 2.0, 4.0, 5.0]);
        assert_eq!(x.slice(0, 1..2).expand([2, 2, 3].into()).to_vec(), [3.0, 4.0, 5.0].repeat(4));
        assert!(Arc::ptr_eq(&x.storage, &x.permute(&[1, 0]).slice(0, 1..2).storage));
        assert!(x.slice(1, 3..3).to_vec().is_empty());
    }

    #[test]
    fn size_one_axes_do_not_break_contiguity() {
        let x = counting([4, 1, 3]);
        assert!(x.permute(&[1, 0, 2]).is_contiguous());
        assert!(!x.permute(&[2, 1, 0]).is_contiguous());
        assert!(counting([2, 0]).permute(&[1, 0]).is_contiguous());
    }

    #[test]
    fn writing_copies_only_what_is_shared() {
        let mut x = counting(3);
        let address = x.data().as_ptr();
        x.make_mut()[0] = 9.0;
        assert_eq!(x.data().as_ptr(), address);
        let before = x.clone();
        x.make_mut()[0] = 7.0;
        assert_eq!((before.to_vec()[0], x.to_vec()[0]), (9.0, 7.0));
    }
}
