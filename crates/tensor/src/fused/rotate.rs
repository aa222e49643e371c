//! Rotations by position (Su et al. 2021, *RoFormer*, [arXiv:2104.09864](https://arxiv.org/abs/2104.09864)).

use super::{Grads, Kernel, Needs};
use crate::array::rows::for_each_row;
use crate::op::Operands;
use crate::{Array, Element, Shape, ShapeError, Tensor};
use std::sync::Arc;

/// Turns each pair (x_i, x_{i+K/2}) of a vector at position t by its angle a_{t,i}:
///
/// ```text
/// y_i = x_i cos a − x_{i+K/2} sin a        y_{i+K/2} = x_i sin a + x_{i+K/2} cos a
/// ```
/// x (B, T, N, K), and the cosines and sines of the angles (T, K/2) each. A rotation keeps lengths, and its transpose,
/// by which the gradient is turned, is the rotation back.
#[derive(Debug)]
pub(crate) struct Rotate<E: Element> {
    pub(crate) cosines: Arc<[E]>,
    pub(crate) sines: Arc<[E]>,
}

impl<E: Element> Rotate<E> {
    fn turn(&self, x: &Array<E>, direction: E) -> Array<E> {
        let mut y = x.contiguous();
        let [_, time, heads, width] = y.dims();
        let half = width / 2;
        for_each_row(y.make_mut(), heads * width, &|i, row| {
            let t = i % time;
            let (cosines, sines) = (&self.cosines[t * half..][..half], &self.sines[t * half..][..half]);
            for head in row.chunks_exact_mut(width) {
                let (low, high) = head.split_at_mut(half);
                for j in 0..half {
                    let (a, b, sine) = (low[j], high[j], direction * sines[j]);
                    low[j] = a * cosines[j] - b * sine;
                    high[j] = a * sine + b * cosines[j];
                }
            }
        });
        y
    }
}

impl<E: Element> Kernel<E> for Rotate<E> {
    type Saved = ();

    fn name(&self) -> &'static str {
        "rotate"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let fits = x[0].rank() == 4 && {
            let [_, t, _, k] = x[0].dims();
            k % 2 == 0 && self.cosines.len() == t * k / 2 && self.sines.len() == t * k / 2
        };
        let angles = self.cosines.len();
        let wrong = || ShapeError::new(format!("rotate: shape {} by {angles} angles, a (B, T, N, K) by T·K/2", x[0]));
        if fits { Ok(x[0]) } else { Err(wrong()) }
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, ()) {
        (self.turn(x.array(0), E::ONE), ())
    }

    fn backward(&self, _: Operands<'_, E>, _: &Array<E>, (): &(), dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        [Some(self.turn(dy, E::ZERO - E::ONE))].into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let x = &operands[0];
        let [_, t, _, k] = x.dims();
        let angles = |values: &Arc<[E]>| Tensor::constant(Array::from_vec(values.to_vec(), [t, 1, k / 2]));
        let (cosines, sines) = (angles(&self.cosines), angles(&self.sines));
        let [low, high] = [x.slice(-1, 0..k / 2), x.slice(-1, k / 2..k)];
        Tensor::concat(&[&low * &cosines - &high * &sines, low * sines + high * cosines], -1)
    }
}

impl<E: Element> Tensor<E> {
    /// Turns the pairs (x_i, x_{i+K/2}) of vectors (B, T, N, K) by angles whose cosines and sines, (T, K/2) in
    /// row-major order, are given.
    ///
    /// # Panics
    /// If K is odd, or there is not one angle for each pair of each position.
    #[track_caller]
    pub fn rotate(&self, cosines: Arc<[E]>, sines: Arc<[E]>) -> Tensor<E> {
        Tensor::apply_kernel(Rotate { cosines, sines }, &[self])
    }
}
