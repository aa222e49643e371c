//! Softmax over the last axis, and its logarithm.

use super::{Grads, Kernel, Needs};
use crate::array::rows::{map_rows, max_row, sum_row};
use crate::fast::simd::inlined;
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor};

/// yᵢ = e^(xᵢ − m) / Σⱼ e^(xⱼ − m) along the last axis, with m = max x, so that nothing overflows.
///
/// A row that is −∞ throughout (a query that may look at nothing) gives zeros, and no gradient.
#[derive(Debug)]
pub(crate) struct Softmax;

impl<E: Element> Kernel<E> for Softmax {
    type Saved = ();

    fn name(&self) -> &'static str {
        "softmax"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        last_axis("softmax", &x[0])
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, ()) {
        let y = map_rows(
            x.array(0),
            inlined!(|_, row| {
                let m = max_row(row);
                if m == E::NEGATIVE_INFINITY {
                    return row.fill(E::ZERO);
                }
                for y in row.iter_mut() {
                    *y = (*y - m).exp();
                }
                let scale = E::ONE / sum_row(row, |_, y| y);
                for y in row.iter_mut() {
                    *y = *y * scale;
                }
            }),
        );
        (y, ())
    }

    fn backward(&self, _: Operands<'_, E>, y: &Array<E>, (): &(), dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        let (y, width) = (y.contiguous(), y.shape().last());
        let dx = map_rows(
            dy,
            inlined!(|i, row| {
                // dx = y ∘ (dy − ⟨y, dy⟩)
                let y = &y.data()[i * width..][..width];
                let inner = sum_row(row, |j, dy| y[j] * dy);
                for (dx, &y) in row.iter_mut().zip(y) {
                    *dx = y * (*dx - inner);
                }
            }),
        );
        [Some(dx)].into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let x = &operands[0];
        let m = x.max_over([-1]).detached(); // softmax does not depend on what is subtracted
        let nothing = m.eq_mask(&Tensor::scalar(f64::NEG_INFINITY));
        let e = (x - m.masked_fill(&nothing, 0.0)).exp();
        let sum = e.sum_over([-1]);
        e / sum.masked_fill(&nothing, 1.0)
    }
}

/// yᵢ = xᵢ − ln Σⱼ e^xⱼ along the last axis: never the logarithm of a number that was rounded to zero.
///
/// A row that is −∞ throughout stays so.
#[derive(Debug)]
pub(crate) struct LogSoftmax;

impl<E: Element> Kernel<E> for LogSoftmax {
    type Saved = ();

    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        last_axis("log_softmax", &x[0])
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, ()) {
        let y = map_rows(
            x.array(0),
            inlined!(|_, row| {
                if let Some((m, rest)) = log_sum_exp(row) {
                    for y in row.iter_mut() {
                        *y = (*y - m) - rest; // not y − (m + rest): a large m would round the rest away
                    }
                }
            }),
        );
        (y, ())
    }

    fn backward(&self, _: Operands<'_, E>, y: &Array<E>, (): &(), dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        let (y, width) = (y.contiguous(), y.shape().last());
        let dx = map_rows(
            dy,
            inlined!(|i, row| {
                // dx = dy − e^y · Σ dy
                let y = &y.data()[i * width..][..width];
                let sum = sum_row(row, |_, dy| dy);
                for (dx, &y) in row.iter_mut().zip(y) {
                    *dx = *dx - y.exp() * sum;
                }
            }),
        );
        [Some(dx)].into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let x = &operands[0];
        let total = x.logsumexp_over([-1]);
        let nothing = total.eq_mask(&Tensor::scalar(f64::NEG_INFINITY));
        x - total.masked_fill(&nothing, 0.0)
    }
}

/// m = max x and ln Σ e^(x − m) of a row, whose sum is ln Σ eˣ; none if every element is −∞.
#[inline(always)]
pub(super) fn log_sum_exp<E: Element>(row: &[E]) -> Option<(E, E)> {
    let m = max_row(row);
    (m != E::NEGATIVE_INFINITY).then(|| {
        let sum = sum_row(row, inlined!(|_, x| (x - m).exp()));
        (m, sum.ln())
    })
}

/// The shape itself, if it has a last axis with anything along it.
pub(super) fn last_axis(name: &str, shape: &Shape) -> Result<Shape, ShapeError> {
    if shape.rank() == 0 || (shape.last() == 0 && shape.iter().rev().skip(1).all(|dim| dim > 0)) {
        return Err(ShapeError::new(format!("{name}: no elements along the last axis of shape {shape}")));
    }
    Ok(*shape)
}

impl<E: Element> Tensor<E> {
    /// The softmax over the last axis: yᵢ = e^xᵢ / Σⱼ e^xⱼ, without overflow. A row of −∞ throughout gives zeros.
    ///
    /// # Panics
    /// If there is nothing along the last axis.
    #[track_caller]
    pub fn softmax(&self) -> Tensor<E> {
        Tensor::apply_kernel(Softmax, &[self])
    }

    /// The logarithm of the softmax over the last axis: yᵢ = xᵢ − ln Σⱼ e^xⱼ. A row of −∞ throughout stays so.
    ///
    /// # Panics
    /// If there is nothing along the last axis.
    #[track_caller]
    pub fn log_softmax(&self) -> Tensor<E> {
        Tensor::apply_kernel(LogSoftmax, &[self])
    }
}
