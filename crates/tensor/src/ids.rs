//! Token ids and truth values: what tensors are indexed and masked with. Neither has a gradient, so neither is a
//! tensor.

use crate::array::map;
use crate::shape::{self, Strides};
use crate::{Element, Shape, Tensor};
use std::sync::Arc;

/// Whole numbers in a shape: token ids, or positions along an axis. Cloning shares the storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    data: Arc<[u32]>,
    shape: Shape,
}

impl Ids {
    /// These numbers, in row-major order.
    ///
    /// # Panics
    /// If their count is not the shape's.
    #[track_caller]
    pub fn new(data: impl Into<Arc<[u32]>>, shape: impl Into<Shape>) -> Self {
        let (data, shape) = (data.into(), shape.into());
        assert!(data.len() == shape.size(), "{} ids do not fill shape {shape}", data.len());
        Self { data, shape }
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

    /// The numbers in row-major order.
    pub fn as_slice(&self) -> &[u32] {
        &self.data
    }

    /// The same numbers under another shape.
    ///
    /// # Panics
    /// If the sizes differ.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Self {
        Self::new(Arc::clone(&self.data), shape)
    }

    /// The largest number; none if there are no numbers.
    pub(crate) fn largest(&self) -> Option<u32> {
        self.data.iter().copied().max()
    }
}

/// Truth values in a shape; they broadcast as tensors do. Cloning shares the storage.
#[derive(Clone, Debug)]
pub struct Mask {
    data: Arc<[bool]>,
    shape: Shape,
    strides: Strides,
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

    pub(crate) fn strides(&self) -> &Strides {
        &self.strides
    }

    pub(crate) fn data(&self) -> &[bool] {
        &self.data
    }

    /// The truth values in row-major order.
    pub fn to_vec(&self) -> Vec<bool> {
        let one = Tensor::<f32>::scalar(1.0).expand(self.shape);
        self.numbers(&one).to_vec().into_iter().map(|x| x == 1.0).collect()
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

    /// 1 where the mask holds and 0 elsewhere, as constants, in the element type of `like`.
    pub(crate) fn numbers<E: Element>(&self, like: &Tensor<E>) -> Tensor<E> {
        let fill = |x| crate::Array::scalar(x).expand(like.shape());
        Tensor::constant(map::choose(&self.expand(like.shape()), &fill(E::ONE), &fill(E::ZERO)))
    }
}

impl<E: Element> Tensor<E> {
    /// Where this is greater than `other`; broadcasts.
    #[track_caller]
    pub fn gt(&self, other: &Tensor<E>) -> Mask {
        self.compare("gt", other, |a, b| a > b)
    }

    /// Where this is less than `other`; broadcasts.
    #[track_caller]
    pub fn lt(&self, other: &Tensor<E>) -> Mask {
        self.compare("lt", other, |a, b| a < b)
    }

    /// Where this is greater than or equal to `other`; broadcasts.
    #[track_caller]
    pub fn ge(&self, other: &Tensor<E>) -> Mask {
        self.compare("ge", other, |a, b| a >= b)
    }

    /// Where this is less than or equal to `other`; broadcasts.
    #[track_caller]
    pub fn le(&self, other: &Tensor<E>) -> Mask {
        self.compare("le", other, |a, b| a <= b)
    }

    /// Where this equals `other`; broadcasts. (`==` between tensors is left undefined: it could mean either this or one
    /// truth value.)
    #[track_caller]
    pub fn eq_mask(&self, other: &Tensor<E>) -> Mask {
        self.compare("eq", other, |a, b| a == b)
    }

    #[track_caller]
    fn compare(&self, name: &str, other: &Tensor<E>, f: impl Fn(E, E) -> bool + Sync) -> Mask {
        let shape = shape::insist(shape::broadcast(name, &self.shape(), &other.shape()));
        map::compare(&self.array().expand(shape), &other.array().expand(shape), f)
    }
}
