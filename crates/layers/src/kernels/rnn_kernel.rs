//! The simple recurrent network's step and its derivative, number by number.

use super::sequence_kernel::{Equations, Step, StepBack};
use rungs_tensor::{Element, Tensor};

/// φ, the function of a simple recurrent network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Nonlinearity {
    /// tanh x.
    #[default]
    Tanh,
    /// max(x, 0).
    Relu,
}

/// The equations of [`rnn`](crate::rnn).
#[derive(Debug, Clone, Copy)]
pub(crate) struct RnnEquations(pub(crate) Nonlinearity);

impl Equations for RnnEquations {
    const NAME: &'static str = "rnn";
    const GATES: usize = 1;
    const BIASES: usize = 1;
    /// Nothing: h_t says what its own slope was.
    const KEPT: usize = 0;
    const HAS_CELL: bool = false;
    const ADDS: bool = true;

    #[inline(always)]
    fn step<E: Element>(self, Step { x, p, h, .. }: Step<'_, E>) {
        let n = h.len();
        let (x, p) = (&x[..n], &p[..n]);
        match self.0 {
            Nonlinearity::Tanh => {
                for j in 0..n {
                    h[j] = (x[j] + p[j]).tanh();
                }
            }
            Nonlinearity::Relu => {
                for j in 0..n {
                    h[j] = (x[j] + p[j]).larger(E::ZERO);
                }
            }
        }
    }

    #[inline(always)]
    fn step_back<E: Element>(self, StepBack { after, dh, dp, .. }: StepBack<'_, E>) {
        let n = dh.len();
        let (after, dp) = (&after[..n], &mut dp[..n]);
        for j in 0..n {
            let slope = match self.0 {
                Nonlinearity::Tanh => E::ONE - after[j] * after[j],
                Nonlinearity::Relu if after[j] > E::ZERO => E::ONE,
                Nonlinearity::Relu => E::ZERO,
            };
            dp[j] = dh[j] * slope;
            dh[j] = E::ZERO; // h_{t−1} acts through the product alone
        }
    }

    fn textbook<E: Element>(
        self,
        x: &Tensor<E>,
        w_h: &Tensor<E>,
        bias: &Tensor<E>,
        h: &Tensor<E>,
        _: Option<&Tensor<E>>,
    ) -> (Tensor<E>, Option<Tensor<E>>) {
        let sum = x + h.matmul(w_h) + bias; // (B, H)
        let h = match self.0 {
            Nonlinearity::Tanh => sum.tanh(),
            Nonlinearity::Relu => sum.relu(),
        };
        (h, None)
    }
}
