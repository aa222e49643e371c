//! Data as arrays whose first axis counts the samples.

use crate::tensor::{Array, Element, Ids, Tensor};

/// Something that has samples: inputs or targets.
pub trait Samples {
    /// How many.
    ///
    /// # Panics
    /// If parts of it do not agree.
    #[track_caller]
    fn count(&self) -> usize;

    /// These samples, in this order.
    #[must_use]
    fn rows(&self, rows: &[usize]) -> Self;
}

impl<E: Element> Samples for Tensor<E> {
    fn count(&self) -> usize {
        self.shape().dim(0)
    }

    fn rows(&self, rows: &[usize]) -> Self {
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let count = rows.len();
        self.select(0, &Ids::new(rows, count))
    }
}

impl Samples for Ids {
    fn count(&self) -> usize {
        self.shape().dim(0)
    }

    fn rows(&self, rows: &[usize]) -> Self {
        let mut shape = self.shape().to_vec();
        let width: usize = shape[1..].iter().product();
        shape[0] = rows.len();
        let ids = rows.iter().flat_map(|&row| &self.as_slice()[row * width..][..width]);
        Ids::new(ids.copied().collect::<Vec<u32>>(), &shape)
    }
}

/// Several inputs, such as a source and what a decoder reads.
impl<A: Samples, B: Samples> Samples for (A, B) {
    fn count(&self) -> usize {
        let (a, b) = (self.0.count(), self.1.count());
        assert!(a == b, "samples: {a} beside {b}");
        a
    }

    fn rows(&self, rows: &[usize]) -> Self {
        (self.0.rows(rows), self.1.rows(rows))
    }
}

/// Ids (…) as rows of zeros with a single one (…, V): Keras's `to_categorical`.
///
/// ```
/// use rungs::{keras::one_hot, tensor::{Ids, Tensor}};
///
/// let rows: Tensor = one_hot(&Ids::new(vec![2, 0], 2), 3);
/// assert_eq!(rows.to_vec(), [0., 0., 1., 1., 0., 0.]);
/// ```
///
/// # Panics
/// If an id is not below `classes`.
#[track_caller]
pub fn one_hot<E: Element>(ids: &Ids, classes: usize) -> Tensor<E> {
    let mut rows = vec![E::ZERO; ids.shape().size() * classes];
    for (position, &id) in ids.as_slice().iter().enumerate() {
        assert!((id as usize) < classes, "one_hot: id {id}, but only {classes} classes");
        rows[position * classes + id as usize] = E::ONE;
    }
    let mut shape = ids.shape().to_vec();
    shape.push(classes);
    Tensor::constant(Array::from_vec(rows, &shape))
}
