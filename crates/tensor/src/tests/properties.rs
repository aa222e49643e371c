//! Every operation against a naive reference, in value and in first and second derivative, over what examples never
//! vary: ranks 0 to 5, sizes 0 and 1 and uneven ones, how operands lie in memory, which pairs broadcast, which operands
//! are tracked, and the same operand used twice.
//!
//! Runs are repeatable. `PROPTEST_CASES=10000 PROPTEST_RNG_SEED=1 cargo test -p rungs-tensor properties` looks
//! further.

mod along_axes;
mod elementwise;
mod fused_kernels;
mod indexing;
mod nd;
mod operand;
mod products;

mod views;

use crate::{Array, Rng, Tensor, check_gradients};
use nd::Nd;
use operand::Operand;
use proptest::test_runner::{Config, RngSeed, TestCaseError};

type Outcome = Result<(), TestCaseError>;

/// The settings of every property: a fixed seed and number of cases, unless the environment says otherwise.
fn config() -> Config {
    let mut config = Config { failure_persistence: None, max_global_rejects: u32::MAX, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 256;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0);
    }
    config
}

/// Checks an operation at some operands against `reference`: its value, and its derivatives by every subset of them.
///
/// What is differentiated is (y + ½)² + ⅒Σx² of the result y and the operands x. The square's slope depends on the
/// operands even where the operation is linear, so that the second order runs through the operation's own rule. The sum
/// is there because y may not change at all, as the softmax of equal elements does not, and a difference of equal
/// numbers shows nothing but rounding.
fn check(
    name: &str,
    operands: &[Operand],
    op: impl Fn(&[Tensor<f64>]) -> Tensor<f64>,
    reference: impl Fn(&[Nd]) -> Nd,
    seed: u64,
) -> Outcome {
    let mut rng = Rng::new(seed);
    let bases: Vec<Array<f64>> = operands.iter().map(|operand| operand.draw(&mut rng)).collect();
    let views = |bases: &[Tensor<f64>]| -> Vec<Tensor<f64>> {
        operands.iter().zip(bases).map(|(operand, base)| operand.view(base)).collect()
    };
    let constants: Vec<Tensor<f64>> = bases.iter().cloned().map(Tensor::constant).collect();
    let plain: Vec<Nd> = operands.iter().zip(&bases).map(|(operand, base)| operand.reference(base)).collect();
    for ((operand, view), plain) in operands.iter().zip(views(&constants)).zip(&plain) {
        plain.compare(&format!("{name}: operand {operand:?}"), &view)?;
    }
    reference(&plain).compare(name, &op(&views(&constants)))?;
    let squared = |bases: &[Tensor<f64>]| {
        let y = (op(&views(bases)) + 0.5).square();
        bases.iter().fold(y, |y, x| y + x.square().sum() * 0.1)
    };
    for subset in 0..1u32 << operands.len() {
        let tracked: Vec<bool> = (0..operands.len()).map(|i| subset >> i & 1 == 1).collect();
        let inputs: Vec<Array<f64>> = bases.iter().zip(&tracked).filter(|x| *x.1).map(|x| x.0.clone()).collect();
        // The other operands are constants.
        let by_subset = |inputs: &[Tensor<f64>]| {
            let mut inputs = inputs.iter();
            let all = constants.iter().zip(&tracked).map(|(constant, tracked)| match tracked {
                true => inputs.next().expect("an input for each tracked operand").clone(),
                false => constant.clone(),
            });
            squared(&all.collect::<Vec<_>>())
        };
        check_gradients(name, by_subset, &inputs, &mut rng)
            .map_err(|mismatch| TestCaseError::fail(format!("tracked {tracked:?}: {mismatch}")))?;
    }
    Ok(())
}

/// Checks f(x, x): one tensor as both operands, whose two gradients add up.
fn check_twice(
    name: &str,
    operand: &Operand,
    op: impl Fn(&Tensor<f64>, &Tensor<f64>) -> Tensor<f64>,
    reference: impl Fn(&Nd, &Nd) -> Nd,
    seed: u64,
) -> Outcome {
    let one = std::slice::from_ref(operand);
    check(name, one, |x| op(&x[0], &x[0]), |x| reference(&x[0], &x[0]), seed)
}
