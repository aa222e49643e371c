//! An operation of one's own: everything that the engine's operations can do, from outside of the crate.
//!
//! The discounted sum of a sequence, yₜ = xₜ + γ·yₜ₋₁, runs along the last axis. Its gradient is the same recurrence
//! the other way round, hₜ = dyₜ + γ·hₜ₊₁, so the rule is the operation itself with the direction reversed, and
//! gradients of gradients need nothing further.
//!
//! `cargo run -p rungs-tensor --example own_op`

#![allow(clippy::print_stdout)] // a program, not a library

use rungs_tensor::{Array, Element, Op, Operands, Rng, Shape, ShapeError, Tensor, Vjp, check_gradients};

/// yₜ = xₜ + γ·yₜ₋₁ along the last axis, or yₜ = xₜ + γ·yₜ₊₁ if `reversed`.
#[derive(Debug)]
struct DiscountedSum {
    discount: f64,
    reversed: bool,
}

impl<E: Element> Op<E> for DiscountedSum {
    fn name(&self) -> &'static str {
        "discounted_sum"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        if x[0].rank() == 0 { Err(ShapeError::new("discounted_sum: a scalar has no last axis")) } else { Ok(x[0]) }
    }

    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let [x] = x.arrays();
        let (shape, discount) = (x.shape(), E::from_f64(self.discount));
        let mut y = x.to_vec();
        for row in y.chunks_mut(shape.last().max(1)) {
            let mut total = E::ZERO;
            let mut add = |y: &mut E| {
                total = *y + discount * total;
                *y = total;
            };
            if self.reversed { row.iter_mut().rev().for_each(&mut add) } else { row.iter_mut().for_each(&mut add) }
        }
        Array::from_vec(y, shape)
    }

    fn backward(&self, at: &mut Vjp<'_, E>) {
        at.wrt(0, |dy| discounted_sum(dy, self.discount, !self.reversed));
    }
}

fn discounted_sum<E: Element>(x: &Tensor<E>, discount: f64, reversed: bool) -> Tensor<E> {
    Tensor::apply(DiscountedSum { discount, reversed }, &[x])
}

fn main() {
    let rewards = Tensor::constant(Array::from_vec(vec![1.0f64, 0.0, 0.0, 2.0], [1, 4]));
    println!("rewards {:?}", rewards.to_vec());
    println!("returns {:?}", discounted_sum(&rewards, 0.5, true).to_vec());

    let mut rng = Rng::new(0);
    let x = Array::normal([3, 5], 0.0, 1.0, &mut rng);
    // The operation is linear; the square gives it a second derivative.
    let accuracy = check_gradients("discounted_sum", |x| discounted_sum(&x[0], 0.9, false).square(), &[x], &mut rng)
        .expect("the gradient is right");
    println!("largest relative error: first order {:.1e}, second order {:.1e}", accuracy.first, accuracy.second);
}
