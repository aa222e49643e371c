//! Reading and writing by position: rows of a table, elements along an axis. Each operation's adjoint is the other half
//! of its pair: what one reads the other adds up.

use crate::array::index;
use crate::{Array, Element, Ids, Shape, ShapeError, Tensor, shape};

operations! {
    /// Slices `ids[i]` of one axis, in that order: y[…, i, …] = x[…, ids[i], …].
    Select: "select" { axis: usize, ids: Ids } {
        fn shape(&self, x) {
            check_range("select", &self.ids, &x[0], self.axis)?;
            Ok(x[0].with(self.axis, self.ids.as_slice().len()))
        }
        fn forward(&self, x) { index::select(x.array(0), self.axis, self.ids.as_slice()) }
        fn backward(&self, at) {
            let size = at.shape(0).dim(self.axis);
            at.wrt(0, |dy| Tensor::apply(SelectAdjoint { axis: self.axis, ids: self.ids.clone(), size }, &[dy]));
        }
    }

    /// The adjoint of [`Select`]: slice `ids[i]` of an axis of size `size` is the sum of all slices i of the operand.
    SelectAdjoint: "select_adjoint" { axis: usize, ids: Ids, size: usize } {
        fn shape(&self, x) {
            check_range("select_adjoint", &self.ids, &x[0].with(self.axis, self.size), self.axis)?;
            let (shape, count) = (x[0], self.ids.as_slice().len());
            if shape.dim(self.axis) != count {
                return Err(ShapeError::new(format!("select_adjoint: {count} ids for shape {shape}")));
            }
            Ok(x[0].with(self.axis, self.size))
        }
        fn forward(&self, x) { index::select_adjoint(x.array(0), self.axis, self.ids.as_slice(), self.size) }
        fn backward(&self, at) {
            at.wrt(0, |dy| Tensor::apply(Select { axis: self.axis, ids: self.ids.clone() }, &[dy]));
        }
    }

    /// y[…, i, …] = x[…, ids[…, i, …], …] along one axis.
    Gather: "gather" { axis: usize, ids: Ids } {
        fn shape(&self, x) {
            check_fits("gather", &self.ids, &x[0], self.axis)?;
            Ok(self.ids.shape())
        }
        fn forward(&self, x) { index::gather(x.array(0), self.axis, self.ids.as_slice(), self.ids.shape()) }
        fn backward(&self, at) {
            let zeros = Tensor::constant(Array::zeros(at.shape(0)));
            at.wrt(0, |dy| Tensor::apply(ScatterAdd { axis: self.axis, ids: self.ids.clone() }, &[&zeros, dy]));
        }
    }

    /// y = x, then y[…, ids[…, i, …], …] += source[…, i, …] along one axis.
    ScatterAdd: "scatter_add" { axis: usize, ids: Ids } {
        fn shape(&self, x) {
            check_fits("scatter_add", &self.ids, &x[0], self.axis)?;
            shape::same("scatter_add: ids and source", &self.ids.shape(), &x[1])?;
            Ok(x[0])
        }
        fn forward(&self, x) {
            let [x, source] = x.arrays();
            index::scatter_add(x, self.axis, self.ids.as_slice(), source)
        }
        fn backward(&self, at) {
            at.wrt(0, Clone::clone);
            at.wrt(1, |dy| Tensor::apply(Gather { axis: self.axis, ids: self.ids.clone() }, &[dy]));
        }
    }
}

fn check_range(name: &str, ids: &Ids, shape: &Shape, axis: usize) -> Result<(), ShapeError> {
    match ids.as_slice().iter().max().filter(|&&id| id as usize >= shape.dim(axis)) {
        Some(id) => Err(ShapeError::new(format!("{name}: id {id} is past axis {axis} of shape {shape}"))),
        None => Ok(()),
    }
}

/// The ids must have as many axes as the tensor, and no axis but `axis` may be longer.
fn check_fits(name: &str, ids: &Ids, shape: &Shape, axis: usize) -> Result<(), ShapeError> {
    let fits = |at: usize| at == axis || ids.shape().dim(at) <= shape.dim(at);
    if ids.shape().rank() != shape.rank() || !(0..shape.rank()).all(fits) {
        return Err(ShapeError::new(format!("{name}: ids of shape {} along axis {axis} of {shape}", ids.shape())));
    }
    check_range(name, ids, shape, axis)
}

impl<E: Element> Tensor<E> {
    /// Rows of a table: (V, D) by ids of any shape S gives S + (D). The gradient adds up in the rows that were read.
    ///
    /// # Panics
    /// If this is no table of two axes, or an id is not below V.
    #[track_caller]
    pub fn embedding(&self, ids: &Ids) -> Tensor<E> {
        let [_, d] = self.dims();
        let flat = Tensor::apply(Select { axis: 0, ids: ids.reshape(ids.shape().size()) }, &[self]);
        let dims: Vec<usize> = ids.shape().iter().chain([d]).collect();
        flat.reshape(&dims)
    }

    /// Slices `ids[i]` of one axis, in that order, for ids of one axis; a negative axis counts from the end.
    ///
    /// # Panics
    /// If there is no such axis, the ids have not one axis, or one is past its end.
    #[track_caller]
    pub fn select(&self, axis: isize, ids: &Ids) -> Tensor<E> {
        let [_] = ids.dims();
        Tensor::apply(Select { axis: self.axis("select", axis), ids: ids.clone() }, &[self])
    }

    /// y[…, i, …] = x[…, ids[…, i, …], …] along one axis; the result has the shape of the ids.
    ///
    /// # Panics
    /// If there is no such axis, the ids' other axes are longer than the tensor's, or an id is past the axis.
    #[track_caller]
    pub fn gather(&self, axis: isize, ids: &Ids) -> Tensor<E> {
        Tensor::apply(Gather { axis: self.axis("gather", axis), ids: ids.clone() }, &[self])
    }

    /// This tensor with source[…, i, …] added at […, ids[…, i, …], …] along one axis; equal ids add up.
    ///
    /// # Panics
    /// As [`gather`](Tensor::gather); also if ids and source differ in shape.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, ids: &Ids, source: &Tensor<E>) -> Tensor<E> {
        Tensor::apply(ScatterAdd { axis: self.axis("scatter_add", axis), ids: ids.clone() }, &[self, source])
    }
}
