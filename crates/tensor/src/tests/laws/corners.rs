//! Where there is no derivative, or nothing to compute with, there is a definition.

use super::{constant, row, variable};
use crate::{Array, CrossEntropy, Element, Graph, Ids, Mask, Reduction, Rng, Shape, Tensor, grad};

const INF: f64 = f64::INFINITY;

type Unary<E> = fn(&Tensor<E>) -> Tensor<E>;

fn slope(f: impl Fn(&Tensor<f64>) -> Tensor<f64>, at: &[f64]) -> Vec<f64> {
    let x = row(at);
    f(&x).sum().backward().wrt(&x).expect("reached").to_vec()
}

fn empty(shape: [usize; 2]) -> Tensor<f64> {
    Tensor::variable(Array::zeros(shape))
}

#[test]
fn the_log_sum_of_rows_has_the_bits_of_its_parts() {
    fn check<E: Element>() {
        for width in [1, 5, 16, 4096, 4097, 10_000] {
            let x: Tensor<E> = constant([3, width], &mut Rng::new(width as u64)) * 4.0;
            let m = x.max_over([1]);
            let parts = (&x - &m).exp().sum_over([1]).ln() + &m;
            assert_eq!(x.logsumexp_over([1]).to_vec(), parts.to_vec(), "{width}");
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn equal_operands_share_the_gradient() {
    let x = row(&[1.0, -2.0]);
    for y in [x.maximum(&x), x.minimum(&x)] {
        assert_eq!(y, x);
        assert_eq!(y.sum().backward().wrt(&x).unwrap().to_vec(), [1.0, 1.0], "max(x, x) = x has slope 1");
    }
    let (a, b) = (row(&[1.0, 2.0, 3.0]), row(&[1.0, 3.0, 2.0]));
    let larger = a.maximum(&b).sum().backward();
    assert_eq!(larger.wrt(&a).unwrap().to_vec(), [0.5, 0.0, 1.0]);
    assert_eq!(larger.wrt(&b).unwrap().to_vec(), [0.5, 1.0, 0.0]);
    let smaller = a.minimum(&b).sum().backward();
    assert_eq!(smaller.wrt(&a).unwrap().to_vec(), [0.5, 1.0, 0.0]);
    assert_eq!(smaller.wrt(&b).unwrap().to_vec(), [0.5, 0.0, 1.0]);
}

#[test]
fn elements_that_share_the_maximum_share_its_gradient() {
    assert_eq!(slope(Tensor::max, &[2.0, 5.0, 5.0, 1.0]), [0.0, 0.5, 0.5, 0.0]);
    assert_eq!(slope(Tensor::max, &[-INF, -INF]), [0.5, 0.5]);
    let x = Tensor::variable(Array::from_vec(vec![1.0, 1.0, 3.0, 2.0], [2, 2]));
    let weights = Tensor::constant(Array::from_vec(vec![10.0, 100.0], [2, 1]));
    let gradients = (x.max_over([1]) * weights).sum().backward();
    assert_eq!(gradients.wrt(&x).unwrap().to_vec(), [5.0, 5.0, 100.0, 0.0]);
}

#[test]
fn slopes_at_kinks() {
    assert_eq!(slope(Tensor::relu, &[-1.0, -0.0, 0.0, 1.0]), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(slope(Tensor::abs, &[-1.0, -0.0, 0.0, 1.0]), [-1.0, 0.0, 0.0, 1.0]);
    assert_eq!(slope(|x| x.clamp(-1.0, 1.0), &[-2.0, -1.0, 0.0, 1.0, 2.0]), [0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(slope(Tensor::sqrt, &[0.0]), [INF]);
    assert_eq!(slope(|x| x.powi(0), &[0.0, 2.0]), [0.0, 0.0], "x⁰ is 1 everywhere");
    assert_eq!(slope(|x| x.powi(1), &[0.0, 2.0]), [1.0, 1.0]);
    assert_eq!(slope(|x| x.powi(2), &[0.0, 2.0]), [0.0, 4.0]);
}

#[test]
fn a_kink_has_no_second_derivative() {
    let functions: [Unary<f64>; 3] = [Tensor::relu, Tensor::abs, |x| x.clamp(-1.0, 1.0)];
    for f in functions {
        let x = row(&[-2.0, -1.0, 0.0, 1.0, 0.5]);
        let [dx] = grad(&f(&x).sum(), [&x], Graph::Keep);
        let [d2x] = grad(&dx.sum(), [&x], Graph::Drop);
        assert_eq!(d2x.to_vec(), [0.0; 5]);
    }
}

#[test]
fn reductions_over_nothing() {
    let x = empty([2, 0]);
    assert_eq!(x.sum().item(), 0.0);
    assert!(x.mean().item().is_nan());
    assert_eq!(x.sum_over([1]).to_vec(), [0.0, 0.0]);
    assert!(x.mean_over([1]).to_vec().into_iter().all(f64::is_nan));
    assert_eq!(x.logsumexp_over([1]).to_vec(), [-INF, -INF], "ln 0");
    assert_eq!(x.sum_over([0]).shape().to_vec(), [1, 0]);
    for y in [x.sum(), x.mean(), x.sum_over([1]).sum(), x.logsumexp_over([1]).exp().sum(), x.max_over([0]).sum()] {
        let gradient = y.backward();
        assert_eq!(gradient.wrt(&x).unwrap().shape().to_vec(), [2, 0], "a gradient without elements, not none");
    }
}

#[test]
fn products_and_parts_of_nothing() {
    let (a, b) = (empty([2, 0]), empty([0, 3]));
    let y = a.matmul(&b);
    assert_eq!(y.to_vec(), [0.0; 6], "a sum over no terms");
    let gradients = y.square().sum().backward();
    assert_eq!(gradients.wrt(&a).unwrap().shape(), a.shape());
    assert_eq!(gradients.wrt(&b).unwrap().shape(), b.shape());
    let x = row(&[1.0, 2.0]);
    let joined = Tensor::concat(&[x.clone(), x.slice(0, 1..1), x.clone()], 0);
    assert_eq!(joined.to_vec(), [1.0, 2.0, 1.0, 2.0]);
    assert_eq!(joined.sum().backward().wrt(&x).unwrap().to_vec(), [2.0, 2.0]);
    let table: Tensor<f64> = variable([3, 2], &mut Rng::new(0));
    let none = table.embedding(&Ids::new(vec![], [4, 0]));
    assert_eq!(none.shape().to_vec(), [4, 0, 2]);
    assert_eq!(none.sum().backward().wrt(&table).unwrap().to_vec(), [0.0; 6]);
}

#[test]
fn a_fully_masked_row_of_softmax_is_zero_and_passes_no_gradient() {
    let x: Tensor<f64> = variable([2, 3], &mut Rng::new(1));
    let v: Tensor<f64> = constant([2, 3], &mut Rng::new(2));
    let mask = Mask::new([true, true, true, false, true, false], [2, 3]);
    let y = x.masked_fill(&mask, -INF).softmax();
    assert_eq!(y.to_vec()[..3], [0.0; 3]);
    assert_eq!(y.to_vec()[4], 0.0);
    assert!((y.to_vec()[3] + y.to_vec()[5] - 1.0).abs() < 1e-15);
    let loss = (&y * &v).sum();
    for graph in [Graph::Drop, Graph::Keep] {
        let [dx] = grad(&loss, [&x], graph);
        let dx = dx.to_vec();
        assert_eq!((&dx[..3], dx[4]), (&[0.0; 3][..], 0.0));
        assert!(dx[3] != 0.0 && (dx[3] + dx[5]).abs() < 1e-15);
    }
    let [dx] = grad(&loss, [&x], Graph::Keep);
    let [d2x] = grad(&(dx * &v).sum(), [&x], Graph::Drop);
    assert!(d2x.to_vec().into_iter().all(f64::is_finite), "{d2x:?}");
    assert_eq!(d2x.to_vec()[..3], [0.0; 3]);
}

#[test]
fn a_fully_masked_row_of_log_softmax_stays_masked() {
    let x = row(&[-INF, -INF]);
    assert_eq!(x.log_softmax().to_vec(), [-INF, -INF]);
    let partly = row(&[-INF, 3.0, 3.0]).log_softmax().to_vec();
    assert_eq!((partly[0], partly[1]), (-INF, -2f64.ln()));
    assert_eq!(x.logsumexp_over([0]).to_vec(), [-INF]);
    assert_eq!(slope(|x| x.logsumexp_over([0]), &[-INF, -INF]), [0.0, 0.0]);
    assert_eq!(slope(|x| x.logsumexp_over([0]), &[-INF, 1.0]), [0.0, 1.0]);
}

#[test]
fn large_numbers_do_not_overflow() {
    let x = row(&[1e4, 1e4, -1e4]);
    assert_eq!(x.softmax().to_vec(), [0.5, 0.5, 0.0]);
    assert_eq!(x.log_softmax().to_vec(), [-2f64.ln(), -2f64.ln(), -2e4 - 2f64.ln()]);
    assert_eq!(x.logsumexp_over([0]).item(), 1e4 + 2f64.ln());
    let loss = x.cross_entropy(&Ids::new(vec![2], ()), CrossEntropy::default());
    assert_eq!(loss.item(), 2e4 + 2f64.ln());
    assert_eq!(row(&[-1e4, 1e4]).sigmoid().to_vec(), [0.0, 1.0]);
    assert_eq!(row(&[-1e4, 1e4]).tanh().to_vec(), [-1.0, 1.0]);
}

#[test]
fn padding_does_not_count() {
    let settings = CrossEntropy { ignore: Some(9), smoothing: 0.1, reduction: Reduction::Mean };
    let x: Tensor<f64> = variable([3, 4], &mut Rng::new(3));
    let targets = Ids::new(vec![2, 9, 0], 3);
    let loss = x.cross_entropy(&targets, settings);
    let kept = x.select(0, &Ids::new(vec![0, 2], 2));
    let without = kept.cross_entropy(&Ids::new(vec![2, 0], 2), settings);
    assert_eq!(loss.item(), without.item());
    assert_eq!(loss.backward().wrt(&x).unwrap().to_vec()[4..8], [0.0; 4], "no gradient flows into padding");
    // What stands in the padding is irrelevant, bit for bit, NaN too.
    let mut other = x.clone();
    other.update(|x| x[4..8].copy_from_slice(&[f64::NAN, INF, -INF, 1e300]));
    let padded = other.cross_entropy(&targets, settings);
    assert_eq!(padded.item(), without.item());
    for graph in [Graph::Drop, Graph::Keep] {
        let [gradient] = grad(&padded, [&other], graph);
        assert!(gradient.to_vec().into_iter().all(f64::is_finite), "{graph:?}: {gradient:?}");
    }
    // Padding only: a mean over nothing, and a sum of nothing.
    let nothing = Ids::new(vec![9, 9, 9], 3);
    assert!(x.cross_entropy(&nothing, settings).item().is_nan());
    assert_eq!(x.cross_entropy(&nothing, CrossEntropy { reduction: Reduction::Sum, ..settings }).item(), 0.0);
}

#[test]
fn a_class_with_a_target_of_zero_may_be_impossible() {
    let logits = row(&[-INF, 0.0, 1.0]);
    let targets = row(&[0.0, 0.25, 0.75]);
    let loss = logits.soft_cross_entropy(&targets, 0.0, Reduction::Sum);
    let total = (1.0 + 1f64.exp()).ln();
    assert!((loss.item() - (total - 0.75)).abs() < 1e-15, "ln p is −total and 1 − total");
    for graph in [Graph::Drop, Graph::Keep] {
        let [by_logits, by_targets] = grad(&loss, [&logits, &targets], graph);
        assert_eq!(by_logits.to_vec()[0], 0.0, "{graph:?}");
        assert_eq!(by_targets.to_vec()[0], 0.0, "{graph:?}");
        assert!(by_logits.to_vec().into_iter().chain(by_targets.to_vec()).all(f64::is_finite), "{graph:?}");
        let [second] = grad(&by_logits.square().sum(), [&logits], graph);
        assert!(second.to_vec().into_iter().all(f64::is_finite), "{graph:?}: {second:?}");
    }
    // It is the target of zero that makes it so.
    assert_eq!(logits.soft_cross_entropy(&row(&[0.5, 0.5, 0.0]), 0.0, Reduction::Sum).item(), INF);
    assert_eq!(logits.soft_cross_entropy(&targets, 0.1, Reduction::Sum).item(), INF);
    // Ids and their one-hot rows are one target, rows of zeros cost nothing, and a mean over nothing is NaN.
    let x: Tensor<f64> = variable([2, 3, 4], &mut Rng::new(4));
    let ids = Ids::new(vec![0, 3, 1, 1, 2, 0], [2, 3]);
    for (smoothing, reduction) in [(0.0, Reduction::Mean), (0.2, Reduction::Mean), (0.2, Reduction::Sum)] {
        let soft = x.soft_cross_entropy(&Tensor::constant(ids.one_hot(4)), smoothing, reduction).item();
        let hard = x.cross_entropy(&ids, CrossEntropy { ignore: None, smoothing, reduction }).item();
        assert!((soft - hard).abs() < 1e-14, "{soft} and {hard}");
    }
    let zeros = |shape: &[usize]| Tensor::constant(Array::<f64>::zeros(shape));
    assert_eq!(x.soft_cross_entropy(&zeros(&[2, 3, 4]), 0.0, Reduction::Mean).item(), 0.0);
    assert!(zeros(&[0, 4]).soft_cross_entropy(&zeros(&[0, 4]), 0.0, Reduction::Mean).item().is_nan());
    assert_eq!(Ids::new(vec![], [2, 0]).one_hot::<f32>(0).shape(), Shape::from([2, 0, 0]));
}

/// The elementwise functions at a row of 40 numbers, long enough for vector code, with NaN among them.
fn functions_of_nan<E: Element>() {
    let functions: [Unary<E>; 14] = [
        Tensor::exp,
        Tensor::ln,
        Tensor::sqrt,
        Tensor::tanh,
        Tensor::sigmoid,
        Tensor::relu,
        Tensor::abs,
        Tensor::erf,
        Tensor::gelu,
        Tensor::gelu_tanh,
        |x| x.powf(1.5),
        |x| x.powi(2),
        |x| x.clamp(-1.0, 1.0),
        |x| x * 0.0,
    ];
    let is_nan = |i: usize| i % 7 == 3;
    let x = Tensor::<E>::constant(Array::from_fn(40, |i| E::from_f64(if is_nan(i) { f64::NAN } else { 0.5 })));
    for (number, f) in functions.into_iter().enumerate() {
        for (i, y) in f(&x).to_vec().into_iter().enumerate() {
            assert_eq!(y.is_nan(), is_nan(i), "function {number} in {}, element {i}", E::NAME);
        }
    }
}

#[test]
fn nan_is_never_swallowed() {
    functions_of_nan::<f32>();
    functions_of_nan::<f64>();
    let nans = |x: Tensor<f64>| x.to_vec().into_iter().map(f64::is_nan).collect::<Vec<_>>();
    let (nan, one) = (row(&[0.5, f64::NAN, 2.0]), row(&[1.0, 1.0, 1.0]));
    for y in [nan.maximum(&one), one.maximum(&nan), nan.minimum(&one), one.minimum(&nan), &nan + &one, &nan * &one] {
        assert_eq!(nans(y), [false, true, false]);
    }
    for y in [nan.sum(), nan.mean(), nan.max(), nan.logsumexp_over([0])] {
        assert!(y.item().is_nan());
    }
    for y in [nan.softmax(), nan.log_softmax(), nan.layer_norm(&one, None, 1e-5)] {
        assert_eq!(nans(y), [true; 3]);
    }
    assert!(nan.cross_entropy(&Ids::new(vec![0], ()), CrossEntropy::default()).item().is_nan());
    let product = nan.reshape([3, 1]).matmul(&Tensor::scalar(0.0).reshape([1, 1]));
    assert_eq!(nans(product), [false, true, false], "0 · NaN is NaN");
    assert_eq!(nan.eq_mask(&nan).to_vec(), [true, false, true], "NaN differs from itself");
}
