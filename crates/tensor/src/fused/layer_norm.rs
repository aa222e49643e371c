//! Layer normalisation over the last axis (Ba, Kiros and Hinton, 2016).

use super::softmax::last_axis;
use super::{Grads, Kernel, Needs};
use crate::array::rows::{for_each_row, sum_row};
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor, simd};

/// y = (x − μ)/√(σ² + ε) ∘ g (+ b), with mean μ and variance σ² (over D, not D − 1) of each row of D elements.
///
/// Operands: x (…, D), gain (D), and bias (D) if there are three.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub(crate) epsilon: f64,
}

impl<E: Element> Kernel<E> for LayerNorm {
    /// (x − μ)/√(σ² + ε), and 1/√(σ² + ε) of each row.
    type Saved = (Array<E>, Vec<E>);

    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let shape = last_axis("layer_norm", &x[0])?;
        match x[1..].iter().find(|s| **s != Shape::from(shape.last())) {
            Some(other) => Err(ShapeError::new(format!("layer_norm: gain or bias of shape {other} for x {shape}"))),
            None => Ok(shape),
        }
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Self::Saved) {
        let mut normal = x.array(0).contiguous();
        let (width, count) = (normal.shape().last(), normal.size() / normal.shape().last().max(1));
        let n = E::from_f64(width as f64);
        let epsilon = E::from_f64(self.epsilon);
        let scales = crate::array::rows::each_row(normal.data(), width, count, &|row| {
            simd::run(
                #[inline(always)]
                || {
                    let mean = sum_row(row, |_, x| x) / n;
                    let variance = sum_row(
                        row,
                        #[inline(always)]
                        |_, x| (x - mean) * (x - mean),
                    ) / n;
                    E::ONE / (variance + epsilon).sqrt()
                },
            )
        });
        for_each_row(normal.make_mut(), width, &|i, row| {
            simd::run(
                #[inline(always)]
                || {
                    let mean = sum_row(row, |_, x| x) / n;
                    for x in row.iter_mut() {
                        *x = (*x - mean) * scales[i];
                    }
                },
            );
        });
        let mut y = Array::scratch(normal.shape());
        let gain = x.array(1).contiguous();
        let bias = (x.count() == 3).then(|| x.array(2).contiguous());
        for_each_row(y.make_mut(), width, &|i, row| {
            let (normal, gain) = (&normal.data()[i * width..][..width], &gain.data()[..width]);
            simd::run(
                #[inline(always)]
                || {
                    for j in 0..width {
                        row[j] = normal[j] * gain[j];
                    }
                },
            );
            if let Some(bias) = &bias {
                let bias = &bias.data()[..width];
                simd::run(
                    #[inline(always)]
                    || {
                        for j in 0..width {
                            row[j] += bias[j];
                        }
                    },
                );
            }
        });
        (y, (normal, scales))
    }

    fn backward(
        &self,
        x: Operands<'_, E>,
        _: &Array<E>,
        (normal, scales): &Self::Saved,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E> {
        let dy = dy.contiguous();
        let width = dy.shape().last();
        let n = E::from_f64(width as f64);
        let gain = x.array(1).contiguous();
        let by_column = |array: &Array<E>| {
            let rows = array.reshape([array.size() / width.max(1), width].into());
            crate::array::reduce::sum(&rows, &[true, false]).reshape(width.into())
        };
        let dx = needs.operand(0).then(|| {
            // dx = (h − mean(h) − n̂·mean(h ∘ n̂))/√(σ² + ε), with h = dy ∘ g and n̂ the normalised row
            let mut dx = dy.clone();
            for_each_row(dx.make_mut(), width, &|i, row| {
                let (normal, gain) = (&normal.data()[i * width..][..width], &gain.data()[..width]);
                simd::run(
                    #[inline(always)]
                    || {
                        for j in 0..width {
                            row[j] = row[j] * gain[j];
                        }
                        let mean = sum_row(row, |_, h| h) / n;
                        let along = sum_row(
                            row,
                            #[inline(always)]
                            |j, h| h * normal[j],
                        ) / n;
                        for j in 0..width {
                            row[j] = (row[j] - mean - normal[j] * along) * scales[i];
                        }
                    },
                );
            });
            dx
        });
        let product = || {
            crate::array::map::map(
                [&dy, normal],
                #[inline(always)]
                |[a, b]| a * b,
            )
        };
        let dgain = needs.operand(1).then(|| by_column(&product()));
        let mut grads = vec![dx, dgain];
        if x.count() == 3 {
            grads.push(needs.operand(2).then(|| by_column(&dy)));
        }
        grads.into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let (x, gain) = (&operands[0], &operands[1]);
        let centred = x - x.mean_over([-1]);
        let variance = centred.square().mean_over([-1]);
        let y = centred / (variance + self.epsilon).sqrt() * gain;
        if let [_, _, bias] = operands { y + bias } else { y }
    }
}

impl<E: Element> Tensor<E> {
    /// Layer normalisation over the last axis: each row is centred and scaled to unit variance, then multiplied by a
    /// gain (D) and, if there is one, shifted by a bias (D). `epsilon` is added to the variance.
    ///
    /// # Panics
    /// If gain or bias do not have the size of the last axis.
    #[track_caller]
    pub fn layer_norm(&self, gain: &Tensor<E>, bias: Option<&Tensor<E>>, epsilon: f64) -> Tensor<E> {
        let kernel = LayerNorm { epsilon };
        match bias {
            Some(bias) => Tensor::apply_kernel(kernel, &[self, gain, bias]),
            None => Tensor::apply_kernel(kernel, &[self, gain]),
        }
    }
}
