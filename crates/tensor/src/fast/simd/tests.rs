//! Every vector level against every other, bit for bit, and single against double precision.
//!
//! Gradient checks run in double precision and on whatever this machine has, so they say nothing about the vector code
//! that trains. Here the same battery runs at every level that the machine has.

use super::{Level, level};
use crate::{Array, AttentionOptions, CrossEntropy, Element, Graph, Ids, Rng, Tensor, WeightDropout, vjp};
use std::cell::Cell;

const LEVELS: &[Level] = &[
    #[cfg(target_arch = "x86_64")]
    Level::Avx512,
    #[cfg(target_arch = "x86_64")]
    Level::Avx2,
    Level::Portable,
];

thread_local! {
    static CHOSEN: Cell<Option<Level>> = const { Cell::new(None) };
}

/// The level at which this thread runs, if a test chose one.
pub(super) fn chosen() -> Option<Level> {
    CHOSEN.get()
}

/// Runs `task` at every level that this machine has, the widest first: each time on threads of its own, so that no
/// other test sees the level change.
pub(crate) fn at_every_level<R: Send>(task: impl Fn() -> R + Sync) -> Vec<(Level, R)> {
    let widest = LEVELS.iter().position(|&l| l == level()).expect("one of them");
    let results = LEVELS[widest..].iter().map(|&level| {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(2).start_handler(move |_| CHOSEN.set(Some(level)));
        (level, threads.build().expect("threads").install(&task))
    });
    results.collect()
}

/// Results by name; numbers in double precision, which holds those in single precision exactly.
type Results = Vec<(String, Vec<f64>)>;

/// Numbers that functions find hard: ends of the line, subnormal, near the limits of the exponential; then a grid.
fn hard() -> Vec<f32> {
    let mut numbers =
        vec![0.0, f32::MIN_POSITIVE, 1e-40, 1e-20, 0.5, 0.625, 1.0, 4.0, 9.0, 88.0, 88.72, 89.0, 103.0, 1e4, 1e38];
    numbers.extend([f32::MAX, f32::INFINITY, f32::NAN]);
    numbers.extend((0..4001).map(|i| i as f32 * 0.0025));
    let negative: Vec<f32> = numbers.iter().map(|x| -x).collect();
    numbers.extend(negative);
    numbers
}

type Pointwise<E> = (&'static str, fn(&Tensor<E>) -> Tensor<E>);

fn functions<E: Element>() -> [Pointwise<E>; 16] {
    [
        ("exp", Tensor::exp),
        ("ln", Tensor::ln),
        ("sqrt", Tensor::sqrt),
        ("tanh", Tensor::tanh),
        ("sigmoid", Tensor::sigmoid),
        ("relu", Tensor::relu),
        ("abs", Tensor::abs),
        ("erf", Tensor::erf),
        ("gelu", Tensor::gelu),
        ("gelu_tanh", Tensor::gelu_tanh),
        ("powf", |x| x.powf(1.5)),
        ("powi", |x| x.powi(3)),
        ("reciprocal", |x| x.powi(-1)),
        ("clamp", |x| x.clamp(-1.5, 2.5)),
        ("affine", |x| x.affine(1.25, -0.5)),
        ("square", Tensor::square),
    ]
}

/// The value of a function and the gradients by its operands, along a fixed direction.
fn note<E: Element>(results: &mut Results, name: &str, operands: &[&Tensor<E>], y: &Tensor<E>) {
    let v = Tensor::constant(Array::normal(y.shape(), 0.0, 1.0, &mut Rng::new(7)));
    let double = |x: &Tensor<E>| x.to_vec().into_iter().map(E::to_f64).collect::<Vec<f64>>();
    results.push((name.to_string(), double(y)));
    for (i, gradient) in vjp(y, &v, operands, Graph::Drop).iter().enumerate() {
        results.push((format!("{name}, gradient {i}"), double(gradient)));
    }
}

fn elementwise<E: Element>() -> Results {
    let mut results = Results::new();
    let numbers: Vec<E> = hard().into_iter().map(|x| E::from_f64(x.into())).collect();
    let x = Tensor::variable(Array::from_vec(numbers.clone(), numbers.len()));
    for (name, f) in functions::<E>() {
        note(&mut results, name, &[&x], &f(&x));
    }
    let y = Tensor::variable(Array::from_vec(numbers.into_iter().rev().collect(), x.size()));
    for (name, z) in [("add", &x + &y), ("subtract", &x - &y), ("multiply", &x * &y), ("divide", &x / &y)] {
        note(&mut results, name, &[&x, &y], &z);
    }
    note(&mut results, "maximum", &[&x, &y], &x.maximum(&y));
    note(&mut results, "minimum", &[&x, &y], &x.minimum(&y));
    results
}

fn reductions_and_kernels<E: Element>() -> Results {
    let mut results = Results::new();
    let mut rng = Rng::new(1);
    // What single precision can hold, so that both precisions start from the same numbers.
    let mut normal =
        |dims: &[usize]| Tensor::<E>::variable(Array::from_fn(dims, |_| E::from_f64(f64::from(rng.normal() as f32))));
    for [rows, width] in [[1, 1], [3, 15], [2, 16], [7, 37], [2, 5000], [300, 5]] {
        let (x, gain, bias) = (normal(&[rows, width]), normal(&[width]), normal(&[width]));
        let mut note = |name: &str, operands: &[&Tensor<E>], y: &Tensor<E>| {
            note(&mut results, &format!("{name} of {rows}×{width}"), operands, y);
        };
        note("sum", &[&x], &x.sum());
        note("sum of rows", &[&x], &x.sum_over([1]));
        note("sum of columns", &[&x], &x.sum_over([0]));
        note("max", &[&x], &x.max_over([1]));
        note("max of columns", &[&x], &x.max_over([0]));
        note("logsumexp", &[&x], &x.logsumexp_over([1]));
        note("softmax", &[&x], &x.softmax());
        note("log_softmax", &[&x], &x.log_softmax());
        note("layer_norm", &[&x, &gain, &bias], &x.layer_norm(&gain, Some(&bias), 0.1));
        let targets = Ids::new((0..rows).map(|i| (i * 7 % width) as u32).collect::<Vec<_>>(), rows);
        let settings = CrossEntropy { smoothing: 0.1, ..CrossEntropy::default() };
        note("cross_entropy", &[&x], &x.cross_entropy(&targets, settings));
        // Gradients that are added up in place, whole and by slices.
        note("several uses", &[&x], &(&x * &gain + x.tanh() * x.slice(0, 0..1) + &x));
    }
    results
}

/// Kernels made of sums of products, which have a fused multiply-add where the processor has one: other bits elsewhere.
fn products<E: Element>() -> Results {
    let mut results = Results::new();
    let mut rng = Rng::new(2);
    let mut normal =
        |dims: [usize; 4]| Tensor::<E>::variable(Array::from_fn(dims, |_| E::from_f64(f64::from(rng.normal() as f32))));
    let dropout = Some(WeightDropout { probability: 0.2, seed: 3 });
    for ([t, s, n, m, k], causal) in
        [([1, 1, 1, 1, 1], true), ([70, 130, 4, 2, 16], true), ([65, 64, 3, 1, 33], false), ([5, 200, 2, 2, 40], true)]
    {
        let (q, keys, values) = (normal([2, t, n, k]), normal([2, s, m, k]), normal([2, s, m, 7]));
        for dropout in [None, dropout] {
            let y = q.attention(&keys, &values, AttentionOptions { causal, dropout, ..AttentionOptions::default() });
            note(&mut results, &format!("attention of {t} to {s}, {dropout:?}"), &[&q, &keys, &values], &y);
        }
    }
    results
}

/// Equal bits; one NaN is as good as another.
fn assert_same_bits(results: &[(Level, Results)]) {
    let (widest, expected) = &results[0];
    for (level, found) in &results[1..] {
        for ((name, found), (_, expected)) in found.iter().zip(expected) {
            for (i, (a, b)) in found.iter().zip(expected).enumerate() {
                let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                assert!(same, "{name}, element {i}: {a:e} at {level:?}, {b:e} at {widest:?}");
            }
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    assert_same_bits(&at_every_level(elementwise::<f32>));
    assert_same_bits(&at_every_level(elementwise::<f64>));
    assert_same_bits(&at_every_level(reductions_and_kernels::<f32>));
    assert_same_bits(&at_every_level(reductions_and_kernels::<f64>));
}

/// Single within `tolerance` of double precision, relative to numbers of about 1 or larger.
fn assert_close(single: &Results, double: &Results, tolerance: f64) {
    for ((name, single), (_, double)) in single.iter().zip(double) {
        assert_eq!(single.len(), double.len());
        for (i, (&s, &d)) in single.iter().zip(double).enumerate() {
            // What single precision cannot hold overflows there, and what follows from it may be NaN.
            let beyond = d.abs() > f64::from(f32::MAX) || !d.is_finite() || !s.is_finite();
            let close = (s - d).abs() <= tolerance * (1.0 + d.abs());
            assert!(close || beyond, "{name}, element {i}: {s:e}, in double precision {d:e}");
        }
    }
}

#[test]
fn single_precision_is_close_to_double_at_every_level() {
    let (elements, rows) = (elementwise::<f64>(), reductions_and_kernels::<f64>());
    for (_, single) in at_every_level(elementwise::<f32>) {
        assert_close(&single, &elements, 2e-6);
    }
    for (_, single) in at_every_level(reductions_and_kernels::<f32>) {
        assert_close(&single, &rows, 1e-5);
    }
    let levels = at_every_level(products::<f64>);
    for (_, single) in at_every_level(products::<f32>) {
        levels.iter().for_each(|(_, double)| assert_close(&single, double, 1e-5));
    }
}

#[test]
fn nothing_overflows_on_the_way_to_a_moderate_result() {
    let (single, double, operand) = (elementwise::<f32>(), elementwise::<f64>(), hard());
    for ((name, single), (_, double)) in single.iter().zip(&double) {
        for ((s, d), x) in single.iter().zip(double).zip(&operand) {
            // Powers of operands beyond these do not fit.
            if x.abs() < 1e9 && (1e-30..1e30).contains(&d.abs()) {
                assert!(s.is_finite(), "{name} of {x}: {s}, in double precision {d}");
            }
        }
    }
}
