//! The LSTM's step and its derivative, number by number.

use super::sequence_kernel::{Equations, Step, StepBack, blocks};
use rungs_tensor::{Array, Element, Tensor};

/// The equations of [`lstm`](crate::lstm).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LstmEquations;

impl Equations for LstmEquations {
    const NAME: &'static str = "lstm";
    const GATES: usize = 4;
    const BIASES: usize = 4;
    /// i, f, g, o, c_{t−1} and tanh c_t.
    const KEPT: usize = 6;
    const STATES: usize = 2;
    const ADDS: bool = true;

    /// 1 for f and 0 for i, g and o.
    fn first_bias<E: Element>(hidden: usize) -> Array<E> {
        Array::from_fn(4 * hidden, |unit| if unit / hidden == 1 { E::ONE } else { E::ZERO })
    }

    #[inline(always)]
    fn step<E: Element>(self, Step { x, p, h, c, kept, .. }: Step<'_, E>) {
        let n = h.len();
        let [x_i, x_f, x_g, x_o] = blocks(x, n);
        let [p_i, p_f, p_g, p_o] = blocks(p, n);
        let (gates, rest) = kept.split_at_mut(4 * n);
        let (before, shown) = rest.split_at_mut(n);
        let (i_f, g_o) = gates.split_at_mut(2 * n);
        let ((i, f), (g, o)) = (i_f.split_at_mut(n), g_o.split_at_mut(n));
        let (c, shown) = (&mut c[..n], &mut shown[..n]);
        for j in 0..n {
            i[j] = (x_i[j] + p_i[j]).sigmoid();
            f[j] = (x_f[j] + p_f[j]).sigmoid();
            o[j] = (x_o[j] + p_o[j]).sigmoid();
        }
        for j in 0..n {
            g[j] = (x_g[j] + p_g[j]).tanh();
            before[j] = c[j];
            c[j] = f[j] * c[j] + i[j] * g[j];
        }
        for j in 0..n {
            shown[j] = c[j].tanh();
            h[j] = o[j] * shown[j];
        }
    }

    #[inline(always)]
    fn step_back<E: Element>(self, StepBack { kept, dh, dc, dp, .. }: StepBack<'_, E>) {
        let n = dh.len();
        let [i, f, g, o] = blocks(kept, n);
        let (before, shown) = (&kept[4 * n..][..n], &kept[5 * n..][..n]);
        let (di_df, dg_do) = dp[..4 * n].split_at_mut(2 * n);
        let ((di, df), (dg, d_o)) = (di_df.split_at_mut(n), dg_do.split_at_mut(n));
        let dc = &mut dc[..n];
        let one = E::ONE;
        for j in 0..n {
            d_o[j] = dh[j] * shown[j] * o[j] * (one - o[j]); // σ′ = σ(1 − σ)
            let d = dc[j] + dh[j] * o[j] * (one - shown[j] * shown[j]); // ∂L/∂c_t, all of it; tanh′ = 1 − tanh²
            di[j] = d * g[j] * i[j] * (one - i[j]);
            df[j] = d * before[j] * f[j] * (one - f[j]);
            dg[j] = d * i[j] * (one - g[j] * g[j]);
            dc[j] = d * f[j];
            dh[j] = E::ZERO; // h_{t−1} acts through the product alone
        }
    }

    fn textbook<E: Element>(self, x: &Tensor<E>, [w_h, bias]: [&Tensor<E>; 2], state: &[Tensor<E>]) -> Vec<Tensor<E>> {
        let [h, c] = state else { unreachable!("an LSTM has a cell") };
        let gates = x + h.matmul(w_h) + bias; // (B, 4H)
        let [i, f, g, o] = gates.chunks(-1); // (B, H) each
        let c = f.sigmoid() * c + i.sigmoid() * g.tanh();
        vec![o.sigmoid() * c.tanh(), c]
    }
}
