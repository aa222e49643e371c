//! Sums, means, maxima and log-sum-exp along axes. The reduced axes stay with size 1, so that the result broadcasts
//! against the operand: `x - x.mean_over([-1])` reads as it is meant.

use crate::array::reduce;
use crate::{Element, ShapeError, Tensor};

operations! {
    /// y = Σ x over the marked axes. The sum of nothing is 0.
    Sum: "sum" { axes: Vec<bool> } {
        fn shape(&self, x) { Ok(reduce::reduced(&x[0], &self.axes)) }
        fn forward(&self, x) { reduce::sum(x.array(0), &self.axes) }
        fn backward(&self, at) {
            let shape = at.shape(0);
            at.wrt(0, |dy| dy.expand(shape));
        }
    }

    /// y = Σ x / n over the n elements along the marked axes; NaN over nothing.
    Mean: "mean" { axes: Vec<bool> } {
        fn shape(&self, x) { Ok(reduce::reduced(&x[0], &self.axes)) }
        fn forward(&self, x) { reduce::mean(x.array(0), &self.axes) }
        fn backward(&self, at) {
            let shape = at.shape(0);
            at.wrt(0, |dy| (dy / reduce::count(&shape, &self.axes) as f64).expand(shape));
        }
    }

    /// y = max x over the marked axes. Elements that share the maximum share the gradient evenly.
    Max: "max" { axes: Vec<bool> } {
        fn shape(&self, x) {
            if (0..x[0].rank()).any(|axis| self.axes[axis] && x[0].dim(axis) == 0) {
                return Err(ShapeError::new(format!("max: over no elements of shape {}", x[0])));
            }
            Ok(reduce::reduced(&x[0], &self.axes))
        }
        fn forward(&self, x) { reduce::max(x.array(0), &self.axes) }
        fn backward(&self, at) {
            let ([x], y) = (at.operands(), at.result());
            let largest = x.eq_mask(&y).numbers(&x);
            let share = &largest / largest.sum_marked(&self.axes);
            at.wrt(0, |dy| dy * share);
        }
    }

    /// y = ln Σ eˣ over the marked axes, computed without overflow; −∞ for nothing, or where every element is −∞.
    LogSumExp: "logsumexp" { axes: Vec<bool> } {
        fn shape(&self, x) { Ok(reduce::reduced(&x[0], &self.axes)) }
        fn forward(&self, x) { reduce::logsumexp(x.array(0), &self.axes) }
        fn backward(&self, at) {
            let ([x], y) = (at.operands(), at.result());
            // Where every element is −∞ so is y, and −∞ − −∞ has no value; the gradient there is 0.
            let nothing = y.eq_mask(&Tensor::scalar(f64::NEG_INFINITY));
            at.wrt(0, |dy| dy * (x - y.masked_fill(&nothing, 0.0)).exp()); // the softmax
        }
    }
}

impl<E: Element> Tensor<E> {
    /// The sum of all elements, a single number.
    pub fn sum(&self) -> Tensor<E> {
        self.sum_marked(&vec![true; self.shape().rank()]).reshape(())
    }

    /// The mean of all elements, a single number; NaN if there are none.
    pub fn mean(&self) -> Tensor<E> {
        Tensor::apply(Mean { axes: vec![true; self.shape().rank()] }, &[self]).reshape(())
    }

    /// The largest element, a single number. NaN if any is.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn max(&self) -> Tensor<E> {
        Tensor::apply(Max { axes: vec![true; self.shape().rank()] }, &[self]).reshape(())
    }

    /// The sum over some axes, which stay with size 1; negative axes count from the end. The sum of nothing is 0.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn sum_over(&self, axes: impl AsRef<[isize]>) -> Tensor<E> {
        self.sum_marked(&self.marked("sum_over", axes.as_ref()))
    }

    /// The mean over some axes, which stay with size 1; NaN over nothing.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn mean_over(&self, axes: impl AsRef<[isize]>) -> Tensor<E> {
        Tensor::apply(Mean { axes: self.marked("mean_over", axes.as_ref()) }, &[self])
    }

    /// The maximum over some axes, which stay with size 1.
    ///
    /// # Panics
    /// If there is no such axis, one is named twice, or one has size 0.
    #[track_caller]
    pub fn max_over(&self, axes: impl AsRef<[isize]>) -> Tensor<E> {
        Tensor::apply(Max { axes: self.marked("max_over", axes.as_ref()) }, &[self])
    }

    /// ln Σ eˣ over some axes, which stay with size 1, without overflow; −∞ over nothing.
    ///
    /// # Panics
    /// If there is no such axis, or one is named twice.
    #[track_caller]
    pub fn logsumexp_over(&self, axes: impl AsRef<[isize]>) -> Tensor<E> {
        Tensor::apply(LogSumExp { axes: self.marked("logsumexp_over", axes.as_ref()) }, &[self])
    }

    fn sum_marked(&self, axes: &[bool]) -> Tensor<E> {
        if axes.contains(&true) { Tensor::apply(Sum { axes: axes.to_vec() }, &[self]) } else { self.clone() }
    }

    #[track_caller]
    fn marked(&self, name: &str, axes: &[isize]) -> Vec<bool> {
        let mut marked = vec![false; self.shape().rank()];
        for &axis in axes {
            let place = &mut marked[self.axis(name, axis)];
            assert!(!*place, "{name}: axis {axis} of shape {} is named twice", self.shape());
            *place = true;
        }
        marked
    }
}
