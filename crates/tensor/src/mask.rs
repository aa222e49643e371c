//! Truth values: what tensors are masked with. They have no gradient, so they are no tensor.

use crate::Shape;
use crate::array::walk::for_each_run;
use crate::shape::{self, Strides};
use std::sync::Arc;

/// Truth values in a shape; they broadcast as tensors do. Cloning shares the storage.
#[derive(Clone, Debug)]
pub struct Mask {
    pub(crate) data: Arc<[bool]>,
    shape: Shape,
    pub(crate) strides: Strides,
}

impl Mask {
    /// These truth values, in row-major order.
    ///
    /// # Panics
    /// If their count is not the shape's.
    #[track_caller]
    pub fn new(data: impl Into<Arc<[bool]>>, shape: impl Into<Shape>) -> Self {
        let (data, shape) = (data.into(), shape.into());
        assert!(data.len() == shape.size(), "{} truth values do not fill shape {shape}", data.len());
        Self { data, shape, strides: shape.strides() }
    }

    /// The mask whose value number `i`, in row-major order, is `f(i)`.
    #[track_caller]
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(usize) -> bool) -> Self {
        let shape = shape.into();
        Self::new((0..shape.size()).map(f).collect::<Vec<_>>(), shape)
    }

    /// Which keys a query may look at when neither sees the future: (queries, keys), where the last query stands at the
    /// last key. With fewer queries than keys, the first keys are the past that a cache remembers.
    ///
    /// # Panics
    /// If there are more queries than keys.
    #[track_caller]
    pub fn causal(queries: usize, keys: usize) -> Self {
        assert!(queries <= keys, "causal: {queries} queries, but only {keys} keys");
        Self::from_fn([queries, keys], |i| i % keys <= i / keys + keys - queries)
    }

    /// The size along each axis.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The sizes as an array; see [`Shape::dims`].
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        self.shape.dims()
    }

    /// The truth values in row-major order.
    pub fn to_vec(&self) -> Vec<bool> {
        let mut out = vec![false; self.shape.size()];
        for_each_run(&mut out, &self.shape, [&self.strides], &|out, [at], [step]| {
            (0..out.len()).for_each(|i| out[i] = self.data[at + i * step]);
        });
        out
    }

    /// Where this one does not hold.
    pub fn not(&self) -> Self {
        Self { data: self.data.iter().map(|x| !x).collect(), ..self.clone() }
    }

    /// Where both hold; broadcasts.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn and(&self, other: &Self) -> Self {
        self.combine("and", other, |a, b| a && b)
    }

    /// Where either holds; broadcasts.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn or(&self, other: &Self) -> Self {
        self.combine("or", other, |a, b| a || b)
    }

    #[track_caller]
    fn combine(&self, name: &str, other: &Self, f: impl Fn(bool, bool) -> bool) -> Self {
        let shape = shape::insist(shape::broadcast(name, &self.shape, &other.shape));
        let (a, b) = (self.expand(shape).to_vec(), other.expand(shape).to_vec());
        Self::new(a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect::<Vec<_>>(), shape)
    }

    /// Repeats axes of size 1 and missing leading axes. The caller has checked that the shapes broadcast.
    pub(crate) fn expand(&self, shape: Shape) -> Self {
        let strides = self.shape.expanded(&self.strides, &shape);
        Self { data: Arc::clone(&self.data), shape, strides }
    }
}
