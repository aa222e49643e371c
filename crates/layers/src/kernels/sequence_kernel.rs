//! A whole sequence of a recurrent cell as one operation, with back-propagation through time written by hand.
//!
//! The textbook loop makes a dozen small tensors at every step. Here a step is one product by the packed recurrent
//! matrix and one pass over the gates; on the way back, the same, and the gradient of the recurrent matrix is a single
//! product over all steps. Rows of the batch do not know of each other, so threads take rows, each through the whole
//! sequence, and never wait for one another.
//!
//! What differs between cells is what a step computes from its product: the [`Equations`], in a file for each cell.
//! This file has everything else: the passes through time and the sums over steps. What is read of a sequence, and in
//! which order, is in [`Reading`].

use super::sequence_reading::{Order, Reading, Sizes};
use rungs_tensor::{Array, Element, Grads, Kernel, Mask, Needs, Operands, PackedMatrix, Shape, ShapeError, Tensor};
use rungs_tensor::{for_each_part, vectorized};
use std::fmt::Debug;

/// What a cell computes at a step, for one sequence of the batch; each slice is a multiple of H numbers.
///
/// With p = s(b) + h_{t−1} W_h, where s chooses the biases that belong inside the product, a step is a function of x_t
/// W_x and p, elementwise in the H units.
pub trait Equations: Debug + Copy + Default + Send + Sync + 'static {
    /// The name for messages.
    const NAME: &'static str;
    /// G: W_h is (H, G·H).
    const GATES: usize;
    /// The bias has this many times H numbers.
    const BIASES: usize;
    /// Numbers kept for the way back, in times H.
    const KEPT: usize;
    /// How many vectors a state has: 1, or 2 with a c beside h.
    const STATES: usize;
    /// Whether p and x W_x have the same gradient: they are only ever added.
    const ADDS: bool;

    /// Whether a step is what is said above. Else the textbook is run, step by step.
    fn is_fused(self) -> bool {
        true
    }
    /// How many parameters a cell from D to H numbers has.
    fn parameters(inputs: u64, hidden: u64) -> u64 {
        Self::GATES as u64 * (inputs * hidden + hidden * hidden) + Self::BIASES as u64 * hidden
    }
    /// Initial value of b (BIASES·H): zeros, unless a cell says otherwise.
    fn first_bias<E: Element>(hidden: usize) -> Array<E> {
        Array::zeros(Self::BIASES * hidden)
    }
    /// s(b), what the product is added to; all of b, unless a cell says otherwise.
    #[inline(always)]
    fn start<E: Element>(self, bias: &[E], p: &mut [E]) {
        p.copy_from_slice(bias);
    }
    /// One step.
    fn step<E: Element>(self, step: Step<'_, E>);
    /// One step back.
    fn step_back<E: Element>(self, step: StepBack<'_, E>);
    /// The gradient by the bias, from the sums over all steps of those by x W_x and by p, (G·H) each: that by p, where
    /// all of b is added to the product.
    fn bias_gradient<E: Element>(self, _by_input: &Tensor<E>, by_product: &Tensor<E>) -> Tensor<E> {
        by_product.clone()
    }
    /// The step in the words of the textbook: x_t W_x (B, G·H), W_h and b, and the state before, h and perhaps c (B, H)
    /// → the state after.
    fn textbook<E: Element>(self, x: &Tensor<E>, weights: [&Tensor<E>; 2], state: &[Tensor<E>]) -> Vec<Tensor<E>>;
}

/// One step of one sequence.
#[derive(Debug)]
pub struct Step<'a, E> {
    /// x_t W_x (G·H).
    pub x: &'a [E],
    /// p (G·H).
    pub p: &'a [E],
    /// b.
    pub bias: &'a [E],
    /// h_{t−1} (H), to become h_t.
    pub h: &'a mut [E],
    /// c_{t−1} (H), to become c_t; empty if there is none.
    pub c: &'a mut [E],
    /// What the way back will want.
    pub kept: &'a mut [E],
}

/// The same step on the way back.
#[derive(Debug)]
pub struct StepBack<'a, E> {
    /// What the step kept.
    pub kept: &'a [E],
    /// h_{t−1} (H).
    pub before: &'a [E],
    /// h_t (H).
    pub after: &'a [E],
    /// ∂L/∂h_t (H), to become the part of ∂L/∂h_{t−1} that does not come through the product.
    pub dh: &'a mut [E],
    /// ∂L/∂c_t (H), to become ∂L/∂c_{t−1}; empty if there is none.
    pub dc: &'a mut [E],
    /// ∂L/∂p (G·H), to be written.
    pub dp: &'a mut [E],
    /// ∂L/∂(x_t W_x) (G·H), to be written; empty where it equals ∂L/∂p.
    pub dx: &'a mut [E],
}

/// All steps: x W_x (B, T, G·H), W_h (H, G·H), b, h_0 (B, H) and perhaps c_0 (B, H) → (B·T + B, H), first the rows of
/// h_t (B, T, H), then the last c (B, H) if there is one.
#[derive(Debug, Clone)]
pub(crate) struct Sequence<C> {
    equations: C,
    reading: Reading,
}

impl<C: Equations> Sequence<C> {
    /// `lengths` has the steps of each sequence, at most T; none if all have T.
    pub(crate) fn new(equations: C, order: Order, lengths: Option<&[usize]>) -> Self {
        Self { equations, reading: Reading::new(order, lengths) }
    }

    /// Runs the kernel or, where the equations have none, its definition.
    #[track_caller]
    pub(crate) fn apply<E: Element>(self, operands: &[&Tensor<E>]) -> Tensor<E> {
        if self.equations.is_fused() {
            return Tensor::apply_kernel(self, operands);
        }
        let shapes: Vec<Shape> = operands.iter().map(|operand| operand.shape()).collect();
        Kernel::<E>::shape(&self, &shapes).unwrap_or_else(|error| panic!("{error}"));
        self.definition(&operands.iter().map(|&operand| operand.clone()).collect::<Vec<_>>())
    }
}

impl<E: Element, C: Equations> Kernel<E> for Sequence<C> {
    /// What the steps kept (B, T, KEPT·H).
    type Saved = Array<E>;

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, ShapeError> {
        let wrong = || {
            let shapes: Vec<String> = operands.iter().map(Shape::to_string).collect();
            Err(ShapeError::new(format!("{}: a sequence of shapes {}", C::NAME, shapes.join(", "))))
        };
        let [x, w_h, bias, given @ ..] = operands else { return wrong() };
        if x.rank() != 3 || w_h.rank() != 2 {
            return wrong();
        }
        let ([b, t, g], h) = (x.dims(), w_h.dim(0));
        let state = Shape::from([b, h]);
        let fits = g == C::GATES * h
            && w_h.dim(1) == g
            && *bias == Shape::from(C::BIASES * h)
            && given.len() == C::STATES
            && given.iter().all(|s| *s == state)
            && self.reading.fits(b, t);
        if fits { Ok(Shape::from([b * (t + C::STATES - 1), h])) } else { wrong() }
    }

    fn forward(&self, operands: Operands<'_, E>) -> (Array<E>, Array<E>) {
        let x = operands.array(0).contiguous();
        let sizes @ Sizes { batch, time, hidden } = Sizes::of(&x, C::GATES);
        let (gates, kept_width) = (C::GATES * hidden, C::KEPT * hidden);
        let w_h = PackedMatrix::new(operands.array(1), batch * time);
        let bias = operands.array(2).contiguous();
        let mut start = vec![E::ZERO; gates];
        self.equations.start(slice(&bias), &mut start);
        // The state of every row as it goes through time.
        let mut h = operands.array(3).contiguous();
        let mut c = if C::STATES == 2 { operands.array(4).contiguous() } else { Array::zeros(0) };
        let cells = c.size() / hidden.max(1);
        let mut y = Array::scratch([batch * time + cells, hidden]);
        let mut kept = Array::scratch([batch, time, kept_width]);
        let (states, last_c) = y.make_mut().split_at_mut(batch * time * hidden);
        let mut p = Array::scratch([batch, gates]);
        let (x, bias) = (slice(&x), slice(&bias));
        let arrays = [states, kept.make_mut(), h.make_mut(), c.make_mut(), p.make_mut()];
        for_each_part(0..batch, sizes.least(), arrays, &|rows, [states, kept, h, c, p]| {
            for t in self.reading.steps(time) {
                p.chunks_exact_mut(gates).for_each(|p| p.copy_from_slice(&start));
                w_h.add_product(h, p);
                vectorized!({
                    for (i, row) in rows.clone().enumerate() {
                        let h = &mut h[i * hidden..][..hidden];
                        if self.reading.is_within(row, t) {
                            self.equations.step(Step {
                                x: &x[(row * time + t) * gates..][..gates],
                                p: &p[i * gates..][..gates],
                                bias,
                                h: &mut *h,
                                c: part(c, i, hidden, C::STATES == 2),
                                kept: &mut kept[(i * time + t) * kept_width..][..kept_width],
                            });
                        }
                        states[(i * time + t) * hidden..][..hidden].copy_from_slice(h);
                    }
                });
            }
        });
        last_c.copy_from_slice(slice(&c));
        (y, kept)
    }

    fn backward(&self, x: Operands<'_, E>, y: &Array<E>, kept: &Array<E>, dy: &Array<E>, needs: Needs<'_>) -> Grads<E> {
        let sizes @ Sizes { batch, time, hidden } = Sizes::of(x.array(0), C::GATES);
        let (gates, kept_width) = (C::GATES * hidden, C::KEPT * hidden);
        let (w_h, first) = (x.array(1), x.array(3).contiguous());
        let back = PackedMatrix::new(Tensor::constant(w_h.clone()).t().array(), batch * time);
        let dy = dy.contiguous();
        let (dstates, dlast_c) = slice(&dy).split_at(batch * time * hidden);
        let mut dh = Array::zeros([batch, hidden]);
        let mut dc = Array::scratch(dlast_c.len());
        dc.make_mut().copy_from_slice(dlast_c);
        let mut dp = Array::scratch([batch, time, gates]);
        let mut dx = Array::scratch(if C::ADDS { [0, 0, 0] } else { [batch, time, gates] });
        // h_{t−1} of every step, for the gradient of W_h.
        let mut before = Array::scratch([batch * time, hidden]);
        let mut dp_now = Array::scratch([batch, gates]);
        let (y, kept, first) = (slice(y), slice(kept), slice(&first));
        let arrays = [dh.make_mut(), dc.make_mut(), dp.make_mut(), dx.make_mut(), before.make_mut(), dp_now.make_mut()];
        for_each_part(0..batch, sizes.least(), arrays, &|rows, [dh, dc, dp, dx, before, dp_now]| {
            for t in self.reading.steps(time).rev() {
                vectorized!({
                    for (i, row) in rows.clone().enumerate() {
                        let (at, to) = (row * time + t, i * time + t);
                        let dh = &mut dh[i * hidden..][..hidden];
                        for (dh, dy) in dh.iter_mut().zip(&dstates[at * hidden..][..hidden]) {
                            *dh += *dy;
                        }
                        let dp_now = &mut dp_now[i * gates..][..gates];
                        let dx = part(dx, to, gates, !C::ADDS);
                        let before = &mut before[to * hidden..][..hidden];
                        before.copy_from_slice(self.reading.before([y, first], [row, t], sizes));
                        if self.reading.is_within(row, t) {
                            self.equations.step_back(StepBack {
                                kept: &kept[at * kept_width..][..kept_width],
                                before,
                                after: &y[at * hidden..][..hidden],
                                dh,
                                dc: part(dc, i, hidden, C::STATES == 2),
                                dp: &mut *dp_now,
                                dx,
                            });
                        } else {
                            dp_now.fill(E::ZERO);
                            dx.fill(E::ZERO);
                        }
                        dp[to * gates..][..gates].copy_from_slice(dp_now);
                    }
                });
                back.add_product(dp_now, dh);
            }
        });
        let flat = Tensor::constant(dp.clone()).reshape([batch * time, gates]);
        let by_input = if C::ADDS { flat.clone() } else { Tensor::constant(dx).reshape([batch * time, gates]) };
        let dw = || Tensor::constant(before).t().matmul(&flat);
        let db = || self.equations.bias_gradient(&by_input.sum_over([0]).squeeze(0), &flat.sum_over([0]).squeeze(0));
        let mut grads = vec![
            needs.operand(0).then(|| by_input.reshape([batch, time, gates]).array().clone()),
            needs.operand(1).then(|| dw().array().clone()),
            needs.operand(2).then(|| db().array().clone()),
            needs.operand(3).then_some(dh),
        ];
        if C::STATES == 2 {
            grads.push(needs.operand(4).then(|| Tensor::constant(dc).reshape([batch, hidden]).array().clone()));
        }
        grads
    }

    /// The textbook's loop.
    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let [x, w_h, bias, first @ ..] = operands else { unreachable!("the shapes were checked") };
        let [batch, time, gates] = x.dims();
        let [_, hidden] = first[0].dims();
        let mut state = first.to_vec();
        let mut shown = vec![Tensor::constant(Array::zeros([batch, hidden])); time];
        for t in self.reading.steps(time) {
            let x = x.slice(1, t..t + 1).reshape([batch, gates]);
            let within = Mask::from_fn([batch, 1], |row| self.reading.is_within(row, t));
            let after = self.equations.textbook(&x, [w_h, bias], &state);
            state = after.iter().zip(&state).map(|(new, old)| Tensor::choose(&within, new, old)).collect();
            shown[t] = state[0].clone();
        }
        let states = match time {
            0 => Tensor::constant(Array::zeros([0, hidden])),
            _ => Tensor::stack(&shown, 1).reshape([batch * time, hidden]), // (B·T, H)
        };
        Tensor::concat(&[&[states][..], &state[1..]].concat(), 0)
    }
}

/// The elements of an array that is known to be contiguous.
fn slice<E: Element>(array: &Array<E>) -> &[E] {
    array.as_slice().expect("it was made contiguous")
}

/// Piece `i` of `width` numbers, or nothing where there is nothing.
#[inline(always)]
fn part<E>(array: &mut [E], i: usize, width: usize, exists: bool) -> &mut [E] {
    if exists { &mut array[i * width..][..width] } else { &mut [] }
}

/// The first N of however many blocks of `n` numbers.
#[inline(always)]
pub(crate) fn blocks<E, const N: usize>(x: &[E], n: usize) -> [&[E]; N] {
    std::array::from_fn(|k| &x[k * n..][..n])
}
