//! Shapes, strides, and the rules by which shapes combine.
//!
//! A [`Shape`] is a small value (at most [`MAX_RANK`] axes, copied, never allocated). Every rule returns
//! `Result<Shape, ShapeError>`, so that an operation can be tried ([`try_apply`](crate::Tensor::try_apply)) as well as
//! insisted on; the error is one line that prints the sizes.

use std::fmt;

/// The most axes an array may have.
pub const MAX_RANK: usize = 6;

/// The most elements: so many numbers of eight bytes are what may be allocated at once.
const MAX_SIZE: usize = isize::MAX as usize / 8;

/// The size along each axis of an array; the last axis varies fastest. A scalar has no axes.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape {
    rank: u8,
    dims: [u32; MAX_RANK],
}

/// A shape that an operation cannot take, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError(String);

impl ShapeError {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}

impl Shape {
    /// The shape of a single number.
    pub const SCALAR: Shape = Shape { rank: 0, dims: [0; MAX_RANK] };

    /// A shape from its sizes.
    ///
    /// # Panics
    /// With more than [`MAX_RANK`] axes, an axis of 2³² or more, or more elements than memory could hold.
    #[track_caller]
    pub fn new(dims: &[usize]) -> Self {
        insist(Self::checked(dims))
    }

    /// A shape from sizes that may be anything, as those in a file.
    ///
    /// # Errors
    /// Where [`new`](Self::new) panics.
    pub fn checked(dims: &[usize]) -> Result<Self, ShapeError> {
        let error = |problem: String| Err(ShapeError(format!("shape {dims:?}{problem}")));
        if dims.len() > MAX_RANK {
            return error(format!(" has {} axes; at most {MAX_RANK} are supported", dims.len()));
        }
        let mut shape = Shape { rank: dims.len() as u8, dims: [0; MAX_RANK] };
        for (axis, &dim) in dims.iter().enumerate() {
            let Ok(dim) = u32::try_from(dim) else { return error(format!(": axis {axis} is too long")) };
            shape.dims[axis] = dim;
        }
        // Without numbers, too, there can be too many: the strides of [0, M, M] are numbers.
        match dims.iter().try_fold(1_usize, |size, &dim| size.checked_mul(dim.max(1))) {
            Some(size) if size <= MAX_SIZE => Ok(shape),
            _ => error(" has too many elements".to_owned()),
        }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The size along one axis.
    #[track_caller]
    pub fn dim(&self, axis: usize) -> usize {
        assert!(axis < self.rank(), "axis {axis} of shape {self}, which has {} axes", self.rank());
        self.dims[axis] as usize
    }

    /// The sizes, first axis first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator + '_ {
        self.dims[..self.rank()].iter().map(|&dim| dim as usize)
    }

    /// The number of elements: the product of the sizes, 1 for a scalar.
    pub fn size(&self) -> usize {
        self.iter().product()
    }

    /// The sizes as a vector.
    pub fn to_vec(&self) -> Vec<usize> {
        self.iter().collect()
    }

    /// The sizes as an array, `let [b, t, d] = x.dims();`.
    ///
    /// # Panics
    /// If the shape does not have exactly `N` axes.
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        assert!(self.rank() == N, "expected {N} axes, found shape {self}");
        std::array::from_fn(|axis| self.dims[axis] as usize)
    }

    /// The size along the last axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.iter().next_back().unwrap_or(1)
    }

    /// The axis meant by `axis`, which counts from the end when negative.
    pub fn axis(&self, axis: isize) -> Result<usize, ShapeError> {
        let rank = self.rank() as isize;
        let found = (-rank..rank).contains(&axis).then(|| axis.rem_euclid(rank) as usize);
        found.ok_or_else(|| ShapeError(format!("axis {axis} of shape {self}, which has {rank} axes")))
    }

    /// The same shape with another size along one axis.
    #[track_caller]
    pub(crate) fn with(self, axis: usize, dim: usize) -> Self {
        insist(self.checked_with(axis, dim))
    }

    fn checked_with(&self, axis: usize, dim: usize) -> Result<Self, ShapeError> {
        let mut dims: [usize; MAX_RANK] = self.dims.map(|dim| dim as usize);
        dims[axis] = dim;
        Self::checked(&dims[..self.rank()])
    }

    /// The strides that read an array of this shape and of the given strides as one of shape `to`: 0 along every axis
    /// that repeats. The caller has checked that this shape broadcasts to `to`.
    pub(crate) fn expanded(&self, strides: &Strides, to: &Shape) -> Strides {
        let missing = to.rank() - self.rank();
        std::array::from_fn(|axis| {
            let own = axis.checked_sub(missing).filter(|_| axis < to.rank());
            own.map_or(0, |own| if self.dim(own) == to.dim(axis) { strides[own] } else { 0 })
        })
    }

    /// Where element number `i`, in row-major order, of an array of this shape and of the given strides lies.
    pub(crate) fn offset(&self, mut i: usize, strides: &Strides) -> usize {
        let mut offset = 0;
        for axis in (0..self.rank()).rev() {
            offset += i % self.dim(axis) * strides[axis];
            i /= self.dim(axis);
        }
        offset
    }

    /// Row-major strides.
    pub(crate) fn strides(&self) -> Strides {
        let mut strides = [0; MAX_RANK];
        let mut step = 1;
        for axis in (0..self.rank()).rev() {
            strides[axis] = step;
            step *= self.dims[axis] as usize;
        }
        strides
    }
}

/// How far apart in the buffer neighbours along each axis are; 0 repeats an element. Entries past the rank are 0.
pub(crate) type Strides = [usize; MAX_RANK];

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(dims: [usize; N]) -> Self {
        Shape::new(&dims)
    }
}

impl<D: AsRef<[usize]> + ?Sized> From<&D> for Shape {
    #[track_caller]
    fn from(dims: &D) -> Self {
        Shape::new(dims.as_ref())
    }
}

impl From<usize> for Shape {
    #[track_caller]
    fn from(dim: usize) -> Self {
        Shape::new(&[dim])
    }
}

impl From<()> for Shape {
    fn from((): ()) -> Self {
        Shape::SCALAR
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.iter().map(|dim| dim.to_string()).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Both shapes must be equal: the rule of elementwise operations, once broadcasting is done.
pub fn same(name: &str, a: &Shape, b: &Shape) -> Result<Shape, ShapeError> {
    if a == b { Ok(*a) } else { Err(ShapeError(format!("{name}: shapes {a} and {b} differ"))) }
}

/// The common shape of two operands: aligned at the last axis, sizes equal or one of them 1 (or missing).
pub fn broadcast(name: &str, a: &Shape, b: &Shape) -> Result<Shape, ShapeError> {
    let rank = a.rank().max(b.rank());
    let mut dims = [0; MAX_RANK];
    for axis in 0..rank {
        let from_end = rank - axis;
        let size = |s: &Shape| if from_end <= s.rank() { s.dim(s.rank() - from_end) } else { 1 };
        dims[axis] = match (size(a), size(b)) {
            (x, y) if x == y => x,
            (1, y) => y,
            (x, 1) => x,
            (x, y) => {
                return Err(ShapeError(format!("{name}: {a} and {b} do not broadcast: sizes {x} and {y} differ")));
            }
        };
    }
    Shape::checked(&dims[..rank]).map_err(|error| ShapeError(format!("{name}: {a} and {b}: {error}")))
}

/// (…, M, K) by (…, K, N) gives (…, M, N); the leading axes must be equal.
pub fn matmul(a: &Shape, b: &Shape) -> Result<Shape, ShapeError> {
    let error = |why: String| Err(ShapeError(format!("matmul: {a} by {b}: {why}")));
    if a.rank() < 2 || b.rank() < 2 {
        return error("both need two axes or more".into());
    }
    let (left, right) = (a.last(), b.dim(b.rank() - 2));
    if left != right {
        return error(format!("inner dimensions {left} and {right} differ"));
    }
    if !a.iter().rev().skip(2).eq(b.iter().rev().skip(2)) {
        return error("leading axes differ".into());
    }
    a.checked_with(a.rank() - 1, b.last()).or_else(|shape| error(shape.to_string()))
}

/// Unwraps a result, or panics with the error's line, at the line of the operation's caller: a closure that panics
/// would point at itself.
#[track_caller]
pub(crate) fn insist<T>(found: Result<T, ShapeError>) -> T {
    match found {
        Ok(found) => found,
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_last_axis() {
        let rule = |a: &[usize], b: &[usize]| broadcast("add", &a.into(), &b.into()).map(|s| s.to_vec());
        assert_eq!(rule(&[2, 3], &[3]), Ok(vec![2, 3]));
        assert_eq!(rule(&[2, 1, 4], &[3, 1]), Ok(vec![2, 3, 4]));
        assert_eq!(rule(&[], &[0, 1]), Ok(vec![0, 1]));
        assert_eq!(rule(&[1], &[0]), Ok(vec![0]));
        let error = rule(&[2, 3], &[2]).unwrap_err();
        assert_eq!(error.to_string(), "add: (2, 3) and (2) do not broadcast: sizes 3 and 2 differ");
    }

    proptest::proptest! {
        /// Products of sizes that overflowed would make wrong indices into arrays.
        #[test]
        fn no_product_of_sizes_overflows(
            dims in proptest::collection::vec(proptest::sample::select(SIZES), 0..8),
            others in proptest::collection::vec(proptest::sample::select(SIZES), 0..8),
            axis in 0..6_usize,
        ) {
            let product = |dims: &[usize]| {
                dims.iter().fold(1_u128, |size, &dim| size.saturating_mul(dim.max(1) as u128))
            };
            let fits = |dims: &[usize]| {
                dims.len() <= MAX_RANK && dims.iter().all(|&dim| dim < 1 << 32) && product(dims) < 1 << 60
            };
            let Ok(shape) = Shape::checked(&dims) else {
                proptest::prop_assert!(!fits(&dims));
                return Ok(());
            };
            proptest::prop_assert!(fits(&dims), "{dims:?}");
            proptest::prop_assert!(shape.size() as u128 <= product(&dims));
            proptest::prop_assert!(shape.strides().iter().all(|&stride| stride as u128 <= product(&dims)));
            if axis < dims.len() {
                for dim in SIZES {
                    let mut changed = dims.clone();
                    changed[axis] = *dim;
                    proptest::prop_assert_eq!(shape.checked_with(axis, *dim).is_ok(), fits(&changed));
                }
            }
            let Ok(other) = Shape::checked(&others) else { return Ok(()) };
            for combined in [broadcast("add", &shape, &other), matmul(&shape, &other)].into_iter().flatten() {
                proptest::prop_assert!(fits(&combined.to_vec()), "{shape} and {other}: {combined}");
            }
        }
    }

    /// Sizes whose products are just possible, or not.
    const SIZES: &[usize] = &[0, 1, 2, 7, 1 << 12, 1 << 30, (1 << 32) - 1, 1 << 32, usize::MAX];

    #[test]
    fn matmul_names_the_sizes_that_differ() {
        let error = matmul(&[32, 128].into(), &[64, 10].into()).unwrap_err();
        assert_eq!(error.to_string(), "matmul: (32, 128) by (64, 10): inner dimensions 128 and 64 differ");
    }
}
