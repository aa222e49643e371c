//! The GRU with the reset gate before the product, a whole sequence as one operation.
//!
//! With u_t = r_t ⊙ h_{t−1}, a step is
//!
//! ```text
//! r_t = σ(x_t W_xr + h_{t−1} W_hr + b_r)        z_t = σ(x_t W_xz + h_{t−1} W_hz + b_z)
//! n_t = tanh(x_t W_xn + b_n + u_t W_hn + b_hn)  h_t = n_t + z_t ⊙ (h_{t−1} − n_t)
//! ```
//! and on the way back, with δ_t = ∂L/∂h_t and a hat on what goes into σ or tanh,
//!
//! ```text
//! ∂n̂ = δ_t ⊙ (1 − z) ⊙ (1 − n²)                 ∂ẑ = δ_t ⊙ (h_{t−1} − n) ⊙ z ⊙ (1 − z)
//! ∂u = ∂n̂ W_hnᵀ                                 ∂r̂ = ∂u ⊙ h_{t−1} ⊙ r ⊙ (1 − r)
//! δ_{t−1} = δ_t ⊙ z + ∂u ⊙ r + (∂r̂, ∂ẑ) (W_hr, W_hz)ᵀ
//! ```
//! The second product of a step waits for a gate that the first one decides. A step of [`Equations`] begins with its
//! only product, so this cell has a kernel of its own. As there, rows of the batch are shared among threads, each
//! through the whole sequence, and the gradient of W_h is taken over all steps at once.
//!
//! [`Equations`]: super::sequence_kernel::Equations

use super::sequence_kernel::{blocks, slice};
use super::sequence_reading::{Reading, Sizes};
use crate::Order;
use rungs_tensor::{Array, Element, Grads, Kernel, Needs, Operands, PackedMatrix, Shape, ShapeError, Tensor};
use rungs_tensor::{for_each_part, simd};

/// All steps: x W_x (B, T, 3H), W_h (H, 3H), b (4H) and h_0 (B, H) → the rows of h_t (B·T, H).
#[derive(Debug, Clone)]
pub(crate) struct ResetBeforeProduct {
    reading: Reading,
}

impl ResetBeforeProduct {
    /// `lengths` has the steps of each sequence, at most T; none if all have T.
    pub(crate) fn new(order: Order, lengths: Option<&[usize]>) -> Self {
        Self { reading: Reading::new(order, lengths) }
    }
}

impl<E: Element> Kernel<E> for ResetBeforeProduct {
    /// r, z and n of every step (B, T, 3H).
    type Saved = Array<E>;

    fn name(&self) -> &'static str {
        "gru"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, ShapeError> {
        self.reading.shape("gru", [3, 4, 1], operands)
    }

    fn forward(&self, operands: Operands<'_, E>) -> (Array<E>, Array<E>) {
        let x = operands.array(0).contiguous();
        let sizes @ Sizes { batch, time, hidden } = Sizes::of(&x, 3);
        let [w_rz, w_n] = parts(operands.array(1), hidden).map(|w| PackedMatrix::new(w.array(), batch * time));
        let bias = operands.array(2).contiguous();
        let (b_rz, b_ns) = slice(&bias).split_at(2 * hidden);
        let b_n: Vec<E> = (0..hidden).map(|j| b_ns[j] + b_ns[hidden + j]).collect();
        // The state of every row as it goes through time.
        let mut h = operands.array(3).contiguous();
        let mut y = Array::scratch([batch * time, hidden]);
        let mut kept = Array::scratch([batch, time, 3 * hidden]);
        let mut p = Array::scratch([batch, 2 * hidden]);
        let mut u = Array::zeros([batch, hidden]); // a row that waits for its first step has none yet
        let mut q = Array::scratch([batch, hidden]);
        let x = slice(&x);
        let arrays = [y.make_mut(), kept.make_mut(), h.make_mut(), p.make_mut(), u.make_mut(), q.make_mut()];
        for_each_part(0..batch, sizes.least(), arrays, &|rows, [y, kept, h, p, u, q]| {
            for t in self.reading.steps(time) {
                let within = || rows.clone().enumerate().filter(|&(_, row)| self.reading.is_within(row, t));
                p.chunks_exact_mut(2 * hidden).for_each(|p| p.copy_from_slice(b_rz));
                w_rz.add_product(h, p);
                simd::run(
                    #[inline(always)]
                    || {
                        for (i, row) in within() {
                            let x = piece(x, row * time + t, 3 * hidden);
                            let kept = piece_mut(kept, i * time + t, 3 * hidden);
                            gates(x, piece(p, i, 2 * hidden), piece(h, i, hidden), kept, piece_mut(u, i, hidden));
                        }
                    },
                );
                q.chunks_exact_mut(hidden).for_each(|q| q.copy_from_slice(&b_n));
                w_n.add_product(u, q);
                simd::run(
                    #[inline(always)]
                    || {
                        for (i, row) in within() {
                            let x = piece(x, row * time + t, 3 * hidden);
                            let kept = piece_mut(kept, i * time + t, 3 * hidden);
                            update(x, piece(q, i, hidden), piece_mut(h, i, hidden), kept);
                        }
                        for i in 0..rows.len() {
                            piece_mut(y, i * time + t, hidden).copy_from_slice(piece(h, i, hidden));
                        }
                    },
                );
            }
        });
        (y, kept)
    }

    fn backward(
        &self,
        operands: Operands<'_, E>,
        y: &Array<E>,
        kept: &Array<E>,
        dy: &Array<E>,
        needs: Needs<'_>,
    ) -> Grads<E> {
        let sizes @ Sizes { batch, time, hidden } = Sizes::of(operands.array(0), 3);
        let [back_rz, back_n] =
            parts(operands.array(1), hidden).map(|w| PackedMatrix::new(w.t().array(), batch * time));
        let (first, dy) = (operands.array(3).contiguous(), dy.contiguous());
        let mut dh = Array::zeros([batch, hidden]);
        let mut dx = Array::scratch([batch * time, 3 * hidden]);
        // h_{t−1} and u_t of every step, for the gradient of W_h.
        let mut before = Array::scratch([batch * time, hidden]);
        let mut u = Array::scratch([batch * time, hidden]);
        // (∂r̂, ∂ẑ), ∂n̂ and ∂u of the step at hand.
        let mut drz = Array::scratch([batch, 2 * hidden]);
        let mut dn = Array::scratch([batch, hidden]);
        let mut du = Array::scratch([batch, hidden]);
        let (y, kept, first, dy) = (slice(y), slice(kept), slice(&first), slice(&dy));
        let arrays = [
            dh.make_mut(),
            dx.make_mut(),
            before.make_mut(),
            u.make_mut(),
            drz.make_mut(),
            dn.make_mut(),
            du.make_mut(),
        ];
        for_each_part(0..batch, sizes.least(), arrays, &|rows, [dh, dx, before, u, drz, dn, du]| {
            for t in self.reading.steps(time).rev() {
                simd::run(
                    #[inline(always)]
                    || {
                        for (i, row) in rows.clone().enumerate() {
                            let at = row * time + t;
                            let (dh, dn) = (piece_mut(dh, i, hidden), piece_mut(dn, i, hidden));
                            for (dh, dy) in dh.iter_mut().zip(piece(dy, at, hidden)) {
                                *dh += *dy;
                            }
                            let before = piece_mut(before, i * time + t, hidden);
                            before.copy_from_slice(self.reading.before([y, first], [row, t], sizes));
                            let drz = piece_mut(drz, i, 2 * hidden);
                            if self.reading.is_within(row, t) {
                                update_back(piece(kept, at, 3 * hidden), before, dh, &mut drz[hidden..], dn);
                            } else {
                                drz.fill(E::ZERO);
                                dn.fill(E::ZERO);
                            }
                        }
                    },
                );
                du.fill(E::ZERO);
                back_n.add_product(dn, du);
                simd::run(
                    #[inline(always)]
                    || {
                        for (i, row) in rows.clone().enumerate() {
                            let (at, to) = (row * time + t, i * time + t);
                            let u = piece_mut(u, to, hidden);
                            let drz = piece_mut(drz, i, 2 * hidden);
                            if self.reading.is_within(row, t) {
                                let (before, du) = (piece(before, to, hidden), piece(du, i, hidden));
                                let dh = piece_mut(dh, i, hidden);
                                gates_back(piece(kept, at, 3 * hidden), before, du, u, dh, &mut drz[..hidden]);
                            } else {
                                u.fill(E::ZERO);
                            }
                            let (dx_rz, dx_n) = piece_mut(dx, to, 3 * hidden).split_at_mut(2 * hidden);
                            dx_rz.copy_from_slice(drz);
                            dx_n.copy_from_slice(piece(dn, i, hidden));
                        }
                    },
                );
                back_rz.add_product(drz, dh);
            }
        });
        let dx = Tensor::constant(dx);
        let dw = || {
            let [rz, n] = parts(dx.array(), hidden);
            Tensor::concat(&[Tensor::constant(before).t().matmul(&rz), Tensor::constant(u).t().matmul(&n)], 1)
        };
        let db = || {
            let sum = dx.sum_over([0]); // (1, 3H): r, z and n, whose second bias is added to the same sum
            Tensor::concat(&[sum.clone(), sum.slice(1, 2 * hidden..3 * hidden)], 1).squeeze(0)
        };
        [
            needs.operand(0).then(|| dx.reshape([batch, time, 3 * hidden]).array().clone()),
            needs.operand(1).then(|| dw().array().clone()),
            needs.operand(2).then(|| db().array().clone()),
            needs.operand(3).then_some(dh),
        ]
        .into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let [w_r, w_z, w_n] = operands[1].chunks(-1); // (H, H) each
        let [b_r, b_z, b_n, b_u] = operands[2].chunks(0);
        self.reading.textbook(&operands[0], &operands[3..], &|x, h, _| {
            let [x_r, x_z, x_n] = x.chunks(-1); // (B, H) each
            let r = (x_r + h.matmul(&w_r) + &b_r).sigmoid();
            let z = (x_z + h.matmul(&w_z) + &b_z).sigmoid();
            let n = (x_n + &b_n + (r * h).matmul(&w_n) + &b_u).tanh();
            (&n + z * (h - &n), None)
        })
    }
}

/// r_t, z_t and u_t of one row, given p = (b_r, b_z) + h_{t−1} (W_hr, W_hz).
#[inline(always)]
fn gates<E: Element>(x: &[E], p: &[E], h: &[E], kept: &mut [E], u: &mut [E]) {
    let width = h.len();
    let ([x_r, x_z], [p_r, p_z]) = (blocks(x, width), blocks(p, width));
    let (r, rest) = kept.split_at_mut(width);
    let (z, u) = (&mut rest[..width], &mut u[..width]);
    for j in 0..width {
        r[j] = (x_r[j] + p_r[j]).sigmoid();
        z[j] = (x_z[j] + p_z[j]).sigmoid();
        u[j] = r[j] * h[j];
    }
}

/// n_t and h_t of one row, given q = b_n + b_hn + u_t W_hn.
#[inline(always)]
fn update<E: Element>(x: &[E], q: &[E], h: &mut [E], kept: &mut [E]) {
    let width = h.len();
    let ([_, _, x_n], q) = (blocks(x, width), &q[..width]);
    let (r_z, n) = kept.split_at_mut(2 * width);
    let (z, n) = (&r_z[width..][..width], &mut n[..width]);
    for j in 0..width {
        n[j] = (x_n[j] + q[j]).tanh();
        h[j] = n[j] + z[j] * (h[j] - n[j]);
    }
}

/// ∂ẑ and ∂n̂ of one row; δ_t becomes δ_t ⊙ z, the part of δ_{t−1} that comes through no product.
#[inline(always)]
fn update_back<E: Element>(kept: &[E], before: &[E], dh: &mut [E], dz: &mut [E], dn: &mut [E]) {
    let width = dh.len();
    let [_, z, n] = blocks(kept, width);
    let (before, dz, dn) = (&before[..width], &mut dz[..width], &mut dn[..width]);
    let one = E::ONE;
    for j in 0..width {
        dn[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j]); // tanh′ = 1 − tanh²
        dz[j] = dh[j] * (before[j] - n[j]) * z[j] * (one - z[j]); // σ′ = σ(1 − σ)
        dh[j] = dh[j] * z[j];
    }
}

/// u_t again and ∂r̂ of one row, given ∂u; δ_{t−1} gets the part that comes through u.
#[inline(always)]
fn gates_back<E: Element>(kept: &[E], before: &[E], du: &[E], u: &mut [E], dh: &mut [E], dr: &mut [E]) {
    let width = dh.len();
    let [r] = blocks(kept, width);
    let (before, du) = (&before[..width], &du[..width]);
    let (u, dr) = (&mut u[..width], &mut dr[..width]);
    for j in 0..width {
        u[j] = r[j] * before[j];
        dr[j] = du[j] * u[j] * (E::ONE - r[j]); // σ′ = σ(1 − σ)
        dh[j] += du[j] * r[j];
    }
}

/// The columns of r and z, and those of n, of a matrix (…, 3H).
fn parts<E: Element>(matrix: &Array<E>, hidden: usize) -> [Tensor<E>; 2] {
    [0..2 * hidden, 2 * hidden..3 * hidden].map(|columns| Tensor::constant(matrix.clone()).slice(-1, columns))
}

/// Piece `i` of `width` numbers.
#[inline(always)]
fn piece<E>(array: &[E], i: usize, width: usize) -> &[E] {
    &array[i * width..][..width]
}

/// As [`piece`], for writing.
#[inline(always)]
fn piece_mut<E>(array: &mut [E], i: usize, width: usize) -> &mut [E] {
    &mut array[i * width..][..width]
}
