//! Gradients of a module that is computed again.

use crate::{Bias, Dropout, Init, Linear, Mode, Module, checkpointed};
use rungs_tensor::{Array, Rng, Tensor};

#[test]
fn gradients_reach_inputs_and_stop_at_what_is_frozen() {
    let rng = &mut Rng::new(8);
    let linear = Linear::<f64>::new(3, 3, Bias::Yes, Init::Normal(1.0), rng);
    let mut half = linear.clone();
    half.weight = half.weight.detached();
    let x = Tensor::variable(Array::normal([2, 3], 0.0, 1.0, rng));
    let dropout = Dropout::new(0.4);
    let forward = move |layer: &Linear<f64>, x: &[Tensor<f64>], mode: &mut Mode<'_>| {
        dropout.forward(&layer.forward(&x[0], &mut Mode::Eval).tanh(), mode)
    };
    let same = &mut rng.clone();
    let plain = forward(&half, std::slice::from_ref(&x), &mut Mode::Train(same)).square().sum().backward();
    let again = checkpointed(&half, &[&x], &mut Mode::Train(rng), forward).square().sum().backward();
    for gradients in [&plain, &again] {
        assert!(gradients.wrt(&half.weight).is_err());
    }
    for tensor in [&x, half.bias.as_ref().unwrap()] {
        assert_eq!(plain.wrt(tensor).unwrap().to_vec(), again.wrt(tensor).unwrap().to_vec());
    }
    // All frozen and nothing to differentiate by: a constant, without a graph.
    let frozen = checkpointed(&half.detached(), &[&x.detached()], &mut Mode::Eval, forward);
    assert!(!frozen.is_tracked());
}
