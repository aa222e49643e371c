//! The negative control of the gradient checks: mistakes that they must find.

use super::operands::{any, in_every_shape};
use crate::check::Outcome;
use crate::{Array, Op, Operands, Rng, Shape, ShapeError, Tensor, Vjp};

/// A check of a gradient that is wrong: it must fail, or no other check means anything.
#[derive(Copy, Clone, Debug)]
pub struct Control {
    /// What is wrong.
    pub mistake: &'static str,
    /// Runs the check on random inputs.
    pub run: fn(&mut Rng) -> Outcome,
}

/// A small mistake of each order.
pub fn controls() -> [Control; 2] {
    [
        Control {
            mistake: "a first derivative too large by one part in 10,000",
            run: |rng| check(|x, dy| x * dy * 2.0002, rng),
        },
        Control { mistake: "a second derivative that is lost", run: |rng| check(|x, dy| x.detached() * dy * 2.0, rng) },
    ]
}

/// The gradient by x, from x and the gradient by the result.
type Rule = fn(&Tensor<f64>, &Tensor<f64>) -> Tensor<f64>;

fn check(rule: Rule, rng: &mut Rng) -> Outcome {
    in_every_shape("wrong_square", &[any], &|x| Tensor::apply(WrongSquare(rule), &[&x[0]]), rng)
}

/// y = x², whose gradient rule, which should be dx = 2 x dy, is another.
#[derive(Debug)]
struct WrongSquare(Rule);

impl Op<f64> for WrongSquare {
    fn name(&self) -> &'static str {
        "wrong_square"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, f64>) -> Array<f64> {
        let [x] = x.arrays();
        Tensor::constant(x.clone()).square().array().clone()
    }
    fn backward(&self, at: &mut Vjp<'_, f64>) {
        let [x] = at.operands();
        let rule = self.0;
        at.wrt(0, |dy| rule(&x, dy));
    }
}
