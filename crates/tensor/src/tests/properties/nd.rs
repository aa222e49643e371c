//! The naive reference: an array that is a shape and a row-major vector, and loops over indices. Nothing is clever
//! here.

use crate::Tensor;
use proptest::test_runner::TestCaseError;

/// Rounding in double precision, for sums of a few dozen terms of moderate size.
const ROUNDING: f64 = 1e-11;

#[derive(Clone, Debug)]
pub(crate) struct Nd {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

/// Every index of a shape, in row-major order.
pub(crate) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &dim in shape {
        all = all.into_iter().flat_map(|index| (0..dim).map(move |i| [&index[..], &[i]].concat())).collect();
    }
    all
}

impl Nd {
    pub(crate) fn from_fn(shape: &[usize], f: impl FnMut(&[usize]) -> f64) -> Self {
        let mut f = f;
        Self { shape: shape.to_vec(), data: indices(shape).iter().map(|index| f(index)).collect() }
    }

    pub(crate) fn at(&self, index: &[usize]) -> f64 {
        assert_eq!(index.len(), self.shape.len());
        let place = index.iter().zip(&self.shape).fold(0, |place, (i, dim)| {
            assert!(i < dim);
            place * dim + i
        });
        self.data[place]
    }

    pub(crate) fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), data: self.data.iter().map(|&x| f(x)).collect() }
    }

    /// Repeats axes of size 1 and missing leading axes.
    pub(crate) fn expand(&self, shape: &[usize]) -> Self {
        let missing = shape.len() - self.shape.len();
        Self::from_fn(shape, |index| {
            let own: Vec<usize> = self.shape.iter().zip(&index[missing..]).map(|(&dim, &i)| i.min(dim - 1)).collect();
            self.at(&own)
        })
    }

    /// f of two broadcast operands.
    pub(crate) fn zip(a: &Self, b: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let shape = broadcast(&a.shape, &b.shape);
        let (a, b) = (a.expand(&shape), b.expand(&shape));
        Self::from_fn(&shape, |index| f(a.at(index), b.at(index)))
    }

    /// f of all elements along the marked axes, which stay with size 1.
    pub(crate) fn reduce(&self, axes: &[usize], f: impl Fn(&[f64]) -> f64) -> Self {
        let kept: Vec<usize> =
            self.shape.iter().enumerate().map(|(axis, &dim)| if axes.contains(&axis) { 1 } else { dim }).collect();
        Self::from_fn(&kept, |at| {
            let joins = |index: &Vec<usize>| (0..at.len()).all(|axis| axes.contains(&axis) || index[axis] == at[axis]);
            let elements: Vec<f64> = indices(&self.shape).iter().filter(|i| joins(i)).map(|i| self.at(i)).collect();
            f(&elements)
        })
    }

    /// Equal shapes, and elements that differ by rounding only.
    pub(crate) fn compare(&self, name: &str, found: &Tensor<f64>) -> Result<(), TestCaseError> {
        if found.shape().to_vec() != self.shape {
            return Err(TestCaseError::fail(format!("{name}: shape {}, expected {:?}", found.shape(), self.shape)));
        }
        for (i, (found, &expected)) in found.to_vec().into_iter().zip(&self.data).enumerate() {
            let close = (found - expected).abs() <= ROUNDING * (1.0 + expected.abs());
            if !(close || found == expected || (found.is_nan() && expected.is_nan())) {
                return Err(TestCaseError::fail(format!("{name}: element {i} is {found}, expected {expected}")));
            }
        }
        Ok(())
    }
}

/// The common shape of two that broadcast.
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let size = |s: &[usize], axis: usize| (axis + s.len()).checked_sub(rank).map_or(1, |own| s[own]);
    (0..rank).map(|axis| if size(a, axis) == 1 { size(b, axis) } else { size(a, axis) }).collect()
}
