//! The GRU's step and its derivative, number by number, with the reset gate after the product; with the gate before it,
//! the step of the textbook alone.

use super::sequence_kernel::{Equations, Step, StepBack, blocks};
use rungs_tensor::{Element, Tensor};

/// Where the reset gate acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reset {
    /// On the product h W_hn: one product per step.
    #[default]
    AfterProduct,
    /// On h, before it is multiplied: the paper's form, with two products per step, one after the other. It runs step
    /// by step as the textbook has it, without a kernel, and is slower.
    BeforeProduct,
}

impl Equations for Reset {
    const NAME: &'static str = "gru";
    const GATES: usize = 3;
    /// r, z, n, and n's inside the reset.
    const BIASES: usize = 4;
    /// r, z, n and n's part of the product.
    const KEPT: usize = 4;
    const STATES: usize = 1;
    const ADDS: bool = false;

    /// With the reset gate before it, n's product waits for r, which comes from a product of its own.
    fn is_fused(self) -> bool {
        self == Reset::AfterProduct
    }

    #[inline(always)]
    fn start<E: Element>(self, bias: &[E], p: &mut [E]) {
        let n = p.len() / 3;
        p[..2 * n].copy_from_slice(&bias[..2 * n]);
        p[2 * n..].copy_from_slice(&bias[3 * n..]);
    }

    #[inline(always)]
    fn step<E: Element>(self, Step { x, p, bias, h, kept, .. }: Step<'_, E>) {
        let width = h.len();
        let [x_r, x_z, x_n] = blocks(x, width);
        let [p_r, p_z, p_n] = blocks(p, width);
        let bias = &bias[2 * width..][..width];
        let (r_z, n_q) = kept[..4 * width].split_at_mut(2 * width);
        let ((r, z), (n, q)) = (r_z.split_at_mut(width), n_q.split_at_mut(width));
        for j in 0..width {
            r[j] = (x_r[j] + p_r[j]).sigmoid();
            z[j] = (x_z[j] + p_z[j]).sigmoid();
            q[j] = p_n[j];
        }
        for j in 0..width {
            n[j] = (x_n[j] + bias[j] + r[j] * q[j]).tanh();
            h[j] = n[j] + z[j] * (h[j] - n[j]);
        }
    }

    #[inline(always)]
    fn step_back<E: Element>(self, StepBack { kept, before, dh, dp, dx, .. }: StepBack<'_, E>) {
        let width = dh.len();
        let [r, z, n] = blocks(kept, width);
        let (q, before) = (&kept[3 * width..][..width], &before[..width]);
        let (dp_r, rest) = dp[..3 * width].split_at_mut(width);
        let (dp_z, dp_n) = rest.split_at_mut(width);
        let (dx_r, rest) = dx[..3 * width].split_at_mut(width);
        let (dx_z, dx_n) = rest.split_at_mut(width);
        let one = E::ONE;
        for j in 0..width {
            dx_n[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j]); // tanh′ = 1 − tanh²
            dp_n[j] = dx_n[j] * r[j];
            dp_r[j] = dx_n[j] * q[j] * r[j] * (one - r[j]); // σ′ = σ(1 − σ)
            dp_z[j] = dh[j] * (before[j] - n[j]) * z[j] * (one - z[j]);
            dx_r[j] = dp_r[j];
            dx_z[j] = dp_z[j];
            dh[j] = dh[j] * z[j];
        }
    }

    fn bias_gradient<E: Element>(self, by_input: &Tensor<E>, by_product: &Tensor<E>) -> Tensor<E> {
        let [_, _, inside] = by_product.chunks(0);
        Tensor::concat(&[by_input.clone(), inside], 0)
    }

    fn textbook<E: Element>(self, x: &Tensor<E>, [w_h, bias]: [&Tensor<E>; 2], state: &[Tensor<E>]) -> Vec<Tensor<E>> {
        let h = &state[0];
        let [x_r, x_z, x_n] = x.chunks(-1); // (B, H) each
        let [p_r, p_z, p_n] = h.matmul(w_h).chunks(-1);
        let [b_r, b_z, b_n, b_p] = bias.chunks(0);
        let r = (x_r + p_r + b_r).sigmoid();
        let z = (x_z + p_z + b_z).sigmoid();
        let past = match self {
            Reset::AfterProduct => r * (p_n + b_p),
            Reset::BeforeProduct => (r * h).matmul(&w_h.chunks::<3>(-1)[2]) + b_p,
        };
        let n = (x_n + b_n + past).tanh();
        vec![&n + z * (h - &n)]
    }
}
