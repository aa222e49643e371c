//! Views: operations that look at the same elements in another way. Nothing is copied but what has to be reshaped and
//! does not lie in order. Each one's gradient looks back.

use crate::{Element, Shape, ShapeError, Tensor, shape};
use std::ops::Range;

operations! {
    /// The same elements in row-major order under another shape.
    Reshape: "reshape" { to: Shape } {
        fn shape(&self, x) {
            let (from, to) = (x[0], self.to);
            if from.size() == to.size() {
                return Ok(to);
            }
            Err(ShapeError::new(format!("reshape: {from} has {} elements, {to} has {}", from.size(), to.size())))
        }
        fn forward(&self, x) { x.array(0).reshape(self.to) }
        fn backward(&self, at) {
            let from = at.shape(0);
            at.wrt(0, |dy| dy.reshape(from));
        }
    }

    /// Axis i of the result is axis `axes[i]` of the operand.
    Permute: "permute" { axes: Vec<usize> } {
        fn shape(&self, x) {
            let mut sorted = self.axes.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..x[0].rank()) {
                let (axes, shape) = (&self.axes, x[0]);
                return Err(ShapeError::new(format!("permute: {axes:?} is no order of the axes of shape {shape}")));
            }
            Ok(Shape::new(&self.axes.iter().map(|&axis| x[0].dim(axis)).collect::<Vec<_>>()))
        }
        fn forward(&self, x) { x.array(0).permute(&self.axes) }
        fn backward(&self, at) {
            let mut back = vec![0; self.axes.len()];
            self.axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
            at.wrt(0, |dy| Tensor::apply(Permute { axes: back }, &[dy]));
        }
    }

    /// The part of one axis within a range.
    Slice: "slice" { axis: usize, range: Range<usize> } {
        fn shape(&self, x) {
            let (axis, range) = (self.axis, &self.range);
            if range.start <= range.end && range.end <= x[0].dim(axis) {
                return Ok(x[0].with(axis, range.len()));
            }
            Err(ShapeError::new(format!("slice: {range:?} of axis {axis} of shape {}", x[0])))
        }
        fn forward(&self, x) { x.array(0).slice(self.axis, self.range.clone()) }
        fn backward(&self, at) { at.wrt_slice(0, self.axis, self.range.start); }
    }

    /// Repeats axes of size 1 and missing leading axes until the shape is `to`: broadcasting, as an operation.
    Expand: "expand" { to: Shape } {
        fn shape(&self, x) {
            if shape::broadcast("expand", &x[0], &self.to).is_ok_and(|common| common == self.to) {
                return Ok(self.to);
            }
            Err(ShapeError::new(format!("expand: {} cannot be repeated to {}", x[0], self.to)))
        }
        fn forward(&self, x) { x.array(0).expand(self.to) }
        fn backward(&self, at) {
            let from = at.shape(0);
            let missing = self.to.rank() - from.rank();
            let repeated = |&axis: &usize| axis < missing || (from.dim(axis - missing) == 1 && self.to.dim(axis) != 1);
            let axes: Vec<isize> = (0..self.to.rank()).filter(repeated).map(|axis| axis as isize).collect();
            at.wrt(0, |dy| dy.sum_over(axes).reshape(from)); // each repetition contributes
        }
    }
}

impl<E: Element> Tensor<E> {
    /// The same elements in row-major order under another shape. A view where the elements lie in that order.
    ///
    /// # Panics
    /// If the sizes differ.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Tensor<E> {
        let to = shape.into();
        if to == self.shape() { self.clone() } else { Tensor::apply(Reshape { to }, &[self]) }
    }

    /// A view whose axis i is axis `axes[i]` of this tensor.
    ///
    /// # Panics
    /// If `axes` is no order of all axes.
    #[track_caller]
    pub fn permute(&self, axes: impl AsRef<[usize]>) -> Tensor<E> {
        Tensor::apply(Permute { axes: axes.as_ref().to_vec() }, &[self])
    }

    /// A view with two axes exchanged; negative axes count from the end.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn swap_axes(&self, a: isize, b: isize) -> Tensor<E> {
        let mut axes: Vec<usize> = (0..self.shape().rank()).collect();
        axes.swap(self.axis("swap_axes", a), self.axis("swap_axes", b));
        self.permute(axes)
    }

    /// The transpose: a view with the last two axes exchanged.
    ///
    /// # Panics
    /// If there are fewer than two.
    #[track_caller]
    pub fn t(&self) -> Tensor<E> {
        self.swap_axes(-2, -1)
    }

    /// A view of the part of one axis within `range`; a negative axis counts from the end.
    ///
    /// # Panics
    /// If there is no such axis, or the range reaches past it.
    #[track_caller]
    pub fn slice(&self, axis: isize, range: Range<usize>) -> Tensor<E> {
        Tensor::apply(Slice { axis: self.axis("slice", axis), range }, &[self])
    }

    /// A view that repeats axes of size 1, and leading axes that are missing, until the shape is `shape`.
    ///
    /// # Panics
    /// If an axis that would have to be repeated has another size than 1.
    #[track_caller]
    pub fn expand(&self, shape: impl Into<Shape>) -> Tensor<E> {
        let to = shape.into();
        if to == self.shape() { self.clone() } else { Tensor::apply(Expand { to }, &[self]) }
    }

    /// The same elements with an axis of size 1 put in at `axis`, which counts from the end of the result if negative.
    ///
    /// # Panics
    /// If there is no such place.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor<E> {
        let mut dims = self.shape().to_vec();
        let rank = dims.len() as isize + 1;
        assert!((-rank..rank).contains(&axis), "unsqueeze: axis {axis} of a result with {rank} axes");
        dims.insert(axis.rem_euclid(rank) as usize, 1);
        self.reshape(&dims)
    }

    /// The same elements without an axis of size 1.
    ///
    /// # Panics
    /// If there is no such axis, or its size is not 1.
    #[track_caller]
    pub fn squeeze(&self, axis: isize) -> Tensor<E> {
        let mut dims = self.shape().to_vec();
        let removed = dims.remove(self.axis("squeeze", axis));
        assert!(removed == 1, "squeeze: axis {axis} of shape {} does not have size 1", self.shape());
        self.reshape(&dims)
    }

    /// Views of consecutive parts of one axis, of the given sizes.
    ///
    /// # Panics
    /// If the sizes do not add up to the axis.
    #[track_caller]
    pub fn split(&self, axis: isize, parts: &[usize]) -> Vec<Tensor<E>> {
        let (shape, size) = (self.shape(), self.shape().dim(self.axis("split", axis)));
        assert!(parts.iter().sum::<usize>() == size, "split: {parts:?} does not add up to axis {axis} of {shape}");
        let mut start = 0;
        let part = |&length: &usize| {
            start += length;
            self.slice(axis, start - length..start)
        };
        parts.iter().map(part).collect()
    }

    /// Views of `N` equal parts of one axis, `let [q, k, v] = qkv.chunks(-1);`.
    ///
    /// # Panics
    /// If the axis does not divide into `N` equal parts.
    #[track_caller]
    pub fn chunks<const N: usize>(&self, axis: isize) -> [Tensor<E>; N] {
        let size = self.shape().dim(self.axis("chunks", axis));
        assert!(size.is_multiple_of(N), "chunks: axis {axis} of {} does not divide into {N}", self.shape());
        std::array::from_fn(|i| self.slice(axis, i * (size / N)..(i + 1) * (size / N)))
    }

    /// The axis meant by a number that may count from the end.
    #[track_caller]
    pub(crate) fn axis(&self, name: &str, axis: isize) -> usize {
        shape::insist(self.shape().axis(axis).map_err(|error| ShapeError::new(format!("{name}: {error}"))))
    }
}
