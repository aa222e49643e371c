//! Sums, means, maxima and log-sum-exp, over any axes.

use super::nd::Nd;
use super::operand::{Draw, any_number, distinct, operand, signed};
use super::{check, config};
use crate::Tensor;
use proptest::prelude::*;

type Reduction = (&'static str, fn(&Tensor<f64>, &[isize]) -> Tensor<f64>, fn(&[f64]) -> f64, Draw);

fn largest(x: &[f64]) -> f64 {
    x.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

const REDUCTIONS: [Reduction; 4] = [
    ("sum_over", |x, axes| x.sum_over(axes), |x| x.iter().sum(), any_number),
    ("mean_over", |x, axes| x.mean_over(axes), |x| x.iter().sum::<f64>() / x.len() as f64, any_number),
    ("max_over", |x, axes| x.max_over(axes), largest, distinct),
    ("logsumexp_over", |x, axes| x.logsumexp_over(axes), |x| x.iter().map(|x| x.exp()).sum::<f64>().ln(), any_number),
];

type Whole = (&'static str, fn(&Tensor<f64>) -> Tensor<f64>, fn(&[f64]) -> f64, Draw);

const WHOLE: [Whole; 3] = [
    ("sum", Tensor::sum, |x| x.iter().sum(), any_number),
    ("mean", Tensor::mean, |x| x.iter().sum::<f64>() / x.len() as f64, any_number),
    ("max", Tensor::max, largest, distinct),
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn over_some_axes(
        (case, x) in (0..REDUCTIONS.len()).prop_flat_map(|i| (Just(REDUCTIONS[i]), operand(0..=5, REDUCTIONS[i].3))),
        chosen: u8,
        negative: u8,
        backwards: bool,
        seed: u64,
    ) {
        let (name, op, f, _) = case;
        let rank = x.shape().len();
        let marked: Vec<usize> = (0..rank).filter(|axis| chosen >> axis & 1 == 1).collect();
        // Only the sum of nothing is a number; the others are tested in `laws`.
        prop_assume!(name == "sum_over" || marked.iter().all(|&axis| x.shape()[axis] > 0));
        let mut axes: Vec<isize> = marked.iter().map(|&axis| signed(axis, rank, negative >> axis & 1 == 1)).collect();
        if backwards {
            axes.reverse();
        }
        check(name, &[x], |x| op(&x[0], &axes), |x| x[0].reduce(&marked, f), seed)?;
    }

    #[test]
    fn over_everything(
        (case, x) in (0..WHOLE.len()).prop_flat_map(|i| (Just(WHOLE[i]), operand(0..=5, WHOLE[i].3))),
        seed: u64,
    ) {
        let (name, op, f, _) = case;
        prop_assume!(name == "sum" || x.shape().iter().all(|&dim| dim > 0));
        check(name, &[x], |x| op(&x[0]), |x| Nd { shape: vec![], data: vec![f(&x[0].data)] }, seed)?;
    }
}
