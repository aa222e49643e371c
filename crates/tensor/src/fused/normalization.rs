//! Normalisation over the last axis: layer normalisation (Ba, Kiros and Hinton, 2016), and by the root of the mean
//! square (Zhang and Sennrich, 2019, [arXiv:1910.07467](https://arxiv.org/abs/1910.07467)), which is the same without
//! the mean taken off.

use super::softmax::last_axis;
use super::{Grads, Kernel, Needs};
use crate::array::map::map;
use crate::array::reduce;
use crate::array::rows::{each_row, map_rows, sum_row};
use crate::fast::simd::inlined;
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor, vectorized};

/// Variance of a row, in parts of its squared mean, below which the mean is computed a second time.
const FLAT: f64 = 1e-5;

/// y = n̂ ∘ g (+ b) with n̂ = (x − μ)/√(σ² + ε), for each row of D elements: μ its mean and σ² its variance (over D,
/// not D − 1) if it is centred, else μ = 0, with which σ² is the mean of the squares.
///
/// Operands: x (…, D), gain (D), and bias (D) if there are three.
#[derive(Debug)]
pub(crate) struct Normalization {
    pub(crate) centred: bool,
    pub(crate) epsilon: f64,
}

impl<E: Element> Kernel<E> for Normalization {
    /// μ and 1/√(σ² + ε) of each row.
    type Saved = Vec<E>;

    fn name(&self) -> &'static str {
        if self.centred { "layer_norm" } else { "rms_norm" }
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let name = Kernel::<E>::name(self);
        let shape = last_axis(name, &x[0])?;
        match x[1..].iter().find(|s| **s != Shape::from(shape.last())) {
            Some(other) => Err(ShapeError::new(format!("{name}: gain or bias of shape {other} for x {shape}"))),
            None => Ok(shape),
        }
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Vec<E>) {
        let (gain, bias) = (x.array(1).contiguous(), (x.count() == 3).then(|| x.array(2).contiguous()));
        let x = x.array(0).contiguous();
        let width = x.shape().last();
        let [n, epsilon] = [width as f64, self.epsilon].map(E::from_f64);
        let flat = E::from_f64(FLAT);
        let moments = each_row(x.data(), width, x.size() / width.max(1), 2, &|row, out| {
            vectorized!({
                let mut mean = if self.centred { sum_row(row, |_, x| x) / n } else { E::ZERO };
                let about = inlined!(|mean| sum_row(row, inlined!(|_, x| (x - mean) * (x - mean))) / n);
                let mut variance = about(mean);
                if variance < mean * mean * flat {
                    // The mean's rounding error is not small beside these deviations; what is left of it is.
                    mean += sum_row(row, inlined!(|_, x| x - mean)) / n;
                    variance = about(mean);
                }
                out.copy_from_slice(&[mean, E::ONE / (variance + epsilon).sqrt()]);
            });
        });
        let y = map_rows(
            &x,
            inlined!(|i, row| {
                let (mean, scale, gain) = (moments[2 * i], moments[2 * i + 1], &gain.data()[..width]);
                for j in 0..width {
                    row[j] = (row[j] - mean) * scale * gain[j];
                }
                if let Some(bias) = &bias {
                    let bias = &bias.data()[..width];
                    for j in 0..width {
                        row[j] += bias[j];
                    }
                }
            }),
        );
        (y, moments)
    }

    fn backward(
        &self,
        x: Operands<'_, E>,
        _: &Array<E>,
        moments: &Vec<E>,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E> {
        let normal = map_rows(
            x.array(0),
            inlined!(|i, row| {
                let (mean, scale) = (moments[2 * i], moments[2 * i + 1]);
                for x in row.iter_mut() {
                    *x = (*x - mean) * scale;
                }
            }),
        );
        let gain = x.array(1).contiguous();
        let width = normal.shape().last();
        let n = E::from_f64(width as f64);
        let dx = || {
            // dx = (h − mean(h) − n̂·mean(h ∘ n̂))/√(σ² + ε), with h = dy ∘ g, and mean(h) only where μ is subtracted
            map_rows(
                dy,
                inlined!(|i, row| {
                    let (normal, gain) = (&normal.data()[i * width..][..width], &gain.data()[..width]);
                    for j in 0..width {
                        row[j] = row[j] * gain[j];
                    }
                    let mean = if self.centred { sum_row(row, |_, h| h) / n } else { E::ZERO };
                    let along = sum_row(row, inlined!(|j, h| h * normal[j])) / n;
                    let scale = moments[2 * i + 1];
                    for j in 0..width {
                        row[j] = (row[j] - mean - normal[j] * along) * scale;
                    }
                }),
            )
        };
        let by_column = |array: &Array<E>| {
            let rows = array.reshape([array.size() / width.max(1), width].into());
            reduce::sum(&rows, &[true, false]).reshape(width.into())
        };
        let dgain = || by_column(&map([dy, &normal], inlined!(|[dy, normal]| dy * normal)));
        let mut grads = vec![needs.operand(0).then(dx), needs.operand(1).then(dgain)];
        if x.count() == 3 {
            grads.push(needs.operand(2).then(|| by_column(dy)));
        }
        grads
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let (x, gain) = (&operands[0], &operands[1]);
        let centred = if self.centred { x - x.mean_over([-1]) } else { x.clone() };
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
        let operands: Vec<&Tensor<E>> = [self, gain].into_iter().chain(bias).collect();
        Tensor::apply_kernel(Normalization { centred: true, epsilon }, &operands)
    }

    /// Root-mean-square normalisation over the last axis: each row is divided by the root of the mean of its squares,
    /// to which `epsilon` is added, and multiplied by a gain (D).
    ///
    /// # Panics
    /// If the gain does not have the size of the last axis.
    #[track_caller]
    pub fn rms_norm(&self, gain: &Tensor<E>, epsilon: f64) -> Tensor<E> {
        Tensor::apply_kernel(Normalization { centred: false, epsilon }, &[self, gain])
    }
}
