//! Zeros of either sign, infinities, subnormal and huge numbers, rows of equal numbers: values and slopes in single
//! precision are those in double precision, rounded, and what is known exactly comes out exactly.

use super::row;
use crate::{Array, CrossEntropy, Element, Graph, Ids, Mask, Reduction, Rng, Tensor, grad};
use proptest::prelude::*;

type T = Tensor<f64>;
type Smooth = fn(&T) -> T;

/// The same function in both precisions, by name; and how far single precision may be from double, in absolute terms,
/// where terms of the size of 1 cancel.
macro_rules! functions {
    ($($name:literal: $f:expr, $tolerance:expr;)*) => {
        [$(($name, $f as fn(&Tensor<f32>) -> Tensor<f32>, $f as fn(&Tensor<f64>) -> Tensor<f64>, $tolerance)),*]
    };
}

/// Numbers at which functions go wrong; all are numbers of single precision.
const SPECIAL: [f64; 22] = [
    0.0,
    1e-45, // subnormal
    f32::MIN_POSITIVE as f64,
    1.000_000_003_171_076_9e-30,
    1e-3_f32 as f64,
    0.25,
    0.5,
    1.0,
    1.5,
    3.0,
    5.0,
    8.0,
    15.0,
    40.0,
    88.0,
    104.0,
    1000.0,
    1e4,
    1e13_f32 as f64,
    1e20_f32 as f64,
    f32::MAX as f64,
    f64::INFINITY,
];

fn special() -> Vec<f64> {
    SPECIAL.iter().flat_map(|&x| [x, -x]).map(|x| f64::from(x as f32)).chain([f64::NAN]).collect()
}

fn variable<E: Element>(x: &[f64], shape: &[usize]) -> Tensor<E> {
    Tensor::variable(Array::from_vec(x.iter().map(|&x| E::from_f64(x)).collect(), shape))
}

/// The values of a function of `x`, then its slopes by two ways: by numbers, and by tensors that keep the graph.
fn values_and_slopes<E: Element>(f: impl Fn(&Tensor<E>) -> Tensor<E>, x: &Tensor<E>) -> [Vec<f64>; 3] {
    let y = f(x);
    let slopes = [Graph::Drop, Graph::Keep].map(|graph| grad(&y.sum(), [x], graph)[0].to_vec());
    let [drop, keep] = slopes;
    [y.to_vec(), drop, keep].map(|numbers| numbers.into_iter().map(E::to_f64).collect())
}

/// Whether a single-precision number is the double-precision one, rounded: to within some units in the last place, and
/// `absolute`.
fn close(single: f64, double: f64, absolute: f64) -> bool {
    let rounded = f64::from(double as f32);
    let subnormal = 4.0 * f64::from(f32::from_bits(1));
    single == rounded
        || (single.is_nan() && rounded.is_nan())
        || (single - rounded).abs() <= 1e-5 * rounded.abs() + subnormal + absolute
}

#[test]
fn every_function_is_the_same_in_both_precisions_at_special_values() {
    let functions = functions! {
        "exp": Tensor::exp, 0.0;
        "ln": Tensor::ln, 0.0;
        "sqrt": Tensor::sqrt, 0.0;
        "tanh": Tensor::tanh, 2e-7;
        "sigmoid": Tensor::sigmoid, 2e-7;
        "relu": Tensor::relu, 0.0;
        "abs": Tensor::abs, 0.0;
        "erf": Tensor::erf, 2e-7;
        "gelu": Tensor::gelu, 1e-6;
        "gelu_tanh": Tensor::gelu_tanh, 0.0;
        "silu": Tensor::silu, 2e-7;
        "softplus": Tensor::softplus, 0.0;
        "square": Tensor::square, 0.0;
        "negative": |x| -x, 0.0;
        "x / 13": |x| x / 13.0, 0.0;
        "13 / x": |x| 13.0 / x, 0.0;
        "3 - 2x": |x| 3.0 - x * 2.0, 0.0;
        "x^0": |x| x.powf(0.0), 0.0;
        "x^1": |x| x.powf(1.0), 0.0;
        "x^2": |x| x.powf(2.0), 0.0;
        "x^2.5": |x| x.powf(2.5), 0.0;
        "x^-1": |x| x.powf(-1.0), 0.0;
        "x^(0)": |x| x.powi(0), 0.0;
        "x^(3)": |x| x.powi(3), 0.0;
        "x^(-2)": |x| x.powi(-2), 1e-38; // 1/x², where x² may overflow
        "clamp": |x| x.clamp(-0.5, 5.0), 0.0;
        "maximum": |x| x.maximum(&x.affine(0.0, 1.0)), 0.0;
        "minimum": |x| x.minimum(&x.affine(0.0, 1.0)), 0.0;
        "atan2": |x| x.atan2(&x.affine(0.0, 1.0)), 2e-7;
        "sum": |x| x.unsqueeze(-1).sum_over([-1]), 0.0;
        "mean": |x| x.unsqueeze(-1).mean_over([-1]), 0.0;
        "max": |x| x.unsqueeze(-1).max_over([-1]), 0.0;
        "logsumexp": |x| x.unsqueeze(-1).logsumexp_over([-1]), 0.0;
        "softmax": |x| x.unsqueeze(-1).softmax(), 2e-7;
        "log_softmax": |x| x.unsqueeze(-1).log_softmax(), 2e-7;
        "layer_norm": |x| x.unsqueeze(-1).layer_norm(&one(), None, 1e-5), 0.0;
    };
    let points = special();
    for (name, single, double, tolerance) in functions {
        let [single, double] = [
            values_and_slopes(single, &variable(&points, &[points.len()])),
            values_and_slopes(double, &variable(&points, &[points.len()])),
        ];
        for (what, (single, double)) in
            ["value", "slope", "slope with the graph"].iter().zip(single.iter().zip(&double))
        {
            for ((&x, &single), &double) in points.iter().zip(single).zip(double) {
                assert!(close(single, double, tolerance), "{name}({x:e}): {what} {single:e} in f32, {double:e} in f64");
            }
        }
    }
}

fn one<E: Element>() -> Tensor<E> {
    Tensor::constant(Array::full(1, E::ONE))
}

#[test]
fn smooth_units_have_their_limits_far_out() {
    let far = [1e20, f64::INFINITY];
    let units: [(&str, Smooth); 4] = [
        ("gelu", Tensor::gelu),
        ("gelu_tanh", Tensor::gelu_tanh),
        ("silu", Tensor::silu),
        ("softplus", Tensor::softplus),
    ];
    for (name, f) in units {
        let right = values_and_slopes(f, &row(&far));
        assert_eq!(right, [far.to_vec(), vec![1.0; 2], vec![1.0; 2]], "{name}");
        let left = values_and_slopes(f, &row(&far.map(|x| -x)));
        assert_eq!(left, [vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]], "{name}");
    }
}

#[test]
fn gelu_tanh_keeps_its_digits_below_zero() {
    for x in [-1.0, -2.0, -3.0, -4.0, -5.0] {
        let y = f64::from(Tensor::constant(Array::from_vec(vec![x as f32], 1)).gelu_tanh().item());
        // ½(1 + tanh u) = 1/(1 + e^−2u), where nothing cancels.
        let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
        let exact = x / (1.0 + (-2.0 * u).exp());
        assert!((y / exact - 1.0).abs() < 2e-6, "{x}: {y:e}, not {exact:e}");
    }
}

#[test]
fn whole_powers_have_all_their_derivatives_at_zero() {
    for (p, expected) in
        [(0, [1.0, 0.0, 0.0, 0.0]), (1, [0.0, 1.0, 0.0, 0.0]), (2, [0.0, 0.0, 2.0, 0.0]), (3, [0.0, 0.0, 0.0, 6.0])]
    {
        let powers: [&dyn Fn(&T) -> T; 2] = [&|x| x.powf(f64::from(p)), &|x| x.powi(p)];
        for power in powers {
            let x = row(&[0.0]);
            let mut y = power(&x);
            for (order, expected) in expected.into_iter().enumerate() {
                assert_eq!(y.to_vec(), [expected], "derivative {order} of x^{p}");
                [y] = grad(&y.sum(), [&x], Graph::Keep);
            }
        }
    }
}

#[test]
fn the_sum_of_ten_million_equal_numbers_does_not_drift() {
    let count = 10_000_000;
    for x in [0.1_f32, 1.0 / 3.0, 123.456] {
        let exact = f64::from(x) * f64::from(count);
        let x = Tensor::constant(Array::full([count as usize], x));
        let columns = x.reshape([count as usize / 2, 2]).sum_over([0]).to_vec();
        for (sum, exact) in [(x.sum().item(), exact), (columns[0], exact / 2.0), (columns[1], exact / 2.0)] {
            assert!((f64::from(sum) / exact - 1.0).abs() < 5e-6, "{sum} for {exact}");
        }
    }
}

#[test]
fn logits_of_minus_infinity_cost_nothing_where_no_target_is() {
    let x = variable::<f64>(&[1.0, f64::NEG_INFINITY, -0.5, f64::NEG_INFINITY, 0.0, 2.0], &[2, 3]);
    let ids = Ids::new(vec![0, 2], 2);
    let finite = x.masked_fill(&x.eq_mask(&Tensor::scalar(f64::NEG_INFINITY)), -1e4);
    let losses: [&dyn Fn(&T) -> T; 2] = [&|x| x.cross_entropy(&ids, CrossEntropy::default()), &|x| {
        x.soft_cross_entropy(&Tensor::constant(ids.one_hot(3)), 0.0, Reduction::Mean)
    }];
    for loss in losses {
        let (found, expected) = (loss(&x), loss(&finite));
        assert_eq!(found.item(), expected.item());
        let [first] = grad(&found, [&x], Graph::Keep);
        assert_eq!(first.to_vec(), grad(&found, [&x], Graph::Drop)[0].to_vec());
        let weights = row(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).reshape([2, 3]).detached();
        let [second] = grad(&(first * weights).sum(), [&x], Graph::Drop);
        assert!(second.array().is_finite(), "{second:?}");
    }
}

fn bits<E: Element>(x: &[E]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// A finite number of single precision, of any magnitude.
fn number() -> impl Strategy<Value = f32> {
    prop_oneof![
        any::<f32>().prop_filter("finite", |x| x.is_finite()),
        (-1000.0..1000.0_f32),
        (-100..100_i16).prop_map(f32::from)
    ]
}

proptest! {
    #[test]
    fn arithmetic_with_a_number_is_rounded_once(x in number(), c in number()) {
        let (c, t) = (f64::from(c), Tensor::constant(Array::from_vec(vec![x], 1)));
        let (wide, w) = (f64::from(x), Tensor::constant(Array::from_vec(vec![f64::from(x)], 1)));
        let single = c as f32;
        for (found, expected) in [
            (&t / c, x / single), (c / &t, single / x), (&t * c, x * single), (&t + c, x + single),
            (&t - c, x - single), (c - &t, single - x), (-&t, -x),
        ] {
            if !expected.is_nan() {
                prop_assert_eq!(bits(&found.to_vec()), bits(&[expected]), "{} and {}", x, c);
            }
        }
        for (found, expected) in [(&w / c, wide / c), (c / &w, c / wide), (&w * c, wide * c), (-&w, -wide)] {
            if !expected.is_nan() {
                prop_assert_eq!(bits(&found.to_vec()), bits(&[expected]), "{} and {}", x, c);
            }
        }
    }

    #[test]
    fn equal_numbers_have_that_mean_and_no_deviation(
        x in -1e30..1e30_f32, width in 1..900_usize, small in any::<bool>(),
    ) {
        let x = if small { x / 1e27 } else { x };
        let t = Tensor::variable(Array::full([2, width], x));
        prop_assert_eq!(t.mean().item(), x);
        prop_assert_eq!(t.mean_over([1]).to_vec(), vec![x; 2]);
        let mut rng = Rng::new(width as u64);
        let [gain, bias] = [0, 1].map(|_| Tensor::constant(Array::<f32>::normal(width, 0.0, 1.0, &mut rng)));
        let y = t.layer_norm(&gain, Some(&bias), 1e-5);
        prop_assert_eq!(y.to_vec(), [bias.to_vec(), bias.to_vec()].concat());
        let slope = y.square().sum().backward().wrt(&t).expect("reached").to_vec();
        prop_assert!(slope.iter().all(|x| x.is_finite()));
        let p = t.softmax().to_vec();
        prop_assert!(p.iter().all(|p| (p * width as f32 - 1.0).abs() < 1e-6));
    }

    #[test]
    fn rows_of_any_offset_are_normalized_alike_in_both_precisions(
        offset in -1e6..1e6_f64,
        spread in prop_oneof![Just(0.0), 1e-4..1.0_f64],
        width in 1..40_usize,
        seed in 0..1000_u64,
    ) {
        let noise = Array::<f64>::normal([3, width], 0.0, 1.0, &mut Rng::new(seed));
        // Numbers of single precision, so that both see the same row.
        let x: Vec<f64> = noise.to_vec().into_iter().map(|z| f64::from((offset * (1.0 + spread * z)) as f32)).collect();
        let single = variable::<f32>(&x, &[3, width]);
        let double = variable::<f64>(&x, &[3, width]);
        let y = single.layer_norm(&ones(width), None, 1e-5).to_vec().into_iter().map(f64::from);
        let exact = double.layer_norm(&ones(width), None, 1e-5).to_vec();
        let definition = {
            let centred = &double - double.mean_over([-1]);
            let variance = centred.square().mean_over([-1]);
            (centred / (variance + 1e-5).sqrt()).to_vec()
        };
        for ((y, exact), definition) in y.zip(exact).zip(definition) {
            prop_assert!((exact - definition).abs() < 1e-6, "{} by the kernel, {} by definition", exact, definition);
            prop_assert!((y - exact).abs() < 1e-2 * (1.0 + exact.abs()), "{} in f32, {} in f64", y, exact);
        }
    }

    #[test]
    fn ruled_out_and_huge_logits_are_alike_in_both_precisions(
        x in prop::collection::vec(
            prop_oneof![
                -10.0..10.0_f32, Just(f32::NEG_INFINITY), Just(1e30), Just(-1e30), Just(0.0), Just(-0.0), Just(88.0)
            ],
            1..20,
        ),
        target in any::<prop::sample::Index>(), masked in any::<u32>(),
    ) {
        let width = x.len();
        let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let target = Ids::new(vec![target.index(width) as u32], 1);
        let mask = Mask::from_fn([1, width], |i| masked >> (i % 32) & 1 == 1);
        let check = |single: [Vec<f64>; 3], double: [Vec<f64>; 3]| {
            for (a, b) in single.into_iter().flatten().zip(double.into_iter().flatten()) {
                prop_assert!(close(a, b, 1e-5) || (a - b).abs() < 1e-5, "{} in f32, {} in f64", a, b);
            }
            Ok(())
        };
        let (s, d) = (variable::<f32>(&wide, &[1, width]), variable::<f64>(&wide, &[1, width]));
        check(values_and_slopes(Tensor::softmax, &s), values_and_slopes(Tensor::softmax, &d))?;
        check(values_and_slopes(Tensor::log_softmax, &s), values_and_slopes(Tensor::log_softmax, &d))?;
        check(
            values_and_slopes(|x| x.logsumexp_over([-1]), &s),
            values_and_slopes(|x| x.logsumexp_over([-1]), &d),
        )?;
        let settings = CrossEntropy::default();
        check(
            values_and_slopes(|x| x.cross_entropy(&target, settings), &s),
            values_and_slopes(|x| x.cross_entropy(&target, settings), &d),
        )?;
        check(
            values_and_slopes(|x| x.masked_fill(&mask, f64::NEG_INFINITY).softmax(), &s),
            values_and_slopes(|x| x.masked_fill(&mask, f64::NEG_INFINITY).softmax(), &d),
        )?;
    }
}

fn ones<E: Element>(width: usize) -> Tensor<E> {
    Tensor::constant(Array::full(width, E::ONE))
}
