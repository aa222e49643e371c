//! What has changed in Transformers since GPT-2: each part is its equation, and positions are seen only as distances.

use crate::{
    Activation, Bias, Block, BlockConfig, Dropout, FeedForward, Init, Linear, Mode, Module, Norm, NormKind, Rotary,
    SelfAttention,
};
use rungs_tensor::{Array, Rng, Tensor};

const ROUNDING: f64 = 1e-12;

fn normal<const N: usize>(shape: [usize; N], rng: &mut Rng) -> Tensor<f64> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

fn linear(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear<f64> {
    Linear::new(inputs, outputs, Bias::No, Init::Normal(0.5), rng)
}

#[track_caller]
fn assert_close(a: &Tensor<f64>, b: &Tensor<f64>) {
    assert_eq!(a.shape(), b.shape());
    let worst = a.to_vec().iter().zip(b.to_vec()).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
    assert!(worst < ROUNDING, "{worst}");
}

#[test]
fn the_root_mean_square_norm_is_its_equation() {
    let rng = &mut Rng::new(1);
    let mut norm = Norm::new(NormKind::Rms(0.01), 5, Bias::No);
    norm.gain = normal([5], rng);
    let x = normal([2, 3, 5], rng);
    let (gain, numbers) = (norm.gain.to_vec(), x.to_vec());
    let by_hand = numbers.chunks(5).flat_map(|row| {
        let size = (row.iter().map(|x| x * x).sum::<f64>() / 5.0 + 0.01).sqrt();
        row.iter().zip(&gain).map(move |(x, g)| x / size * g).collect::<Vec<_>>()
    });
    assert_close(&norm.forward(&x), &Array::from_vec(by_hand.collect(), [2, 3, 5]).into());
}

#[test]
fn a_gate_multiplies_what_goes_up() {
    let rng = &mut Rng::new(2);
    let [up, gate, down] = [linear(4, 6, rng), linear(4, 6, rng), linear(6, 4, rng)];
    let layer = FeedForward::new(up.clone(), down.clone(), Activation::Silu, Dropout::new(0.0));
    let layer = FeedForward { gate: Some(gate.clone()), ..layer };
    let x = normal([3, 4], rng);
    let silu = |x: &Tensor<f64>| x * x.sigmoid();
    let expected =
        down.forward(&(silu(&gate.forward(&x, &mut Mode::Eval)) * up.forward(&x, &mut Mode::Eval)), &mut Mode::Eval);
    assert_close(&layer.forward(&x, &mut Mode::Eval), &expected);
    assert_eq!(layer.parameter_count(), 3 * 4 * 6);
}

/// q at position t, turned, by k at position s, turned.
fn scores(rotary: Rotary, q: &Tensor<f64>, k: &Tensor<f64>, from: usize) -> Vec<f64> {
    let [_, t, n, width] = q.dims();
    let angles = rotary.angles(from..from + t, width);
    let [q, k] = [q, k].map(|x| angles.turn(x).swap_axes(1, 2).reshape([n, t, width]));
    q.matmul(&k.t()).to_vec()
}

#[test]
fn turned_vectors_keep_their_length_and_meet_by_distance_alone() {
    let rng = &mut Rng::new(3);
    let rotary = Rotary { theta: 10_000.0 };
    let [q, k] = [normal([1, 4, 2, 6], rng), normal([1, 4, 2, 6], rng)];
    let turned = rotary.angles(7..11, 6).turn(&q);
    assert_close(&turned.square().sum_over([-1]), &q.square().sum_over([-1]));
    let near = scores(rotary, &q, &k, 0);
    for from in [1, 50, 3000] {
        let far = scores(rotary, &q, &k, from);
        assert!(near.iter().zip(&far).all(|(a, b)| (a - b).abs() < 1e-9), "from {from}");
    }
    // And positions do matter: one vector everywhere does not meet itself alike at every distance.
    let same = |x: &Tensor<f64>| x.slice(1, 0..1).expand([1, 4, 2, 6]);
    let scores = scores(rotary, &same(&q), &same(&k), 0);
    assert!((scores[0] - scores[5]).abs() < 1e-12, "the same distance");
    assert!((scores[0] - scores[1]).abs() > 1e-3, "another distance");
}

#[test]
fn a_pair_is_turned_by_its_own_angle() {
    let x = Tensor::constant(Array::from_vec(vec![1.0, 1.0, 0.0, 0.0], [1, 1, 1, 4]));
    let turned = Rotary { theta: 100.0 }.angles(3..4, 4).turn(&x).to_vec();
    // The pairs are (0, 2) and (1, 3); their angles at position 3 are 3 and 3/√100.
    let expected = [3f64.cos(), 0.3f64.cos(), 3f64.sin(), 0.3f64.sin()];
    assert!(turned.iter().zip(expected).all(|(a, b)| (a - b).abs() < ROUNDING), "{turned:?}");
}

#[test]
fn shared_keys_are_the_same_keys_for_each_head_of_their_group() {
    let rng = &mut Rng::new(4);
    let (d, n, m, k) = (6, 4, 2, 3);
    let [w_q, w_k, w_v] = [linear(d, n * k, rng), linear(d, m * k, rng), linear(d, m * k, rng)].map(|l| l.weight);
    let projection = linear(n * k, d, rng);
    let attention = |matrices: &[Tensor<f64>], heads| {
        let qkv = Linear::of(Tensor::concat(matrices, 1), None);
        SelfAttention::new(qkv, projection.clone(), heads, Dropout::new(0.0)).causal()
    };
    let grouped = attention(&[w_q.clone(), w_k.clone(), w_v.clone()], [n, m]);
    // Each head of keys, written out once for every head of queries that it serves.
    let repeated = |w: &Tensor<f64>| {
        let heads: Vec<_> = (0..n).map(|head| w.slice(1, head / (n / m) * k..(head / (n / m) + 1) * k)).collect();
        Tensor::concat(&heads, 1)
    };
    let full = attention(&[w_q, repeated(&w_k), repeated(&w_v)], [n, n]);
    let x = normal([2, 5, d], rng);
    let [a, b] = [&grouped, &full].map(|layer| layer.forward(&x, None, None, &mut Mode::Eval));
    assert_close(&a, &b);
    assert_eq!((grouped.heads, grouped.key_heads, grouped.head_width()), (n, m, k));
}

#[test]
fn llamas_block_has_the_parts_of_the_paper() {
    let rng = &mut Rng::new(5);
    let block: Block<f64> = Block::new(&BlockConfig::llama(12, 4, 2, 3), rng);
    let names: Vec<String> = block.named().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "norm_1.gain",
        "attention.qkv.weight",
        "attention.projection.weight",
        "norm_2.gain",
        "feed_forward.gate.weight",
        "feed_forward.up.weight",
        "feed_forward.down.weight",
    ];
    assert_eq!(names, expected);
    assert!(matches!(block.norm_1.kind, NormKind::Rms(_)));
    assert_eq!(BlockConfig::llama(12, 4, 2, 3).norm, NormKind::Rms(1e-5));
    assert_eq!(block.attention.qkv.widths(), [12, 12 + 2 * 6]);
    assert_eq!(block.feed_forward.up.widths(), [12, 32]);
}
