//! An operation written outside of the engine is held to what the engine's own are: no gradient is lost in silence.

use rungs_tensor::{Array, Op, Operands, Shape, ShapeError, Tensor, Vjp};

/// y = 2x, with a rule that says nothing.
#[derive(Debug)]
struct Twice;

impl Op<f32> for Twice {
    fn name(&self) -> &'static str {
        "twice"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0])
    }
    fn forward(&self, x: Operands<'_, f32>) -> Array<f32> {
        let [x] = x.arrays();
        Array::from_vec(x.to_vec().into_iter().map(|x| 2.0 * x).collect(), x.shape())
    }
    fn backward(&self, _: &mut Vjp<'_, f32>) {}
}

#[test]
#[should_panic(expected = "twice: backward tells no gradient by operand 0")]
fn an_empty_rule_is_refused_with_the_name_of_its_operation() {
    let x = Tensor::variable(Array::scalar(1.0));
    Tensor::apply(Twice, &[&x]).backward();
}
