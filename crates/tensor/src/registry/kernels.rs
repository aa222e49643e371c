//! The checks of fused kernels, each against its definition.

use super::entry::{Entry, Kind};
use super::operands::{Drawn, any, check_fused, check_op, each, positive};
use crate::check::Outcome;
use crate::fused::attention::{AttentionKernel, AttentionOptions, WeightDropout};
use crate::fused::cross_entropy::{CrossEntropy, CrossEntropyLoss, Reduction};
use crate::fused::normalization::Normalization;
use crate::fused::rotate::Rotate;
use crate::fused::softmax::{LogSoftmax, Softmax};
use crate::{Ids, Rng, Tensor};
use std::sync::Arc;

/// Rows of any number and length, one longer than the lanes that a row is summed in.
const ROWS: [&[usize]; 6] = [&[1], &[4], &[0, 3], &[3, 1], &[2, 3, 5], &[2, 19]];

pub(super) fn entries() -> Vec<Entry> {
    let kernel = |covers, run| Entry { covers, kind: Kind::Kernel, run };
    vec![
        kernel("Softmax", |rng| each(ROWS, &mut |shape| check_fused(|| Softmax, &[(shape, any)], rng))),
        kernel("LogSoftmax", |rng| each(ROWS, &mut |shape| check_fused(|| LogSoftmax, &[(shape, any)], rng))),
        kernel("Normalization", normalization),
        kernel("Rotate", rotate),
        kernel("CrossEntropyLoss", cross_entropy),
        kernel("AttentionKernel", attention),
    ]
}

fn normalization(rng: &mut Rng) -> Outcome {
    each(ROWS, &mut |shape| {
        // Large enough that a row of equal elements, whose variance is 0, does not make every derivative enormous.
        let kernel = |centred| move || Normalization { centred, epsilon: 0.1 };
        let width = &shape[shape.len() - 1..];
        let operands: [Drawn<'_>; 3] = [(shape, any), (width, any), (width, any)];
        each([(true, 2), (true, 3), (false, 2)], &mut |(centred, count)| {
            check_fused(kernel(centred), &operands[..count], rng)
        })
    })
}

fn rotate(rng: &mut Rng) -> Outcome {
    each([[2, 3, 2, 4], [1, 1, 3, 2], [1, 0, 2, 2]], &mut |shape| {
        let angles: Vec<f64> = (0..shape[1] * shape[3] / 2).map(|_| 6.0 * rng.uniform()).collect();
        let [cosines, sines] =
            [f64::cos, f64::sin].map(|f| angles.iter().map(|&angle| f(angle)).collect::<Arc<[f64]>>());
        check_fused(|| Rotate { cosines: cosines.clone(), sines: sines.clone() }, &[(&shape, any)], rng)
    })
}

fn cross_entropy(rng: &mut Rng) -> Outcome {
    let soft = soft_cross_entropy(rng)?;
    let settings = [0.0, 0.1].into_iter().flat_map(|smoothing| {
        [None, Some(1), Some(99)].into_iter().flat_map(move |ignore| {
            [Reduction::Mean, Reduction::Sum].map(|reduction| CrossEntropy { ignore, smoothing, reduction })
        })
    });
    each(settings, &mut |settings| {
        each([&[4][..], &[1, 2], &[2, 3, 5], &[5, 19]], &mut |shape| {
            let (&vocabulary, leading) = shape.split_last().expect("logits have a last axis");
            let count: usize = leading.iter().product();
            // The first target counts, so that the mean is over something; the last one of several is padding.
            let target = |i: usize| match settings.ignore {
                Some(padding) if i > 0 && i + 1 == count => padding,
                _ => 2 * rng.below(vocabulary.div_ceil(2)) as u32,
            };
            let targets = Ids::new((0..count).map(target).collect::<Vec<_>>(), leading);
            check_fused(|| CrossEntropyLoss { targets: targets.clone(), settings }, &[(shape, any)], rng)
        })
    })
    .map(|ids| ids.worse(soft))
}

/// Cross-entropy against probabilities is a composition: what is checked is the second order, through both operands.
fn soft_cross_entropy(rng: &mut Rng) -> Outcome {
    let settings = [(0.0, Reduction::Mean), (0.1, Reduction::Mean), (0.3, Reduction::Sum)];
    each(settings, &mut |(smoothing, reduction)| {
        // Not a single row: repeated along its classes, it has a gradient of nothing but rounding.
        each([&[3, 4][..], &[1, 2], &[2, 3, 5]], &mut |shape| {
            let loss = |x: &[Tensor<f64>]| x[0].soft_cross_entropy(&x[1], smoothing, reduction);
            check_op("soft_cross_entropy", &[(shape, any), (shape, positive)], &loss, rng)
        })
    })
}

fn attention(rng: &mut Rng) -> Outcome {
    let plain = AttentionOptions::default;
    let dropout = Some(WeightDropout { probability: 0.3, seed: 7 });
    let cases = [
        plain(),
        AttentionOptions { causal: true, dropout, ..plain() },
        AttentionOptions { keys: Some([1..3, 0..0].into()), scale: Some(0.7), ..plain() },
    ];
    // Some queries fewer than keys, heads in groups, and more of both than a tile has.
    each(cases, &mut |options| {
        each([[2, 2, 3, 4, 2], [2, 1, 66, 2, 1]], &mut |[b, t, s, n, m]| {
            let shapes = [[b, t, n, 2], [b, s, m, 2], [b, s, m, 3]];
            let operands = shapes.each_ref().map(|shape| -> Drawn<'_> { (shape, any) });
            check_fused(|| AttentionKernel(options.clone()), &operands, rng)
        })
    })
}
