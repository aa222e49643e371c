//! Root-mean-square normalisation over the last axis (Zhang and Sennrich, 2019,
//! [arXiv:1910.07467](https://arxiv.org/abs/1910.07467)).

use super::softmax::last_axis;
use super::{Grads, Kernel, Needs};
use crate::array::rows::{each_row, for_each_row, sum_row};
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor, simd};

/// y = x/√(ms(x) + ε) ∘ g, with ms(x) the mean of the squares of a row of D elements.
///
/// Operands: x (…, D) and gain (D).
#[derive(Debug)]
pub(crate) struct RmsNorm {
    pub(crate) epsilon: f64,
}

impl<E: Element> Kernel<E> for RmsNorm {
    /// 1/√(ms(x) + ε) of each row.
    type Saved = Vec<E>;

    fn name(&self) -> &'static str {
        "rms_norm"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = last_axis("rms_norm", &x[0])?;
        match x[1] == Shape::from(shape.last()) {
            true => Ok(shape),
            false => Err(ShapeError::new(format!("rms_norm: gain of shape {} for x {shape}", x[1]))),
        }
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Self::Saved) {
        let mut y = x.array(0).contiguous();
        let width = y.shape().last();
        let [n, epsilon] = [width as f64, self.epsilon].map(E::from_f64);
        let scales = each_row(y.data(), width, y.size() / width.max(1), &|row| {
            simd::run(
                #[inline(always)]
                || E::ONE / (sum_row(row, |_, x| x * x) / n + epsilon).sqrt(),
            )
        });
        let gain = x.array(1).contiguous();
        for_each_row(y.make_mut(), width, &|i, row| {
            let gain = &gain.data()[..width];
            simd::run(
                #[inline(always)]
                || {
                    for j in 0..width {
                        row[j] = row[j] * scales[i] * gain[j];
                    }
                },
            );
        });
        (y, scales)
    }

    fn backward(
        &self,
        x: Operands<'_, E>,
        _: &Array<E>,
        scales: &Self::Saved,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E> {
        // With n̂ = x/√(ms(x) + ε) and h = dy ∘ g: dx = (h − n̂·mean(h ∘ n̂))/√(ms(x) + ε), dg = Σ dy ∘ n̂.
        let gain = x.array(1).contiguous();
        let mut normal = x.array(0).contiguous();
        let width = normal.shape().last();
        let n = E::from_f64(width as f64);
        for_each_row(normal.make_mut(), width, &|i, row| row.iter_mut().for_each(|x| *x = *x * scales[i]));
        let mut dx = dy.contiguous();
        let dgain = needs.operand(1).then(|| {
            let product = crate::array::map::map(
                [&dx, &normal],
                #[inline(always)]
                |[a, b]| a * b,
            );
            let rows = product.reshape([product.size() / width.max(1), width].into());
            crate::array::reduce::sum(&rows, &[true, false]).reshape(width.into())
        });
        for_each_row(dx.make_mut(), width, &|i, row| {
            let (normal, gain) = (&normal.data()[i * width..][..width], &gain.data()[..width]);
            simd::run(
                #[inline(always)]
                || {
                    for j in 0..width {
                        row[j] = row[j] * gain[j];
                    }
                    let along = sum_row(
                        row,
                        #[inline(always)]
                        |j, h| h * normal[j],
                    ) / n;
                    for j in 0..width {
                        row[j] = (row[j] - normal[j] * along) * scales[i];
                    }
                },
            );
        });
        [needs.operand(0).then_some(dx), dgain].into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let (x, gain) = (&operands[0], &operands[1]);
        x / (x.square().mean_over([-1]) + self.epsilon).sqrt() * gain
    }
}

impl<E: Element> Tensor<E> {
    /// Root-mean-square normalisation over the last axis: each row is divided by the root of the mean of its squares,
    /// to which `epsilon` is added, and multiplied by a gain (D).
    ///
    /// # Panics
    /// If the gain does not have the size of the last axis.
    #[track_caller]
    pub fn rms_norm(&self, gain: &Tensor<E>, epsilon: f64) -> Tensor<E> {
        Tensor::apply_kernel(RmsNorm { epsilon }, &[self, gain])
    }
}
