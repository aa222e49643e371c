//! Token ids: what tensors are indexed with. They have no gradient, so they are no tensor.

use crate::{Array, Element, Shape};
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

    /// Ids (…) as rows (…, `classes`) that are 1 at the id and 0 elsewhere.
    ///
    /// ```
    /// use rungs_tensor::{Array, Ids};
    ///
    /// let rows: Array<f32> = Ids::new(vec![2, 0], 2).one_hot(3);
    /// assert_eq!(rows.to_vec(), [0., 0., 1., 1., 0., 0.]);
    /// ```
    ///
    /// # Panics
    /// If an id is not below `classes`.
    #[doc(alias = "to_categorical")]
    #[track_caller]
    pub fn one_hot<E: Element>(&self, classes: usize) -> Array<E> {
        let mut rows = vec![E::ZERO; self.data.len() * classes];
        for (i, &id) in self.data.iter().enumerate() {
            assert!((id as usize) < classes, "one_hot: id {id}, but only {classes} classes");
            rows[i * classes + id as usize] = E::ONE;
        }
        Array::from_vec(rows, &self.shape.iter().chain([classes]).collect::<Vec<_>>())
    }
}
