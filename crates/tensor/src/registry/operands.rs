//! The operands that checks run on: what their elements are drawn from, and every way they may lie in memory.
//!
//! Functions come as `dyn` ones here and beside this file: a hundred checks are a hundred calls, not a hundred copies.

use crate::check::{Checked, Outcome, check_gradients, check_kernel, worst};
use crate::{Array, Kernel, Rng, Shape, Tensor};

/// Where element number `i` of an operand is drawn from.
pub(crate) type Draw = fn(usize, &mut Rng) -> f64;

/// The shape of an operand, and what its elements are drawn from.
pub(crate) type Drawn<'a> = (&'a [usize], Draw);

/// Any number.
pub(crate) fn any(_: usize, rng: &mut Rng) -> f64 {
    rng.normal()
}

/// A number on which logarithms, roots and real powers are defined, and far enough from 0 for central differences.
pub(crate) fn positive(_: usize, rng: &mut Rng) -> f64 {
    0.75 + 1.25 * rng.uniform()
}

/// A number of either sign that is not near 0.
pub(crate) fn nonzero(_: usize, rng: &mut Rng) -> f64 {
    let magnitude = 0.75 + 1.25 * rng.uniform();
    if rng.below(2) == 0 { magnitude } else { -magnitude }
}

/// A number near a multiple of ½: never near one that [`between`] draws.
pub(crate) fn near_halves(_: usize, rng: &mut Rng) -> f64 {
    0.5 * (rng.below(9) as f64 - 4.0) + 0.1 * (rng.uniform() - 0.5)
}

/// A number near the middle of two neighbouring multiples of ½.
pub(crate) fn between(i: usize, rng: &mut Rng) -> f64 {
    near_halves(i, rng) + 0.25
}

/// A number that no other of the first 251 draws comes near, in an order that is neither rising nor falling.
pub(crate) fn distinct(i: usize, rng: &mut Rng) -> f64 {
    0.5 * (37 * i % 251) as f64 + 0.1 * rng.uniform()
}

/// How an operand lies in memory.
#[derive(Copy, Clone, Debug)]
enum Layout {
    /// Row-major.
    Contiguous,
    /// Stored with its axes in reversed order.
    Permuted,
    /// The inside of a larger array.
    Sliced,
    /// Repeated along its first axis with stride 0.
    Expanded,
}

/// An operand to be drawn.
struct Operand {
    shape: Shape,
    draw: Draw,
    layout: Layout,
}

impl Operand {
    /// The array that [`view`](Operand::view) makes the operand of.
    fn base(&self, rng: &mut Rng) -> Array<f64> {
        let mut dims = self.shape.to_vec();
        match self.layout {
            Layout::Contiguous => {}
            Layout::Permuted => dims.reverse(),
            Layout::Sliced => dims.iter_mut().for_each(|dim| *dim += 3),
            Layout::Expanded => dims.iter_mut().take(1).for_each(|dim| *dim = 1),
        }
        Array::from_fn(&dims, |i| (self.draw)(i, rng))
    }

    fn view(&self, base: &Tensor<f64>) -> Tensor<f64> {
        let shape = self.shape;
        match self.layout {
            Layout::Contiguous => base.clone(),
            Layout::Permuted => base.permute((0..shape.rank()).rev().collect::<Vec<_>>()),
            Layout::Sliced => {
                shape.iter().enumerate().fold(base.clone(), |x, (axis, dim)| x.slice(axis as isize, 1..1 + dim))
            }
            Layout::Expanded => base.expand(shape),
        }
    }
}

/// Calls `check` with every layout of every operand, and gives the worst accuracy.
fn in_every_layout(operands: &[Drawn<'_>], check: &mut dyn FnMut(&[Operand]) -> Outcome) -> Outcome {
    const LAYOUTS: [Layout; 4] = [Layout::Contiguous, Layout::Permuted, Layout::Sliced, Layout::Expanded];
    each(0..LAYOUTS.len().pow(operands.len() as u32), &mut |mut choice| {
        let operand = |&(shape, draw): &Drawn<'_>| {
            let layout = LAYOUTS[choice % LAYOUTS.len()];
            choice /= LAYOUTS.len();
            Operand { shape: shape.into(), draw, layout }
        };
        check(&operands.iter().map(operand).collect::<Vec<_>>())
    })
}

/// Checks an operation at operands of some shapes, in every layout.
///
/// What is differentiated is (y + ½)² of the result y. Its slope depends on the operands even where the operation is
/// linear, so the second order runs through the operation's rule, not past it. (The plain square would make √x linear.)
pub(crate) fn check_op(name: &str, operands: &[Drawn<'_>], op: Checked<'_>, rng: &mut Rng) -> Outcome {
    in_every_layout(operands, &mut |operands| {
        let bases: Vec<Array<f64>> = operands.iter().map(|operand| operand.base(rng)).collect();
        let squared = |bases: &[Tensor<f64>]| {
            let x: Vec<_> = operands.iter().zip(bases).map(|(operand, base)| operand.view(base)).collect();
            (op(&x) + 0.5).square()
        };
        check_gradients(name, squared, &bases, rng)
    })
}

/// Checks an elementwise operation in every shape and layout.
pub(crate) fn in_every_shape(name: &str, draws: &[Draw], op: Checked<'_>, rng: &mut Rng) -> Outcome {
    each(SHAPES, &mut |shape| {
        let operands: Vec<Drawn<'_>> = draws.iter().map(|&draw| (shape, draw)).collect();
        check_op(name, &operands, op, rng)
    })
}

/// Checks a kernel against its definition at operands of some shapes, in every layout.
pub(crate) fn check_fused<K: Kernel<f64>>(kernel: impl Fn() -> K, operands: &[Drawn<'_>], rng: &mut Rng) -> Outcome {
    in_every_layout(operands, &mut |operands| {
        let input = |operand: &Operand| operand.view(&Tensor::constant(operand.base(rng))).array().clone();
        let inputs: Vec<Array<f64>> = operands.iter().map(input).collect();
        check_kernel(&kernel, &inputs, rng)
    })
}

/// Runs a check for each of several cases and gives the worst accuracy.
pub(crate) fn each<T>(cases: impl IntoIterator<Item = T>, check: &mut dyn FnMut(T) -> Outcome) -> Outcome {
    worst(cases.into_iter().map(check))
}

/// Shapes for whatever works on any shape: no axes, axes of size 0 and 1, uneven ones.
pub(crate) const SHAPES: [&[usize]; 7] = [&[], &[1], &[0], &[5], &[2, 0, 3], &[1, 4], &[2, 1, 3]];
