//! Arithmetic, functions of one number, the larger and the smaller, choices by a mask.

use super::nd::{Nd, broadcast};
use super::operand::{Draw, Operand, any_number, between, broadcast_pair, near_halves, nonzero, operand, positive};
use super::{check, check_twice, config};
use crate::{Mask, Tensor};
use proptest::prelude::*;
use proptest::test_runner::Config;
use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

type Operation = fn(&Tensor<f64>, &Tensor<f64>) -> Tensor<f64>;

/// An operation of two operands, what it does to numbers, and where its operands are drawn.
type Binary = (&'static str, Operation, fn(f64, f64) -> f64, [Draw; 2]);

const BINARY: [Binary; 6] = [
    ("a + b", |a, b| a + b, |a, b| a + b, [any_number, any_number]),
    ("a - b", |a, b| a - b, |a, b| a - b, [any_number, any_number]),
    ("a * b", |a, b| a * b, |a, b| a * b, [any_number, any_number]),
    ("a / b", |a, b| a / b, |a, b| a / b, [any_number, nonzero]),
    ("maximum", |a, b| a.maximum(b), f64::max, [near_halves, between]),
    ("minimum", |a, b| a.minimum(b), f64::min, [near_halves, between]),
];

fn any_binary() -> impl Strategy<Value = (Binary, [Operand; 2])> {
    (0..BINARY.len()).prop_flat_map(|i| (Just(BINARY[i]), broadcast_pair(BINARY[i].3)))
}

/// The error function by its series of positive terms, e^(−x²)·Σ 2ⁿx²ⁿ⁺¹/(1·3·…·(2n+1)).
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
    }
    FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

fn gelu_tanh(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

type Unary = (&'static str, fn(&Tensor<f64>) -> Tensor<f64>, fn(f64) -> f64, Draw);

const UNARY: [Unary; 30] = [
    ("-x", |x| -x, |x| -x, any_number),
    ("x + 1.5", |x| x + 1.5, |x| x + 1.5, any_number),
    ("x - 1.5", |x| x - 1.5, |x| x - 1.5, any_number),
    ("x * 1.5", |x| x * 1.5, |x| x * 1.5, any_number),
    ("x / 1.5", |x| x / 1.5, |x| x / 1.5, any_number),
    ("1.5 + x", |x| 1.5 + x, |x| 1.5 + x, any_number),
    ("1.5 - x", |x| 1.5 - x, |x| 1.5 - x, any_number),
    ("1.5 * x", |x| 1.5 * x, |x| 1.5 * x, any_number),
    ("1.5 / x", |x| 1.5 / x, |x| 1.5 / x, nonzero),
    ("affine", |x| x.affine(-2.0, 0.75), |x| 0.75 - 2.0 * x, any_number),
    ("exp", Tensor::exp, f64::exp, any_number),
    ("ln", Tensor::ln, f64::ln, positive),
    ("sqrt", Tensor::sqrt, f64::sqrt, positive),
    ("tanh", Tensor::tanh, f64::tanh, any_number),
    ("sigmoid", Tensor::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), any_number),
    ("relu", Tensor::relu, |x| x.max(0.0), nonzero),
    ("abs", Tensor::abs, f64::abs, nonzero),
    ("erf", Tensor::erf, erf, any_number),
    ("gelu", Tensor::gelu, |x| 0.5 * x * (1.0 + erf(x / SQRT_2)), any_number),
    ("gelu_tanh", Tensor::gelu_tanh, gelu_tanh, any_number),
    ("square", Tensor::square, |x| x * x, any_number),
    ("powf(2.5)", |x| x.powf(2.5), |x| x.powf(2.5), positive),
    ("powf(-0.5)", |x| x.powf(-0.5), |x| x.powf(-0.5), positive),
    ("powf(0)", |x| x.powf(0.0), |_| 1.0, positive),
    ("powi(3)", |x| x.powi(3), |x| x * x * x, any_number),
    ("powi(-2)", |x| x.powi(-2), |x| 1.0 / (x * x), nonzero),
    ("powi(1)", |x| x.powi(1), |x| x, any_number),
    ("powi(0)", |x| x.powi(0), |_| 1.0, any_number),
    ("clamp", |x| x.clamp(-0.75, 1.25), |x| x.clamp(-0.75, 1.25), near_halves),
    ("clamp from below", |x| x.clamp(0.25, f64::INFINITY), |x| x.max(0.25), near_halves),
];

fn any_unary() -> impl Strategy<Value = (Unary, Operand)> {
    (0..UNARY.len()).prop_flat_map(|i| (Just(UNARY[i]), operand(0..=5, UNARY[i].3)))
}

/// A mask of any shape that broadcasts to `common`, with its reference as numbers.
fn mask(common: &[usize], keep: usize, bits: u64) -> (Mask, Nd) {
    let shape = &common[common.len() - keep % (common.len() + 1)..];
    let holds = |i: usize| bits >> (i % 61) & 1 == 1;
    let mut count = 0..;
    let numbers = Nd::from_fn(shape, |_| if holds(count.next().unwrap_or(0)) { 1.0 } else { 0.0 });
    (Mask::from_fn(shape, holds), numbers)
}

/// (…) where the mask holds, else (…), broadcast.
fn choose(mask: &Nd, a: &Nd, b: &Nd) -> Nd {
    let shape = broadcast(&mask.shape, &broadcast(&a.shape, &b.shape));
    let (mask, a, b) = (mask.expand(&shape), a.expand(&shape), b.expand(&shape));
    Nd::from_fn(&shape, |i| if mask.at(i) == 1.0 { a.at(i) } else { b.at(i) })
}

proptest! {
    #![proptest_config(Config { cases: 4 * config().cases, ..config() })]

    #[test]
    fn two_operands_that_broadcast(((name, op, f, _), operands) in any_binary(), seed: u64) {
        check(name, &operands, |x| op(&x[0], &x[1]), |x| Nd::zip(&x[0], &x[1], f), seed)?;
    }

    #[test]
    fn one_operand((case, x) in any_unary(), seed: u64) {
        let (name, op, f, _) = case;
        check(name, &[x], |x| op(&x[0]), |x| x[0].map(f), seed)?;
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_same_operand_twice(i in 0..BINARY.len(), x in operand(0..=5, nonzero), seed: u64) {
        let (name, op, f, _) = BINARY[i];
        check_twice(name, &x, op, |a, b| Nd::zip(a, b, f), seed)?;
    }

    #[test]
    fn one_tensor_through_two_views(i in 0..4usize, x in operand(2..=2, nonzero), seed: u64) {
        // x and its first row: the gradients of all uses of one element add up. Arithmetic only: the larger and the
        // smaller of equal elements have tests of their own.
        prop_assume!(x.shape()[0] > 0);
        let (name, op, f, _) = BINARY[i];
        let row = |x: &Nd| Nd::from_fn(&[x.shape[1]], |at| x.at(&[0, at[0]]));
        check(name, &[x], |x| op(&x[0], &x[0].slice(0, 0..1).squeeze(0)), |x| Nd::zip(&x[0], &row(&x[0]), f), seed)?;
    }

    #[test]
    fn choosing_by_a_mask(operands in broadcast_pair([any_number, any_number]), keep: usize, bits: u64, seed: u64) {
        let common = broadcast(operands[0].shape(), operands[1].shape());
        let (mask, holds) = mask(&common, keep, bits);
        check("choose", &operands, |x| Tensor::choose(&mask, &x[0], &x[1]), |x| choose(&holds, &x[0], &x[1]), seed)?;
    }

    #[test]
    fn filling_where_a_mask_holds(x in operand(0..=5, any_number), keep: usize, bits: u64, seed: u64) {
        let (mask, holds) = mask(x.shape(), keep, bits);
        let value = Nd { shape: vec![], data: vec![-1.25] };
        check("masked_fill", &[x], |x| x[0].masked_fill(&mask, -1.25), |x| choose(&holds, &value, &x[0]), seed)?;
    }

    #[test]
    fn comparing_two_that_broadcast(operands in broadcast_pair([near_halves, near_halves]), seed: u64) {
        // Whole multiples of ½, so that some are equal.
        let mut rng = crate::Rng::new(seed);
        let round = |x: f64| (2.0 * x).round() / 2.0;
        let bases = operands.clone().map(|x| {
            let base = x.draw(&mut rng);
            crate::Array::from_vec(base.to_vec().into_iter().map(round).collect(), base.shape())
        });
        let a = operands[0].view(&Tensor::constant(bases[0].clone()));
        let b = operands[1].view(&Tensor::constant(bases[1].clone()));
        let plain = [operands[0].reference(&bases[0]), operands[1].reference(&bases[1])];
        type Comparison = (fn(&Tensor<f64>, &Tensor<f64>) -> Mask, fn(f64, f64) -> bool);
        let comparisons: [Comparison; 5] = [
            (Tensor::gt, |a, b| a > b),
            (Tensor::lt, |a, b| a < b),
            (Tensor::ge, |a, b| a >= b),
            (Tensor::le, |a, b| a <= b),
            (Tensor::eq_mask, |a, b| a == b),
        ];
        for (compare, holds) in comparisons {
            let expected = Nd::zip(&plain[0], &plain[1], |a, b| if holds(a, b) { 1.0 } else { 0.0 });
            let found = compare(&a, &b);
            prop_assert_eq!(found.shape().to_vec(), expected.shape);
            let found: Vec<f64> = found.to_vec().into_iter().map(|holds| if holds { 1.0 } else { 0.0 }).collect();
            prop_assert_eq!(found, expected.data);
        }
        let (larger, smaller) = (a.gt(&b), a.lt(&b));
        prop_assert_eq!(larger.or(&smaller).not().to_vec(), a.eq_mask(&b).to_vec());
        prop_assert!(larger.and(&smaller).to_vec().into_iter().all(|both| !both));
    }
}
