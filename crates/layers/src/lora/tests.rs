//! An adapter beside its layer.

use super::adapt;
use crate::{Bias, Dropout, Init, Linear, LowRankConfig, Mode};
use rungs_tensor::{Array, Rng, Tensor};

fn of_rank(rank: usize, dropout: f64) -> LowRankConfig {
    LowRankConfig { rank, alpha: 5.0, dropout: Dropout::new(dropout) }
}

fn near(found: &Tensor<f64>, expected: &Tensor<f64>, tolerance: f64) {
    crate::tests::assert_close(expected, found, tolerance);
}

fn bits(x: &Tensor<f64>) -> Vec<u64> {
    x.to_vec().into_iter().map(f64::to_bits).collect()
}

#[test]
fn an_adapter_drops_in_training_alone_and_leaves_the_matrix_what_it_reads() {
    let rng = &mut Rng::new(8);
    let mut layer = Linear::<f64>::new(6, 4, Bias::Yes, Init::XavierUniform, rng);
    let plain = layer.clone();
    adapt(&mut layer, &of_rank(2, 0.5), &mut |_| true, rng);
    let adapter = layer.adapter.as_mut().unwrap();
    adapter.b = Tensor::variable(Array::normal([2, 4], 0.0, 1.0, rng));
    let (adapter, x) = (adapter.clone(), Tensor::constant(Array::normal([3, 6], 0.0, 1.0, rng)));
    near(
        &layer.forward(&x, &mut Mode::Eval),
        &(plain.forward(&x, &mut Mode::Eval) + x.matmul(&adapter.matrix())),
        1e-14,
    );
    let dropped = layer.forward(&x, &mut Mode::Train(&mut Rng::new(9)));
    let mask = Dropout::new(0.5).forward(&x, &mut Mode::Train(&mut Rng::new(9)));
    near(&dropped, &(plain.forward(&x, &mut Mode::Eval) + mask.matmul(&adapter.matrix())), 1e-14);
    assert_ne!(bits(&dropped), bits(&layer.forward(&x, &mut Mode::Eval)));
}
