//! The fused kernels against loops written from their equations.

use super::nd::Nd;
use super::operand::{any_number, of_shape, operand, shape};
use super::{check, config};
use crate::{CrossEntropy, Ids, Reduction, Rng, Tensor};
use proptest::prelude::*;

/// A function of whole rows along the last axis.
fn by_row(x: &Nd, f: impl Fn(&[f64]) -> Vec<f64>) -> Nd {
    let width = *x.shape.last().expect("rows");
    Nd { shape: x.shape.clone(), data: x.data.chunks(width.max(1)).flat_map(f).collect() }
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let sum: f64 = row.iter().map(|x| x.exp()).sum();
    row.iter().map(|x| x.exp() / sum).collect()
}

fn cross_entropy(x: &Nd, targets: &[u32], settings: CrossEntropy) -> f64 {
    let width = *x.shape.last().expect("rows");
    let (mut sum, mut count) = (0.0, 0.0);
    for (row, &target) in x.data.chunks(width).zip(targets).filter(|(_, target)| settings.ignore != Some(**target)) {
        for (j, p) in softmax(row).into_iter().enumerate() {
            let certain = if j == target as usize { 1.0 - settings.smoothing } else { 0.0 };
            sum -= (certain + settings.smoothing / width as f64) * p.ln();
        }
        count += 1.0;
    }
    if settings.reduction == Reduction::Mean { sum / count } else { sum }
}

/// Operands with something along their last axis.
fn rows() -> impl Strategy<Value = super::operand::Operand> {
    operand(1..=5, any_number).prop_filter("a row has elements", |x| x.shape().last() != Some(&0))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn softmax_of_rows(x in rows(), seed: u64) {
        check("softmax", &[x], |x| x[0].softmax(), |x| by_row(&x[0], softmax), seed)?;
    }

    #[test]
    fn log_softmax_of_rows(x in rows(), seed: u64) {
        let reference = |x: &[Nd]| by_row(&x[0], |row| softmax(row).into_iter().map(f64::ln).collect());
        check("log_softmax", &[x], |x| x[0].log_softmax(), reference, seed)?;
    }

    #[test]
    fn layer_norm_of_rows(
        [x, gain, bias] in shape(1..=4).prop_flat_map(|dims| {
            let width = vec![*dims.last().expect("one axis at least")];
            let parameter = || of_shape(width.clone(), any_number);
            (of_shape(dims.clone(), any_number), parameter(), parameter()).prop_map(|(x, gain, bias)| [x, gain, bias])
        }),
        seed: u64,
    ) {
        prop_assume!(x.shape().last() != Some(&0));
        // Large, so that no row is so even that its variance decides everything: central differences need that.
        let epsilon = 0.2;
        let normalised = |x: &Nd| {
            by_row(x, |row| {
                let n = row.len() as f64;
                let mean = row.iter().sum::<f64>() / n;
                let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                row.iter().map(|x| (x - mean) / (variance + epsilon).sqrt()).collect()
            })
        };
        let scaled = |x: &[Nd]| Nd::zip(&normalised(&x[0]), &x[1], |n, g| n * g);
        let plain = [x.clone(), gain.clone()];
        check("layer_norm without bias", &plain, |x| x[0].layer_norm(&x[1], None, epsilon), scaled, seed)?;
        let op = |x: &[Tensor<f64>]| x[0].layer_norm(&x[1], Some(&x[2]), epsilon);
        check("layer_norm", &[x, gain, bias], op, |x| Nd::zip(&scaled(x), &x[2], |y, b| y + b), seed)?;
    }

    #[test]
    fn cross_entropy_of_logits(
        x in rows(),
        ignore in prop::option::of(prop_oneof![Just(0u32), Just(1), Just(1000)]),
        smoothing in prop_oneof![Just(0.0), 0.01..0.99],
        mean: bool,
        seed: u64,
    ) {
        let (&vocabulary, places) = x.shape().split_last().expect("one axis at least");
        let (count, places) = (places.iter().product::<usize>(), places.to_vec());
        let mut rng = Rng::new(seed);
        let mut target = || match ignore {
            Some(padding) if rng.below(3) == 0 => padding,
            _ => rng.below(vocabulary) as u32,
        };
        let targets: Vec<u32> = (0..count).map(|_| target()).collect();
        let reduction = if mean { Reduction::Mean } else { Reduction::Sum };
        prop_assume!(!mean || targets.iter().any(|&target| Some(target) != ignore)); // a mean over nothing: in `laws`
        let settings = CrossEntropy { ignore, smoothing, reduction };
        let ids = Ids::new(targets.clone(), &places);
        let reference = |x: &[Nd]| Nd { shape: vec![], data: vec![cross_entropy(&x[0], &targets, settings)] };
        check("cross_entropy", &[x], |x| x[0].cross_entropy(&ids, settings), reference, seed)?;
    }
}
