//! What every layer promises: its equation, its number of parameters, and the laws that hold whatever the weights.
//!
//! The equations are checked to rounding, against loops over plain numbers, written here from the papers a second time.
//! The laws (causality, independence of the rows of a batch, cached = full, sequence = step by step) are checked bit
//! for bit: the engine promises that a row's bits do not depend on what is computed beside it.

mod encoders_and_decoders;
mod equations;
mod laws;

use crate::{
    Activation, Bias, Block, BlockConfig, Cell, Direction, Dropout, Embedding, FeedForward, Gru, GruCell, Init,
    KeyValueCache, LearnedPositions, Linear, Lstm, LstmCell, LstmEquations, Mode, Module, Nonlinearity, Norm, NormKind,
    Order, Recurrent, RecurrentState, Reset, Rnn, RnnCell, SelfAttention, norm::EPSILON, sinusoidal_positions,
};
use rungs_tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use std::ops::Range;

/// Rounding in double precision, for values of about 1 and sums of a few dozen terms.
pub(crate) const ROUNDING: f64 = 1e-12;

/// The same numbers, added in the same order.
pub(crate) const EXACTLY: f64 = 0.0;

pub(crate) const NO_DROPOUT: f64 = 0.0;

pub(crate) fn normal<E: Element, const N: usize>(shape: [usize; N], rng: &mut Rng) -> Tensor<E> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

/// Draws every parameter anew, so that no law holds only because a bias is zero or a gain is one.
pub(crate) fn shaken<E: Element, M: Module<E>>(mut module: M, rng: &mut Rng) -> M {
    module.for_each_mut(&mut |_, p| *p = Init::Normal(0.5).tensor(p.shape(), rng));
    module
}

pub(crate) fn attention<E: Element>(width: usize, heads: usize, rng: &mut Rng) -> SelfAttention<E> {
    let qkv = Linear::new(width, 3 * width, Bias::Yes, Init::Zeros, rng);
    let projection = Linear::new(width, width, Bias::Yes, Init::Zeros, rng);
    shaken(SelfAttention::new(qkv, projection, [heads; 2], Dropout::new(NO_DROPOUT)).causal(), rng)
}

pub(crate) fn block<E: Element>(width: usize, heads: usize, rng: &mut Rng) -> Block<E> {
    let config = BlockConfig { feed_forward: 2 * width + 1, ..BlockConfig::gpt(width, heads, 2) };
    shaken(Block::new(&config, rng), rng)
}

#[track_caller]
pub(crate) fn assert_close<E: Element>(a: &Tensor<E>, b: &Tensor<E>, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    for (i, (a, b)) in a.to_vec().into_iter().zip(b.to_vec()).enumerate() {
        let (a, b) = (a.to_f64(), b.to_f64());
        assert!((a - b).abs() <= tolerance * (1.0 + a.abs()), "element {i}: {a} and {b}");
    }
}

/// Every way to cut 0..length into consecutive pieces.
fn chunkings(length: usize) -> Vec<Vec<Range<usize>>> {
    let cuts = 0..1u32 << (length - 1);
    cuts.map(|cuts| {
        let mut pieces = Vec::new();
        let mut start = 0;
        for end in 1..=length {
            if end == length || cuts >> (end - 1) & 1 == 1 {
                pieces.push(start..end);
                start = end;
            }
        }
        pieces
    })
    .collect()
}

fn layer_norm<E: Element>(width: usize, bias: Bias) -> Norm<E> {
    Norm::new(NormKind::Layer(EPSILON), width, bias)
}

#[test]
fn parameter_counts_are_those_of_the_documentation() {
    let rng = &mut Rng::new(1);
    let (d, h, v, t, layers) = (6, 5, 7, 9, 3);
    let drop = Dropout::new(NO_DROPOUT);
    let count = |module: &dyn Module<f32>| module.parameter_count();

    assert_eq!(count(&Linear::new(d, h, Bias::Yes, Init::Zeros, rng)), d * h + h);
    assert_eq!(count(&Linear::new(d, h, Bias::No, Init::Zeros, rng)), d * h);
    assert_eq!(count(&Embedding::new(v, d, Init::Zeros, rng)), v * d);
    assert_eq!(count(&layer_norm(d, Bias::Yes)), 2 * d);
    assert_eq!(count(&layer_norm(d, Bias::No)), d);
    assert_eq!(count(&LearnedPositions::new(t, d, Init::Zeros, rng)), t * d);
    assert_eq!(count(&RnnCell::<f32>::new(Nonlinearity::Tanh, d, h, [Init::Zeros; 2], rng)), d * h + h * h + h);
    assert_eq!(count(&LstmCell::<f32>::new(LstmEquations, d, h, [Init::Zeros; 2], rng)), 4 * (d * h + h * h + h));
    let rnn: Rnn = Rnn::new(d, h, layers, drop, rng);
    assert_eq!(count(&rnn), (d * h + h * h + h) + (layers - 1) * (2 * h * h + h));
    let lstm: Lstm = Lstm::new(d, h, layers, drop, rng);
    assert_eq!(count(&lstm), 4 * ((d * h + h * h + h) + (layers - 1) * (2 * h * h + h)));
    let gru: Gru = Gru::new(d, h, layers, drop, rng);
    assert_eq!(count(&gru), 3 * (d * h + h * h) + 4 * h + (layers - 1) * (6 * h * h + 4 * h));
    let both_ways = Lstm::<f32>::of_kind(LstmEquations, Direction::Both, d, h, layers, drop, rng);
    let above = 4 * (2 * h * h + h * h + h);
    assert_eq!(count(&both_ways), 2 * (4 * (d * h + h * h + h) + (layers - 1) * above));
    assert_eq!(count(&attention(d, 2, rng)), 4 * d * d + 4 * d);
    let up = Linear::new(d, h, Bias::Yes, Init::Zeros, rng);
    let down = Linear::new(h, d, Bias::Yes, Init::Zeros, rng);
    assert_eq!(count(&FeedForward::new(up, down, Activation::Relu, drop)), 2 * d * h + h + d);

    let config = BlockConfig { feed_forward: h, ..BlockConfig::gpt(d, 2, layers) };
    let weights = 4 * d * d + 2 * d * h + 2 * d;
    assert_eq!(count(&Block::new(&config, rng)), weights + 4 * d + h + d + 2 * d);
    assert_eq!(count(&Block::new(&BlockConfig { bias: Bias::No, ..config }, rng)), weights);
    assert_eq!(count(&Block::new(&BlockConfig::gpt(d, 2, layers), rng)), 12 * d * d + 2 * d + 11 * d);
}

#[test]
fn mistakes_are_named() {
    let message = |mistake: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        let panic = std::panic::catch_unwind(mistake).expect_err("a mistake");
        panic.downcast_ref::<String>().cloned().unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
    };
    let parts = |d: usize, output: usize, rng: &mut Rng| -> [Linear<f32>; 2] {
        [Linear::new(d, 3 * d, Bias::No, Init::Zeros, rng), Linear::new(d, output, Bias::No, Init::Zeros, rng)]
    };
    let drop = Dropout::new(NO_DROPOUT);
    for (mistake, line) in [
        (
            &(|| {
                let [qkv, projection] = parts(130, 130, &mut Rng::new(0));
                SelfAttention::new(qkv, projection, [4; 2], drop);
            }) as &(dyn Fn() + std::panic::RefUnwindSafe),
            "attention: width 130 is not a multiple of 4 heads",
        ),
        (
            &|| {
                let [qkv, projection] = parts(4, 5, &mut Rng::new(0));
                SelfAttention::new(qkv, projection, [2; 2], drop);
            },
            "attention: parts (4, 12) and (4, 5) do not fit 2 and 2 heads",
        ),
        (
            &|| {
                let [up, down] = parts(4, 5, &mut Rng::new(0));
                FeedForward::new(up, down, Activation::Relu, drop);
            },
            "feed-forward: 12 numbers go up and 4 come down",
        ),
        (&|| drop_with(1.0), "dropout: probability 1 is not in [0, 1)"),
        (&|| drop_with(f64::NAN), "dropout: probability NaN is not in [0, 1)"),
        (
            &|| {
                LearnedPositions::<f32>::new(4, 2, Init::Zeros, &mut Rng::new(0)).forward(3..5);
            },
            "positions 3..5 of a context of 4",
        ),
        (
            &|| {
                let rnn: Rnn<f32> = Rnn::new(2, 3, 2, drop, &mut Rng::new(0));
                rnn.forward(&Array::zeros([1, 1, 2]).into(), None, &rnn.zero_state(1)[..1], &mut Mode::Eval);
            },
            "recurrent: 1 states for 2 cells",
        ),
        (
            &|| {
                let lstm: Lstm<f32> = Lstm::new(2, 3, 1, drop, &mut Rng::new(0));
                lstm.forward(&Array::zeros([1, 0, 2]).into(), None, &lstm.zero_state(1), &mut Mode::Eval);
            },
            "lstm: a sequence of no steps",
        ),
        (
            &|| {
                let cell: GruCell<f32> = GruCell::of_kind(Reset::BeforeProduct, 2, 3, &mut Rng::new(0));
                cell.driven(&Array::zeros([1, 4, 8]).into(), &cell.zero_state(1), Order::Forward, None);
            },
            "gru: a sequence of shapes (1, 4, 8), (3, 9), (12), (1, 3)",
        ),
    ] {
        assert_eq!(message(mistake), line);
    }
}

fn drop_with(probability: f64) {
    Dropout::new(probability);
}
