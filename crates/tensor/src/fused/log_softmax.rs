//! The logarithm of softmax over the last axis.

use super::softmax::last_axis;
use super::{Grads, Kernel, Needs};
use crate::array::rows::{map_rows, max_row, sum_row};
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor};

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
            #[inline(always)]
            |_, row| {
                if let Some((m, rest)) = log_sum_exp(row) {
                    for y in row.iter_mut() {
                        *y = (*y - m) - rest; // not y − (m + rest): a large m would round the rest away
                    }
                }
            },
        );
        (y, ())
    }

    fn backward(&self, _: Operands<'_, E>, y: &Array<E>, (): &(), dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        let (y, width) = (y.contiguous(), y.shape().last());
        let dx = map_rows(
            dy,
            #[inline(always)]
            |i, row| {
                // dx = dy − e^y · Σ dy
                let y = &y.data()[i * width..][..width];
                let sum = sum_row(row, |_, dy| dy);
                for (dx, &y) in row.iter_mut().zip(y) {
                    *dx = *dx - y.exp() * sum;
                }
            },
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
        let sum = sum_row(
            row,
            #[inline(always)]
            |_, x| (x - m).exp(),
        );
        (m, sum.ln())
    })
}

impl<E: Element> Tensor<E> {
    /// The logarithm of the softmax over the last axis: yᵢ = xᵢ − ln Σⱼ e^xⱼ. A row of −∞ throughout stays so.
    ///
    /// # Panics
    /// If there is nothing along the last axis.
    #[track_caller]
    pub fn log_softmax(&self) -> Tensor<E> {
        Tensor::apply_kernel(LogSoftmax, &[self])
    }
}
