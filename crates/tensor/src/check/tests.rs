//! A check that has never rejected anything is not yet a check: rules that are wrong in small ways, each of which must
//! be found.

use crate::{Array, Op, Operands, Rng, Shape, ShapeError, Tensor, Vjp, check_gradients};

/// The gradients by A and B, from A, B and the gradient by the result.
type Backward = fn(&Tensor<f64>, &Tensor<f64>, &Tensor<f64>) -> [Tensor<f64>; 2];

/// A mistake and a rule that makes it.
type Wrong = (&'static str, Backward);

/// y = (A·B)∘(A·B) for square matrices, with a gradient rule of choice.
#[derive(Debug)]
struct Rule {
    name: &'static str,
    backward: Backward,
}

impl Op<f64> for Rule {
    fn name(&self) -> &'static str {
        self.name
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, f64>) -> Array<f64> {
        let [a, b] = x.arrays().map(|x| Tensor::constant(x.clone()));
        a.matmul(&b).square().array().clone()
    }
    fn backward(&self, at: &mut Vjp<'_, f64>) {
        let [a, b] = at.operands();
        let rule = self.backward;
        at.wrt(0, |dy| rule(&a, &b, dy)[0].clone());
        at.wrt(1, |dy| rule(&a, &b, dy)[1].clone());
    }
}

/// dA = 2(A·B ∘ dY)·Bᵀ, dB = Aᵀ·2(A·B ∘ dY).
fn right(a: &Tensor<f64>, b: &Tensor<f64>, dy: &Tensor<f64>) -> [Tensor<f64>; 2] {
    let h = a.matmul(b) * dy * 2.0;
    [h.matmul(&b.t()), a.t().matmul(&h)]
}

fn outcome(name: &'static str, backward: Backward, seed: u64) -> Result<(), &'static str> {
    let mut rng = Rng::new(seed);
    let inputs = [0; 2].map(|_| Array::normal([4, 4], 0.0, 1.0, &mut rng));
    let f = |x: &[Tensor<f64>]| Tensor::apply(Rule { name, backward }, &[&x[0], &x[1]]);
    check_gradients(name, f, &inputs, &mut rng).map(drop).map_err(|mismatch| mismatch.what)
}

#[test]
fn the_right_rule_passes() {
    (0..20).for_each(|seed| assert_eq!(outcome("right", right, seed), Ok(())));
}

#[test]
fn wrong_rules_are_found_at_first_order() {
    let wrong: [Wrong; 8] = [
        ("a missing factor", |a, b, dy| right(a, b, &(dy * 0.5))),
        ("a factor that is nearly right", |a, b, dy| right(a, b, &(dy * (1.0 + 1e-4)))),
        ("a flipped sign", |a, b, dy| {
            let [da, db] = right(a, b, dy);
            [da, -db]
        }),
        ("a transposed operand", |a, b, dy| {
            let h = a.matmul(b) * dy * 2.0;
            [h.matmul(b), a.t().matmul(&h)]
        }),
        ("exchanged operands", |a, b, dy| {
            let [da, db] = right(a, b, dy);
            [db, da]
        }),
        ("no incoming gradient", |a, b, dy| right(a, b, &(dy * 0.0 + 1.0))),
        ("zeros", |a, b, dy| right(a, b, &(dy * 0.0))),
        ("one element of sixteen", |a, b, dy| {
            let [da, db] = right(a, b, dy);
            let one = Tensor::constant(Array::from_fn([4, 4], |i| if i == 6 { 1.1 } else { 1.0 }));
            [da * one, db]
        }),
    ];
    for (name, rule) in wrong {
        for seed in 0..20 {
            assert_eq!(outcome(name, rule, seed), Err("the first derivative"), "{name}, seed {seed}");
        }
    }
}

#[test]
fn rules_that_lose_the_second_order_are_found() {
    let wrong: [Wrong; 3] = [
        ("an operand cut off", |a, b, dy| right(&a.detached(), b, dy)),
        ("both operands cut off", |a, b, dy| right(&a.detached(), &b.detached(), dy)),
        ("a product computed outside of the graph", |a, b, dy| {
            let h = a.matmul(b).detached() * dy * 2.0;
            [h.matmul(&b.t()), a.t().matmul(&h)]
        }),
    ];
    for (name, rule) in wrong {
        for seed in 0..20 {
            assert_eq!(outcome(name, rule, seed), Err("the second derivative"), "{name}, seed {seed}");
        }
    }
}

#[test]
fn a_gradient_cut_off_by_accident_is_found() {
    let mut rng = Rng::new(0);
    let x = Array::normal(5, 0.0, 1.0, &mut rng);
    let half_lost = |x: &[Tensor<f64>]| x[0].tanh() * x[0].detached();
    assert!(check_gradients("half lost", half_lost, std::slice::from_ref(&x), &mut rng).is_err());
    // Not an error when it is not asked for.
    let product = |x: &[Tensor<f64>]| x[0].tanh() * x[1].detached();
    let inputs = [x.clone(), x];
    let frozen = Tensor::constant(inputs[1].clone());
    let by_first = |x: &[Tensor<f64>]| product(&[x[0].clone(), frozen.clone()]);
    assert!(check_gradients("frozen", by_first, &inputs[..1], &mut rng).is_ok());
    assert!(check_gradients("not frozen", product, &inputs, &mut rng).is_err());
}

#[test]
fn functions_whose_derivative_is_small_or_zero_pass() {
    let mut rng = Rng::new(1);
    // x = (√x)², linear but not written so; constant rows; an output without elements; nothing to differentiate by.
    for _ in 0..20 {
        let x = Array::uniform([3, 4], 1.0, 2.0, &mut rng);
        check_gradients("identity", |x| x[0].sqrt().square(), std::slice::from_ref(&x), &mut rng).unwrap();
        check_gradients("constant", |x| x[0].softmax().sum_over([-1]), std::slice::from_ref(&x), &mut rng).unwrap();
        check_gradients("empty", |x| x[0].slice(0, 1..1), std::slice::from_ref(&x), &mut rng).unwrap();
        check_gradients("untracked", |_| Tensor::constant(x.clone()).exp(), &[], &mut rng).unwrap();
    }
}

#[test]
fn nan_never_passes() {
    let mut rng = Rng::new(2);
    let x = Array::uniform(4, -2.0, -1.0, &mut rng);
    assert!(check_gradients("ln of negative numbers", |x| x[0].ln(), &[x], &mut rng).is_err());
}

#[test]
fn a_mismatch_says_what_where_and_how_far() {
    let mut rng = Rng::new(3);
    let x = Array::normal(3, 0.0, 1.0, &mut rng);
    let mismatch = check_gradients("my op", |x| x[0].tanh() * x[0].detached(), &[x], &mut rng).unwrap_err();
    let text = mismatch.to_string();
    assert!(text.starts_with("my op: the first derivative is ") && text.contains(", expected "), "{text}");
    assert!(mismatch.error > 1e-3 && mismatch.found.is_finite() && mismatch.expected.is_finite());
}
