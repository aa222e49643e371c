//! The operands that checks run on: what their elements are drawn from, and every way they may lie in memory.
//!
//! Functions come as `dyn` ones here and beside this file: a hundred checks are a hundred calls, not a hundred copies.

use crate::check::{Accuracy, GradientMismatch, check_gradients, check_kernel};
use crate::{Array, Kernel, Rng, Shape, Tensor};

pub(crate) type Outcome = Result<Accuracy, GradientMismatch>;

/// Where element number `i` of an operand is drawn from.
pub(crate) type Draw = fn(usize, &mut Rng) -> f64;

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

impl Layout {
    const ALL: [Layout; 4] = [Layout::Contiguous, Layout::Permuted, Layout::Sliced, Layout::Expanded];

    /// The shape of the array that [`view`](Layout::view) makes `shape` of.
    fn base(self, shape: Shape) -> Shape {
        let mut dims = shape.to_vec();
        match self {
            Layout::Contiguous => {}
            Layout::Permuted => dims.reverse(),
            Layout::Sliced => dims.iter_mut().for_each(|dim| *dim += 3),
            Layout::Expanded => dims.iter_mut().take(1).for_each(|dim| *dim = 1),
        }
        Shape::from(&dims)
    }

    /// An operand of shape `shape` that lies in memory this way.
    fn view(self, base: &Tensor<f64>, shape: Shape) -> Tensor<f64> {
        match self {
            Layout::Contiguous => base.clone(),
            Layout::Permuted => base.permute((0..shape.rank()).rev().collect::<Vec<_>>()),
            Layout::Sliced => {
                shape.iter().enumerate().fold(base.clone(), |x, (axis, dim)| x.slice(axis as isize, 1..1 + dim))
            }
            Layout::Expanded => base.expand(shape),
        }
    }
}

/// Calls `check` with every layout of every one of `count` operands, and gives the worst accuracy.
fn in_every_layout(count: usize, check: &mut dyn FnMut(&[Layout]) -> Outcome) -> Outcome {
    let kinds = Layout::ALL.len();
    (0..kinds.pow(count as u32)).try_fold(Accuracy::default(), |worst, choice| {
        let layouts: Vec<Layout> = (0..count).map(|i| Layout::ALL[choice / kinds.pow(i as u32) % kinds]).collect();
        Ok(worst.worse(check(&layouts)?))
    })
}

/// Checks an operation at operands of some shapes, in every layout.
///
/// What is differentiated is (y + ½)² of the result y. Its slope depends on the operands even where the operation is
/// linear, so the second order runs through the operation's rule, not past it. (The plain square would make √x linear.)
pub(crate) fn check_op(
    name: &str,
    operands: &[(&[usize], Draw)],
    op: &dyn Fn(&[Tensor<f64>]) -> Tensor<f64>,
    rng: &mut Rng,
) -> Outcome {
    in_every_layout(operands.len(), &mut |layouts| {
        let shapes: Vec<Shape> = operands.iter().map(|(shape, _)| Shape::from(*shape)).collect();
        let bases: Vec<Array<f64>> = (0..shapes.len())
            .map(|i| Array::from_fn(layouts[i].base(shapes[i]), |element| operands[i].1(element, rng)))
            .collect();
        let squared = |bases: &[Tensor<f64>]| {
            let x: Vec<_> = (0..shapes.len()).map(|i| layouts[i].view(&bases[i], shapes[i])).collect();
            (op(&x) + 0.5).square()
        };
        check_gradients(name, squared, &bases, rng)
    })
}

/// Checks an elementwise operation in every shape and layout.
pub(crate) fn in_every_shape(
    name: &str,
    draws: &[Draw],
    op: &dyn Fn(&[Tensor<f64>]) -> Tensor<f64>,
    rng: &mut Rng,
) -> Outcome {
    each(SHAPES, &mut |shape| {
        let operands: Vec<(&[usize], Draw)> = draws.iter().map(|&draw| (shape, draw)).collect();
        check_op(name, &operands, op, rng)
    })
}

/// Checks a kernel against its definition at operands of some shapes, in every layout.
pub(crate) fn check_fused<K: Kernel<f64>>(
    kernel: impl Fn() -> K,
    operands: &[(&[usize], Draw)],
    rng: &mut Rng,
) -> Outcome {
    in_every_layout(operands.len(), &mut |layouts| {
        let operand = |(&(shape, draw), layout): (&(&[usize], Draw), &Layout)| {
            let base = Array::from_fn(layout.base(shape.into()), |i| draw(i, rng));
            layout.view(&Tensor::constant(base), shape.into()).array().clone()
        };
        let inputs: Vec<Array<f64>> = operands.iter().zip(layouts).map(operand).collect();
        check_kernel(&kernel, &inputs, rng)
    })
}

/// Runs a check for each of several cases and gives the worst accuracy.
pub(crate) fn each<T>(cases: impl IntoIterator<Item = T>, check: &mut dyn FnMut(T) -> Outcome) -> Outcome {
    cases.into_iter().try_fold(Accuracy::default(), |worst, case| Ok(worst.worse(check(case)?)))
}

/// Shapes for whatever works on any shape: no axes, axes of size 0 and 1, uneven ones.
pub(crate) const SHAPES: [&[usize]; 7] = [&[], &[1], &[0], &[5], &[2, 0, 3], &[1, 4], &[2, 1, 3]];
