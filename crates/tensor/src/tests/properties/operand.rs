//! Operands: what their elements are drawn from, and the views through which they are seen.

use super::nd::Nd;
use crate::{Array, Rng, Tensor};
use proptest::prelude::*;

/// Where element number `i` of an operand is drawn from.
pub(crate) type Draw = fn(usize, &mut Rng) -> f64;

/// Any number.
pub(crate) fn any_number(_: usize, rng: &mut Rng) -> f64 {
    rng.normal()
}

/// Where logarithms, roots and real powers are defined, far enough from 0 for central differences.
pub(crate) fn positive(_: usize, rng: &mut Rng) -> f64 {
    0.75 + 1.25 * rng.uniform()
}

/// Of either sign, not near 0.
pub(crate) fn nonzero(i: usize, rng: &mut Rng) -> f64 {
    if rng.below(2) == 0 { positive(i, rng) } else { -positive(i, rng) }
}

/// Near a multiple of ½: never near what [`between`] draws.
pub(crate) fn near_halves(_: usize, rng: &mut Rng) -> f64 {
    0.5 * (rng.below(9) as f64 - 4.0) + 0.1 * (rng.uniform() - 0.5)
}

/// Near the middle of two neighbouring multiples of ½.
pub(crate) fn between(i: usize, rng: &mut Rng) -> f64 {
    near_halves(i, rng) + 0.25
}

/// Not near any other of the first 1009 draws, in an order that is neither rising nor falling.
pub(crate) fn distinct(i: usize, rng: &mut Rng) -> f64 {
    0.5 * (377 * i % 1009) as f64 + 0.1 * rng.uniform()
}

/// One step of making a view; each is an operation that copies nothing.
#[derive(Clone, Debug)]
enum Step {
    Permute(Vec<usize>),
    Slice { axis: usize, start: usize, length: usize },
    Expand(Vec<usize>),
}

/// An operand: a row-major array seen through steps, applied first to last.
#[derive(Clone)]
pub(crate) struct Operand {
    base: Vec<usize>,
    steps: Vec<Step>,
    shape: Vec<usize>,
    draw: Draw,
}

impl std::fmt::Debug for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} seen through {:?} as {:?}", self.base, self.steps, self.shape)
    }
}

impl Operand {
    /// An operand of this shape, for random numbers that choose its steps from the last to the first.
    fn new(shape: &[usize], choices: &[(u8, usize, usize, usize)], draw: Draw) -> Self {
        let (mut base, mut steps) = (shape.to_vec(), Vec::new());
        for &(kind, a, b, c) in choices {
            let rank = base.len();
            let axis = a.checked_rem(rank);
            match (kind % 5, axis) {
                (0, Some(axis)) => {
                    // The base axes rotated, and two of them exchanged: reaches every order within a few steps.
                    let mut axes: Vec<usize> = (0..rank).map(|i| (i + b) % rank).collect();
                    axes.swap(axis, c % rank);
                    let mut before = vec![0; rank];
                    axes.iter().enumerate().for_each(|(to, &from)| before[from] = base[to]);
                    base = before;
                    steps.push(Step::Permute(axes));
                }
                (1, _) => {
                    // All axes backwards: an array that was built column by column.
                    base.reverse();
                    steps.push(Step::Permute((0..rank).rev().collect()));
                }
                (2, Some(axis)) => {
                    let (start, after) = (b % 3, c % 3);
                    steps.push(Step::Slice { axis, start, length: base[axis] });
                    base[axis] += start + after;
                }
                (3, Some(axis)) => {
                    steps.push(Step::Expand(base.clone()));
                    base[axis] = 1;
                }
                (4, Some(_)) => {
                    steps.push(Step::Expand(base.clone()));
                    base.remove(0);
                }
                _ => {}
            }
        }
        steps.reverse();
        Self { base, steps, shape: shape.to_vec(), draw }
    }

    /// An operand that lies in memory as it is seen.
    pub(crate) fn contiguous(shape: &[usize], draw: Draw) -> Self {
        Self::new(shape, &[], draw)
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The array behind the view, with random elements.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Array<f64> {
        Array::from_fn(&self.base, |i| (self.draw)(i, rng))
    }

    /// What the operation sees.
    pub(crate) fn view(&self, base: &Tensor<f64>) -> Tensor<f64> {
        self.steps.iter().fold(base.clone(), |x, step| match step {
            Step::Permute(axes) => x.permute(axes),
            Step::Slice { axis, start, length } => x.slice(*axis as isize, *start..start + length),
            Step::Expand(shape) => x.expand(shape),
        })
    }

    /// The same, index by index.
    pub(crate) fn reference(&self, base: &Array<f64>) -> Nd {
        let base = Nd { shape: self.base.clone(), data: base.to_vec() };
        self.steps.iter().fold(base, |x, step| match step {
            Step::Permute(axes) => {
                let shape: Vec<usize> = axes.iter().map(|&axis| x.shape[axis]).collect();
                Nd::from_fn(&shape, |index| {
                    let mut from = vec![0; index.len()];
                    axes.iter().zip(index).for_each(|(&axis, &i)| from[axis] = i);
                    x.at(&from)
                })
            }
            Step::Slice { axis, start, length } => {
                let mut shape = x.shape.clone();
                shape[*axis] = *length;
                Nd::from_fn(&shape, |index| {
                    let mut from = index.to_vec();
                    from[*axis] += start;
                    x.at(&from)
                })
            }
            Step::Expand(shape) => x.expand(shape),
        })
    }
}

/// One axis: mostly small and uneven, sometimes 1 or 0.
fn dim() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0usize), 4 => Just(1), 5 => Just(2), 4 => Just(3), 2 => Just(5)]
}

/// Shapes of `ranks` axes; one axis in a while is longer than the lanes that sums are taken in.
pub(crate) fn shape(ranks: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    let long = (any::<prop::sample::Index>(), 17usize..40);
    (prop::collection::vec(dim(), ranks), prop::option::weighted(0.1, long)).prop_map(|(mut shape, long)| {
        if let Some((axis, length)) = long.filter(|_| !shape.is_empty()) {
            let axis = axis.index(shape.len());
            shape[axis] = length;
        }
        // Large products only make the checks slow; the axes at the front give way.
        while let Some(axis) = shape.iter().position(|&dim| dim > 1).filter(|_| shape.iter().product::<usize>() > 96) {
            shape[axis] = 1;
        }
        shape
    })
}

/// The operand of a shape, in any layout.
pub(crate) fn of_shape(shape: Vec<usize>, draw: Draw) -> impl Strategy<Value = Operand> {
    let choice = (0u8..5, 0usize..6, 0usize..6, 0usize..6);
    prop::collection::vec(choice, 0..4).prop_map(move |choices| Operand::new(&shape, &choices, draw))
}

/// Operands of any shape in any layout.
pub(crate) fn operand(ranks: std::ops::RangeInclusive<usize>, draw: Draw) -> impl Strategy<Value = Operand> {
    shape(ranks).prop_flat_map(move |shape| of_shape(shape, draw))
}

/// Two operands whose shapes broadcast: each lacks some leading axes of a common shape and has size 1 along others.
pub(crate) fn broadcast_pair(draws: [Draw; 2]) -> impl Strategy<Value = [Operand; 2]> {
    let cut = || (0usize..6, any::<u8>(), any::<bool>());
    (shape(0..=5), cut(), cut()).prop_flat_map(move |(common, a, b)| {
        let part = |(missing, ones, whole): (usize, u8, bool)| -> Vec<usize> {
            let missing = if whole { 0 } else { missing % (common.len() + 1) };
            let kept = common.iter().enumerate().skip(missing);
            kept.map(|(axis, &dim)| if !whole && ones >> axis & 1 == 1 { 1 } else { dim }).collect()
        };
        (of_shape(part(a), draws[0]), of_shape(part(b), draws[1])).prop_map(|(a, b)| [a, b])
    })
}

/// An axis of an operand, as a method takes it: from the front or, negative, from the end.
pub(crate) fn signed(axis: usize, rank: usize, negative: bool) -> isize {
    if negative { axis as isize - rank as isize } else { axis as isize }
}
