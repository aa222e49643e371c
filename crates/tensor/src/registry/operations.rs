//! The checks of operations.

use super::entry::{Entry, Kind};
use super::operands::{Draw, Drawn, any, check_op, distinct, each, in_every_shape, nonzero};
use crate::check::{Outcome, worst};
use crate::ops::gather::SelectAdjoint;
use crate::ops::through::Alias;
use crate::{Ids, Mask, Rng, Tensor};

/// A form that an operation of one operand takes, with the shape that it is for.
type Form = (&'static [usize], fn(&Tensor<f64>) -> Tensor<f64>);

const RESHAPE: &[Form] = &[
    (&[], |x| x.reshape([1, 1])),
    (&[1, 1], |x| x.reshape(())),
    (&[2, 3, 2], |x| x.reshape([4, 3])),
    (&[6], |x| x.reshape([3, 1, 2])),
    (&[0, 4], |x| x.reshape([2, 0])),
];

const PERMUTE: &[Form] = &[
    (&[], |x| x.permute([])),
    (&[3, 4], |x| x.t()),
    (&[2, 1, 3], |x| x.permute([1, 2, 0])),
    (&[2, 0, 3], |x| x.permute([2, 0, 1])),
    (&[2, 3, 1, 2], |x| x.permute([3, 0, 2, 1])),
];

const SLICE: &[Form] = &[
    (&[5], |x| x.slice(0, 1..4)),
    (&[3, 4], |x| x.slice(-1, 2..4)),
    (&[3, 4], |x| x.slice(0, 0..1)),
    (&[3, 2], |x| x.slice(0, 2..2)),
    (&[3, 0], |x| x.slice(0, 1..3)),
    // Overlapping parts of one operand: their gradients add up.
    (&[4, 3], |x| x.slice(0, 0..3) * x.slice(0, 1..4)),
];

const EXPAND: &[Form] = &[
    (&[], |x| x.expand([2, 3])),
    (&[3], |x| x.expand([2, 1, 3])),
    (&[2, 1], |x| x.expand([2, 4])),
    (&[1, 2], |x| x.expand([0, 2])),
    (&[1, 3, 1], |x| x.expand([2, 2, 3, 2])),
];

const PAD: &[Form] = &[
    (&[3], |x| x.pad(0, 1, 2, 0.5)),
    (&[2, 3], |x| x.pad(0, 2, 0, -1.0)),
    (&[2, 0], |x| x.pad(1, 1, 1, 2.0)),
    (&[2, 1, 3], |x| x.pad(-2, 0, 3, 0.0)),
];

const SELECT: &[Form] = &[
    (&[4, 3], |x| x.embedding(&Ids::new([1, 1, 3, 0, 1, 2], [2, 3]))),
    (&[4, 0], |x| x.embedding(&Ids::new([1], [1]))),
    (&[0, 3], |x| x.embedding(&Ids::new([], [2, 0]))),
    (&[2, 5, 3], |x| x.select(1, &Ids::new([4, 0, 4], [3]))),
    (&[2, 5], |x| x.select(-1, &Ids::new([], [0]))),
];

const GATHER: &[Form] = &[
    (&[5], |x| x.gather(0, &Ids::new([4, 4, 0], [3]))),
    (&[3, 4], |x| x.gather(-1, &Ids::new([3, 0, 3, 3, 1, 2], [3, 2]))),
    (&[3, 4], |x| x.gather(0, &Ids::new([2, 2, 0, 1, 2, 0], [2, 3]))),
    (&[2, 3, 2], |x| x.gather(1, &Ids::new([2, 0, 1, 1], [2, 1, 2]))),
    (&[3, 4], |x| x.gather(1, &Ids::new([], [3, 0]))),
];

const MAX: &[Form] = &[(&[], Tensor::max), (&[3, 4], |x| x.max_over([0])), (&[2, 1, 3], Tensor::max)];

/// An operation of one operand, for each of some shapes.
fn unary(name: &str, shapes: &[&[usize]], draw: Draw, op: Unary<'_>, rng: &mut Rng) -> Outcome {
    each(shapes, &mut |shape| check_op(name, &[(shape, draw)], &|x| op(&x[0]), rng))
}

type Unary<'a> = &'a dyn Fn(&Tensor<f64>) -> Tensor<f64>;

/// An operation of one operand in several forms.
fn forms(name: &str, draw: Draw, forms: &[Form], rng: &mut Rng) -> Outcome {
    each(forms, &mut |(shape, op)| unary(name, &[shape], draw, op, rng))
}

pub(super) fn entries() -> Vec<Entry> {
    let op = |covers, run| Entry { covers, kind: Kind::Op, run };
    vec![
        op("Choose", |rng| {
            let mask = |x: &Tensor<f64>| Mask::from_fn(x.shape(), |i| i % 3 == 1);
            in_every_shape("choose", &[any, any], &|x| Tensor::choose(&mask(&x[0]), &x[0], &x[1]), rng)
        }),
        op("Affine", |rng| in_every_shape("affine", &[any], &|x| x[0].affine(-1.5, 0.75), rng)),
        op("Pointwise", |rng| in_every_shape("pointwise", &[any], &|x| x[0].tanh(), rng)),
        op("Fused", fused),
        op("MatMul", matmul),
        op("Sum", |rng| reduction("sum", Tensor::sum_over, rng)),
        op("Mean", |rng| reduction("mean", Tensor::mean_over, rng)),
        op("Max", |rng| {
            // Repeated elements tie for the maximum; they move together, so the slope is 1 however it is shared.
            let shapes: [&[usize]; 4] = [&[5], &[0, 3], &[1, 4], &[2, 3]];
            let last_axis = unary("max", &shapes, distinct, &|x| x.max_over([-1]), rng);
            worst([last_axis, forms("max", distinct, MAX, rng)])
        }),
        op("LogSumExp", |rng| reduction("logsumexp", Tensor::logsumexp_over, rng)),
        op("Alias", |rng| in_every_shape("alias", &[any], &|x| Tensor::apply(Alias {}, &[&x[0]]), rng)),
        op("Reshape", |rng| forms("reshape", any, RESHAPE, rng)),
        op("Permute", |rng| forms("permute", any, PERMUTE, rng)),
        op("Slice", |rng| forms("slice", any, SLICE, rng)),
        op("Expand", |rng| forms("expand", any, EXPAND, rng)),
        op("Pad", |rng| forms("pad", any, PAD, rng)),
        op("Concat", concat),
        op("Select", |rng| forms("select", any, SELECT, rng)),
        op("SelectAdjoint", |rng| {
            let adjoint = |axis, numbers: &[u32], size, x: &Tensor<f64>| {
                Tensor::apply(SelectAdjoint { axis, ids: Ids::new(numbers, numbers.len()), size }, &[x])
            };
            worst([
                unary("select_adjoint", &[&[4, 3], &[4, 0]], any, &|x| adjoint(0, &[1, 1, 3, 0], 5, x), rng),
                unary("select_adjoint", &[&[2, 3], &[1, 3, 2]], any, &|x| adjoint(1, &[0, 2, 0], 3, x), rng),
                unary("select_adjoint", &[&[2, 0]], any, &|x| adjoint(1, &[], 3, x), rng),
            ])
        }),
        op("Gather", |rng| forms("gather", any, GATHER, rng)),
        op("ScatterAdd", scatter_add),
        op("Checkpoint", checkpoint),
    ]
}

/// A function of two operands, each of which it reads twice, as one node.
fn checkpoint(rng: &mut Rng) -> Outcome {
    let function = |x: &[Tensor<f64>]| (&x[0] * x[1].tanh() + &x[1]).sigmoid();
    let checkpoint = |x: &[Tensor<f64>]| {
        Tensor::checkpoint(function(&[x[0].detached(), x[1].detached()]), &[&x[0], &x[1]], function)
    };
    in_every_shape("checkpoint", &[any, any], &checkpoint, rng)
}

/// A reduction over no axis, one, several and all.
fn reduction(name: &str, over: fn(&Tensor<f64>, &'static [isize]) -> Tensor<f64>, rng: &mut Rng) -> Outcome {
    let cases: [(&[usize], &[isize]); 9] = [
        (&[], &[]),
        (&[5], &[0]),
        (&[1], &[-1]),
        (&[3, 4], &[0]),
        (&[3, 4], &[1]),
        (&[3, 4], &[]),
        (&[2, 3, 2], &[0, 2]),
        (&[2, 3, 2], &[-1, 0, 1]),
        (&[0, 3], &[1]),
    ];
    each(cases, &mut |(shape, axes)| unary(name, &[shape], any, &|x| over(x, axes), rng))
}

/// Kernels as nodes of a graph: their second order must run through the definition to every operand.
fn fused(rng: &mut Rng) -> Outcome {
    let softmax = unary("softmax as an operation", &[&[2, 3], &[0, 2], &[4]], any, &Tensor::softmax, rng);
    let operands: [Drawn<'_>; 3] = [(&[2, 4], nonzero), (&[4], any), (&[4], any)];
    let norm = |x: &[Tensor<f64>]| x[0].layer_norm(&x[1], Some(&x[2]), 0.1);
    worst([softmax, check_op("layer_norm as an operation", &operands, &norm, rng)])
}

fn matmul(rng: &mut Rng) -> Outcome {
    let pairs: [(&[usize], &[usize]); 8] = [
        (&[2, 3], &[3, 4]),
        (&[1, 1], &[1, 1]),
        (&[5, 1], &[1, 3]),
        (&[2, 0], &[0, 3]),
        (&[0, 3], &[3, 2]),
        (&[2, 3, 2], &[2, 2, 4]),
        (&[2, 3, 2], &[2, 1]),
        (&[2, 1, 2, 3], &[3, 3, 1]),
    ];
    each(pairs, &mut |(a, b)| check_op("matmul", &[(a, any), (b, any)], &|x| x[0].matmul(&x[1]), rng))
}

fn concat(rng: &mut Rng) -> Outcome {
    let cases: [(isize, [&[usize]; 3]); 4] = [
        (0, [&[2], &[1], &[3]]),
        (0, [&[1, 3], &[0, 3], &[2, 3]]),
        (-1, [&[2, 1], &[2, 3], &[2, 2]]),
        (1, [&[2, 2, 3], &[2, 1, 3], &[2, 1, 3]]),
    ];
    each(cases, &mut |(axis, shapes)| {
        check_op("concat", &shapes.map(|shape| (shape, any as Draw)), &|x| Tensor::concat(x, axis), rng)
    })
}

fn scatter_add(rng: &mut Rng) -> Outcome {
    /// Shape, axis, ids, and the shape of the source.
    type Case = (&'static [usize], isize, &'static [u32], &'static [usize]);
    let cases: [Case; 4] = [
        (&[5], 0, &[4, 4, 0], &[3]),
        (&[3, 4], -1, &[3, 0, 3, 3, 1, 2], &[3, 2]),
        (&[3, 4], 0, &[2, 2, 0, 1, 2, 0], &[2, 3]),
        (&[2, 3], 1, &[], &[2, 0]),
    ];
    each(cases, &mut |(shape, axis, numbers, source)| {
        let places = Ids::new(numbers, source);
        let operands: [Drawn<'_>; 2] = [(shape, any), (source, any)];
        check_op("scatter_add", &operands, &|x| x[0].scatter_add(axis, &places, &x[1]), rng)
    })
}
