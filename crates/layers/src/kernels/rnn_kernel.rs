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

impl Equations for Nonlinearity {
    const NAME: &'static str = "rnn";
    const GATES: usize = 1;
    const BIASES: usize = 1;
    /// Nothing: h_t says what its own slope was.
    const KEPT: usize = 0;
    const STATES: usize = 1;
    const ADDS: bool = true;

    #[inline(always)]
    fn step<E: Element>(self, Step { x, p, h, .. }: Step<'_, E>) {
        let n = h.len();
        let (x, p) = (&x[..n], &p[..n]);
        match self {
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
            let slope = match self {
                Nonlinearity::Tanh => E::ONE - after[j] * after[j],
                Nonlinearity::Relu if after[j] > E::ZERO => E::ONE,
                Nonlinearity::Relu => E::ZERO,
            };
            dp[j] = dh[j] * slope;
            dh[j] = E::ZERO; // h_{t−1} acts through the product alone
        }
    }

    fn textbook<E: Element>(self, x: &Tensor<E>, [w_h, bias]: [&Tensor<E>; 2], state: &[Tensor<E>]) -> Vec<Tensor<E>> {
        let sum = x + state[0].matmul(w_h) + bias; // (B, H)
        vec![match self {
            Nonlinearity::Tanh => sum.tanh(),
            Nonlinearity::Relu => sum.relu(),
        }]
    }
}
