//! Dropout.

use crate::tests::{EXACTLY, ROUNDING, assert_close, normal, shaken};
use crate::{Block, BlockConfig, Dropout, Lstm, Mode, Rnn};
use rungs_tensor::{Array, Rng, Tensor};

#[test]
fn dropout_keeps_the_expectation_and_drops_what_it_says() {
    let n = 100_000;
    let x: Tensor<f64> = Array::full(n, 2.0).into();
    for p in [0.1, 0.5, 0.9] {
        let y = Dropout::new(p).forward(&x, &mut Mode::Train(&mut Rng::new(20)));
        let kept = 2.0 / (1.0 - p);
        assert!(y.to_vec().iter().all(|&y| y == 0.0 || (y - kept).abs() < ROUNDING));
        let dropped = y.to_vec().iter().filter(|&&y| y == 0.0).count() as f64 / n as f64;
        let deviation = (p * (1.0 - p) / n as f64).sqrt();
        assert!((dropped - p).abs() < 5.0 * deviation, "{dropped} dropped for {p}");
        assert!((y.mean().item() - 2.0).abs() < 5.0 * deviation * kept);
    }
}

#[test]
fn dropout_is_the_identity_in_evaluation_and_at_zero() {
    let x: Tensor<f32> = normal([3, 4], &mut Rng::new(21));
    assert_eq!(Dropout::new(0.5).forward(&x, &mut Mode::Eval).to_vec(), x.to_vec());
    let mut rng = Rng::new(22);
    let before = rng.state();
    assert_eq!(Dropout::new(0.0).forward(&x, &mut Mode::Train(&mut rng)).to_vec(), x.to_vec());
    assert_eq!(rng.state(), before, "nothing is drawn");
}

#[test]
fn the_same_seed_drops_the_same() {
    let rng = &mut Rng::new(23);
    let config = BlockConfig { dropout: Dropout::new(0.2), ..BlockConfig::gpt(8, 2, 1) };
    let block: Block<f32> = shaken(Block::new(&config, rng), rng);
    let x = normal([2, 5, 8], rng);
    let run = |seed| block.forward(&x, None, None, &mut Mode::Train(&mut Rng::new(seed))).to_vec();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    // A view in another order of memory meets the same mask.
    let drop = Dropout::new(0.5);
    let y = drop.forward(&x, &mut Mode::Train(&mut Rng::new(3)));
    let strided = x.swap_axes(0, 2).array().contiguous();
    let y_strided = drop.forward(&Tensor::constant(strided).swap_axes(0, 2), &mut Mode::Train(&mut Rng::new(3)));
    assert_eq!(y.to_vec(), y_strided.to_vec());
}

#[test]
fn dropout_stands_between_layers_only() {
    // One layer has nothing between; two layers train differently from how they evaluate.
    let rng = &mut Rng::new(24);
    let x: Tensor<f32> = normal([2, 3, 4], rng);
    for layers in [1, 2] {
        let lstm: Lstm<f32> = Lstm::new(4, 5, layers, Dropout::new(0.5), rng);
        let rnn: Rnn<f32> = Rnn::new(4, 5, layers, Dropout::new(0.5), rng);
        let lstm_run = |mode: &mut Mode<'_>| lstm.forward(&x, None, &lstm.zero_state(2), mode).0.to_vec();
        let rnn_run = |mode: &mut Mode<'_>| rnn.forward(&x, None, &rnn.zero_state(2), mode).0.to_vec();
        let train = || Rng::new(25);
        assert_eq!(lstm_run(&mut Mode::Train(&mut train())) == lstm_run(&mut Mode::Eval), layers == 1);
        assert_eq!(rnn_run(&mut Mode::Train(&mut train())) == rnn_run(&mut Mode::Eval), layers == 1);
    }
}

#[test]
fn transformers_drop_attention_weights_and_what_is_added_to_x() {
    let rng = &mut Rng::new(27);
    let (d, heads) = (6, 3);
    let drop = Dropout::new(0.4);
    let config = BlockConfig { dropout: drop, ..BlockConfig::gpt(d, heads, 1) };
    let Block { attention, feed_forward, .. } = shaken(Block::<f64>::new(&config, rng), rng);

    let x = normal([2, 4, d], rng);
    let trained = feed_forward.forward(&x, &mut Mode::Train(&mut Rng::new(1)));
    let dropped = drop.forward(&feed_forward.forward(&x, &mut Mode::Eval), &mut Mode::Train(&mut Rng::new(1)));
    assert_close(&trained, &dropped, EXACTLY);

    // One position looks at itself with weight 1 in each head, and the weight is dropped or scaled up.
    let x = normal([1, 1, d], rng);
    let trained = attention.forward(&x, None, None, &mut Mode::Train(&mut Rng::new(1)));
    let [_, _, values] = attention.qkv.forward(&x, &mut Mode::Eval).chunks(-1);
    let possible = (0..1 << heads).map(|kept: usize| {
        let weight = |head: usize| if kept >> head & 1 == 1 { 1.0 / 0.6 } else { 0.0 };
        let weights = Tensor::constant(Array::from_fn([heads, 1], weight));
        let mixed = (values.reshape([heads, d / heads]) * weights).reshape([1, 1, d]);
        let again = &mut Rng::new(1);
        again.u64(); // what decides about the weights
        drop.forward(&attention.projection.forward(&mixed, &mut Mode::Eval), &mut Mode::Train(again))
    });
    let near = |a: &Tensor<f64>| a.to_vec().iter().zip(trained.to_vec()).all(|(a, b)| (a - b).abs() < ROUNDING);
    assert_eq!(possible.filter(near).count(), 1);
}
