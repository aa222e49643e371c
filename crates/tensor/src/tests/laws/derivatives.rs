//! Laws of derivatives.

use super::{FUNCTIONS, constant, operands, row, variable};
use crate::{Array, Graph, Mask, NoGradient, Rng, Tensor, grad, hvp, jvp, vjp};

/// Rounding in double precision, for sums of a few dozen terms.
const ROUNDING: f64 = 1e-11;

/// ⟨a, b⟩ over several pairs.
fn inner(a: &[Tensor<f64>], b: &[Tensor<f64>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).sum().item()).sum()
}

#[test]
fn y_plus_y_has_exactly_twice_the_gradient() {
    let mut rng = Rng::new(0);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        let once = grad(&f(&x, &w).sum(), [&x, &w], Graph::Drop);
        let y = f(&x, &w).sum();
        let twice = grad(&(&y + &y), [&x, &w], Graph::Drop);
        for (once, twice) in once.iter().zip(&twice) {
            assert_eq!(&(once * 2.0), twice, "{name}: doubling is exact in binary arithmetic");
        }
    }
}

#[test]
fn the_two_products_with_a_jacobian_agree() {
    let mut rng = Rng::new(1);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        let y = f(&x, &w);
        let v = constant(y.shape(), &mut rng);
        let u = [constant(x.shape(), &mut rng), constant(w.shape(), &mut rng)];
        let pulled = vjp(&y, &v, &[&x, &w], Graph::Drop);
        let pushed = jvp(&y, &[&x, &w], &[&u[0], &u[1]]);
        let (forwards, backwards) = (inner(&[v], &[pushed]), inner(&pulled, &u));
        assert!((forwards - backwards).abs() <= ROUNDING * (1.0 + backwards.abs()), "{name}: {forwards}, {backwards}");
    }
}

#[test]
fn the_product_with_a_jacobian_is_a_directional_derivative() {
    let mut rng = Rng::new(2);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        let u = [constant(x.shape(), &mut rng), constant(w.shape(), &mut rng)];
        let moved = |h: f64| f(&(&x + &u[0] * h), &(&w + &u[1] * h)).detached();
        let h = 1e-4;
        let expected = (moved(h) - moved(-h)) / (2.0 * h);
        let found = jvp(&f(&x, &w), &[&x, &w], &[&u[0], &u[1]]);
        assert!(found.allclose(&expected, 5e-7, 5e-7), "{name}: {found:?}, expected {expected:?}");
    }
}

#[test]
fn the_hessian_is_symmetric() {
    let mut rng = Rng::new(3);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        let y = f(&x, &w).square().sum();
        let mut direction = || [constant(x.shape(), &mut rng), constant(w.shape(), &mut rng)];
        let (a, b) = (direction(), direction());
        let [ha, hb] = [&a, &b].map(|v| hvp(&y, &[&x, &w], &[&v[0], &v[1]]));
        let (ab, ba) = (inner(&a, &hb), inner(&b, &ha));
        assert!((ab - ba).abs() <= ROUNDING * (1.0 + ab.abs()), "{name}: {ab}, {ba}");
        assert!(ab != 0.0, "{name}: the second derivative is lost");
    }
}

#[test]
fn derivatives_of_any_order() {
    let x = Tensor::variable(Array::scalar(0.7f64));
    // dⁿ/dxⁿ of x⁵ and of e²ˣ.
    let (mut power, mut exponential) = (x.powi(5), (&x * 2.0).exp());
    let mut factor = 1.0;
    for order in 1..=4 {
        [power] = grad(&power, [&x], Graph::Keep);
        [exponential] = grad(&exponential, [&x], Graph::Keep);
        factor *= f64::from(6 - order);
        assert!(power.allclose(&Tensor::scalar(factor * 0.7f64.powi(5 - order)), 1e-14, 0.0));
        assert!(exponential.allclose(&Tensor::scalar(2f64.powi(order) * 1.4f64.exp()), 1e-14, 0.0));
    }
    // A kernel's definition takes over from the first derivative on: the third of softmax is the derivative of its
    // second.
    let mut rng = Rng::new(4);
    let z: Tensor<f64> = variable(4, &mut rng);
    let v: [Tensor<f64>; 3] = std::array::from_fn(|_| constant(4, &mut rng));
    let second = |z: &Tensor<f64>| {
        let [first] = grad(&(z.softmax() * &v[0]).sum(), [z], Graph::Keep);
        let [second] = grad(&(first * &v[1]).sum(), [z], Graph::Keep);
        (second * &v[2]).sum()
    };
    let [third] = grad(&second(&z), [&z], Graph::Drop);
    let (h, u) = (1e-4, constant(4, &mut rng));
    let moved = |h: f64| second(&(&z + &u * h).as_variable()).item();
    let expected = (moved(h) - moved(-h)) / (2.0 * h);
    assert!((third * u).sum().allclose(&Tensor::scalar(expected), 1e-6, 0.0));
}

#[test]
fn results_do_not_depend_on_whether_the_graph_is_kept() {
    let mut rng = Rng::new(5);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        let y = f(&x, &w).sum();
        let [kept, dropped] = [Graph::Keep, Graph::Drop].map(|graph| grad(&y, [&x, &w], graph));
        for (kept, dropped) in kept.iter().zip(&dropped) {
            assert!(kept.allclose(dropped, ROUNDING / 2.0, ROUNDING / 2.0), "{name}: {kept:?} and {dropped:?}");
            assert!(!dropped.is_tracked(), "{name}");
        }
    }
}

#[test]
fn mixed_second_derivatives_by_an_intermediate_result_and_a_variable_below_it_are_symmetric() {
    let mut rng = Rng::new(9);
    let x: Tensor<f64> = variable([3, 4], &mut rng);
    // By the intermediate result h alone, the gain lies below all targets: it is needed by the second derivative only.
    let (h, gain): (_, Tensor<f64>) = (x.square(), variable(4, &mut rng));
    let [a, b] = [constant([3, 4], &mut rng), constant(4, &mut rng)];
    let weights = constant([3, 4], &mut rng);
    let y = (h.layer_norm(&gain, None, 0.1).square() * weights).sum();
    let [by_h] = grad(&y, [&h], Graph::Keep);
    let [by_gain] = grad(&y, [&gain], Graph::Keep);
    let [one] = grad(&(by_h * &a).sum(), [&gain], Graph::Drop);
    let [other] = grad(&(by_gain * &b).sum(), [&h], Graph::Drop);
    let (one, other) = (inner(&[one], &[b]), inner(&[other], &[a]));
    assert!((one - other).abs() <= ROUNDING * (1.0 + one.abs()), "{one}, {other}");
    assert!(one.abs() > 1e-3, "the second derivative is lost: {one}");
}

#[test]
fn gradients_of_intermediate_results_obey_the_chain_rule() {
    let mut rng = Rng::new(6);
    let [x, w] = operands(&mut rng);
    let hidden = x.matmul(&w);
    let loss = hidden.tanh().square().sum();
    let [by_hidden, by_x, by_loss] = grad(&loss, [&hidden, &x, &loss], Graph::Drop);
    assert!(by_x.allclose(&by_hidden.matmul(&w.t().detached()), 5e-15, 5e-15));
    assert_eq!(by_loss.item(), 1.0);
    let [one, other] = grad(&loss, [&x, &x], Graph::Drop);
    assert_eq!(one, other, "a target may be named twice");
}

#[test]
fn what_was_not_reached_is_told_apart_from_what_is_frozen() {
    let mut rng = Rng::new(7);
    let [x, w] = operands(&mut rng);
    let (lost, frozen) = (variable::<f64>([2, 2], &mut rng), constant::<f64>([3, 4], &mut rng));
    let [dlost, dfrozen, dx] = grad(&(&x * &frozen).sum(), [&lost, &frozen, &x], Graph::Drop);
    assert_eq!((dlost.to_vec(), dfrozen.to_vec()), (vec![0.0; 4], vec![0.0; 12]), "grad: zeros, of the right shape");
    assert_eq!(dx, frozen);
    let mut gradients = ((&x * &frozen).matmul(&w)).sum().backward();
    assert_eq!(gradients.wrt(&lost).unwrap_err(), NoGradient::Unreached);
    assert_eq!(gradients.wrt(&frozen).unwrap_err(), NoGradient::Constant);
    assert_eq!(gradients.wrt(&x.detached()).unwrap_err(), NoGradient::Constant);
    assert!(gradients.wrt(&w).is_ok() && gradients.take(&w).is_ok());
    assert_eq!(gradients.take(&w).unwrap_err(), NoGradient::Unreached, "taken before");
    assert_eq!(gradients.wrt(&(&x * 2.0)).unwrap_err(), NoGradient::Intermediate);
    let reasons = [NoGradient::Unreached, NoGradient::Constant, NoGradient::Intermediate];
    let messages = reasons.map(|reason| reason.to_string());
    let expected = [
        "the loss does not depend on the tensor",
        "the tensor is a constant, so no gradient flows into it",
        "the tensor is an intermediate result, whose gradient is not kept; grad gives it",
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_path_of_zero_slope_is_still_a_path() {
    // Zero, not missing: the variable took part.
    let x = row(&[-1.0, -2.0]);
    assert_eq!(x.relu().sum().backward().wrt(&x).unwrap().to_vec(), [0.0, 0.0]);
    let nothing = Mask::from_fn(2, |_| false);
    let chosen = Tensor::choose(&nothing, &x, &Tensor::scalar(1.0)).sum();
    assert_eq!(chosen.backward().wrt(&x).unwrap().to_vec(), [0.0, 0.0]);
    assert_eq!((&x * 0.0).sum().backward().wrt(&x).unwrap().to_vec(), [0.0, 0.0]);
}

#[test]
fn nothing_is_recorded_without_a_variable() {
    let mut rng = Rng::new(8);
    for (name, f) in FUNCTIONS {
        let [x, w] = operands(&mut rng);
        assert!(f(&x, &w.detached()).is_tracked() && f(&x.detached(), &w).is_tracked(), "{name}");
        assert!(!f(&x.detached(), &w.detached()).is_tracked(), "{name}");
    }
}
