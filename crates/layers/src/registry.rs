//! The gradient check of every layer.
//!
//! [`entries`] lists them; `rungs check` and the test suite run the list, and the suite fails when a layer is missing
//! from it. Each check compares the gradient, and the gradient of the gradient, with respect to the inputs and to
//! every parameter, in double precision, at sizes that are small and differ from each other, so that no two axes can
//! be confused. Parameters are drawn anew for it: at their usual first values (zero biases, gains of one) a wrong
//! gradient could pass.

use crate::{
    Activation, Bias, Block, BlockConfig, CausalSelfAttention, Dropout, Embedding, FeedForward, Init, KeyValueCache,
    LayerNorm, LearnedPositions, Linear, Lstm, LstmCell, LstmState, Mode, Module, Rnn, RnnCell,
};
use rungs_tensor::check::{Accuracy, GradientMismatch, check_gradients};
use rungs_tensor::registry::{Entry, Kind};
use rungs_tensor::{Array, Ids, Rng, Tensor};

type Outcome = Result<Accuracy, GradientMismatch>;

/// The gradient check of every layer of this crate.
pub fn entries() -> Vec<Entry> {
    let layer = |covers, run| Entry { covers, kind: Kind::Layer, run };
    vec![
        layer("Linear", linear),
        layer("Embedding", embedding),
        layer("LayerNorm", layer_norm),
        layer("Dropout", dropout),
        layer("LearnedPositions", learned_positions),
        layer("FeedForward", feed_forward),
        layer("RnnCell", rnn_cell),
        layer("Rnn", rnn),
        layer("LstmCell", lstm_cell),
        layer("Lstm", lstm),
        layer("CausalSelfAttention", causal_self_attention),
        layer("Block", block),
    ]
}

/// A dropout that does drop: layers are checked as they are trained.
fn some_dropout() -> Dropout {
    Dropout::new(0.3)
}

/// Runs `forward` in training with the same generator every time, so that every evaluation has the same masks.
fn training<R>(forward: impl FnOnce(&mut Mode<'_>) -> R) -> R {
    forward(&mut Mode::Train(&mut Rng::new(1)))
}

/// Checks `forward` with respect to inputs of these shapes and every parameter of `module`.
fn check<M: Module<f64> + Clone>(
    name: &str,
    module: &M,
    inputs: &[&[usize]],
    forward: impl Fn(&M, &[Tensor<f64>]) -> Tensor<f64>,
    rng: &mut Rng,
) -> Outcome {
    let mut operands: Vec<Array<f64>> = inputs.iter().map(|&shape| Array::normal(shape, 0.0, 1.0, rng)).collect();
    module.for_each(&mut |_, parameter| operands.push(Array::normal(parameter.shape(), 0.0, 0.5, rng)));
    let forward = |operands: &[Tensor<f64>]| {
        let (inputs, parameters) = operands.split_at(inputs.len());
        let mut parameters = parameters.iter();
        let mut module = module.clone();
        module.for_each_mut(&mut |_, parameter| {
            *parameter = parameters.next().expect("one operand per parameter").clone();
        });
        forward(&module, inputs)
    };
    check_gradients(name, forward, &operands, rng)
}

/// Several results as one, so that all of them are checked.
fn joined(results: &[Tensor<f64>]) -> Tensor<f64> {
    let flat: Vec<Tensor<f64>> = results.iter().map(|x| x.reshape(x.size())).collect();
    Tensor::concat(&flat, 0)
}

fn linear(rng: &mut Rng) -> Outcome {
    let layer = Linear::new(4, 5, Bias::Yes, Init::Zeros, rng);
    check("Linear", &layer, &[&[2, 3, 4]], |layer, x| layer.forward(&x[0]), rng)
}

fn embedding(rng: &mut Rng) -> Outcome {
    let layer = Embedding::new(5, 3, Init::Zeros, rng);
    let ids = Ids::new(vec![4, 0, 2, 4, 4, 1], [2, 3]); // 4 three times: gradients add up; 3 never
    let both_ways = |layer: &Embedding<f64>, _: &[Tensor<f64>]| layer.scores(&layer.forward(&ids));
    check("Embedding", &layer, &[], both_ways, rng)
}

fn layer_norm(rng: &mut Rng) -> Outcome {
    let layer = LayerNorm::new(5, Bias::Yes);
    check("LayerNorm", &layer, &[&[2, 3, 5]], |layer, x| layer.forward(&x[0]), rng)
}

fn dropout(rng: &mut Rng) -> Outcome {
    let x = Array::normal([4, 5], 0.0, 1.0, rng);
    // Dropout is linear; tanh gives it a second order to check.
    check_gradients("Dropout", |x| training(|mode| some_dropout().forward(&x[0].tanh(), mode)), &[x], rng)
}

fn learned_positions(rng: &mut Rng) -> Outcome {
    let layer = LearnedPositions::new(5, 3, Init::Zeros, rng);
    check("LearnedPositions", &layer, &[&[2, 2, 3]], |layer, x| &x[0] * layer.forward(1..3), rng)
}

fn feed_forward(rng: &mut Rng) -> Outcome {
    // One activation: which function stands here does not change how gradients pass through the layer.
    let up = Linear::new(3, 5, Bias::Yes, Init::Zeros, rng);
    let down = Linear::new(5, 3, Bias::Yes, Init::Zeros, rng);
    let layer = FeedForward::new(up, down, Activation::Gelu, some_dropout());
    check("FeedForward", &layer, &[&[2, 4, 3]], |layer, x| training(|mode| layer.forward(&x[0], mode)), rng)
}

fn rnn_cell(rng: &mut Rng) -> Outcome {
    let cell = RnnCell::new(3, 4, Init::Zeros, Init::Zeros, rng);
    check("RnnCell", &cell, &[&[2, 3], &[2, 4]], |cell, x| cell.step(&x[0], &x[1]), rng)
}

fn rnn(rng: &mut Rng) -> Outcome {
    let layers = Rnn::new(3, 4, 2, some_dropout(), rng);
    let forward = |layers: &Rnn<f64>, x: &[Tensor<f64>]| {
        let (y, last) = training(|mode| layers.forward(&x[0], &x[1..], mode));
        joined(&[y, last[0].clone(), last[1].clone()])
    };
    check("Rnn", &layers, &[&[2, 3, 3], &[2, 4], &[2, 4]], forward, rng)
}

fn lstm_cell(rng: &mut Rng) -> Outcome {
    let cell = LstmCell::new(3, 4, Init::Zeros, Init::Zeros, rng);
    let forward = |cell: &LstmCell<f64>, x: &[Tensor<f64>]| {
        let LstmState { h, c } = cell.step(&x[0], &LstmState { h: x[1].clone(), c: x[2].clone() });
        joined(&[h, c])
    };
    check("LstmCell", &cell, &[&[2, 3], &[2, 4], &[2, 4]], forward, rng)
}

fn lstm(rng: &mut Rng) -> Outcome {
    let layers = Lstm::new(3, 4, 2, some_dropout(), rng);
    let forward = |layers: &Lstm<f64>, x: &[Tensor<f64>]| {
        let state: Vec<_> = x[1..].chunks(2).map(|s| LstmState { h: s[0].clone(), c: s[1].clone() }).collect();
        let (y, last) = training(|mode| layers.forward(&x[0], &state, mode));
        let last = last.into_iter().flat_map(|LstmState { h, c }| [h, c]);
        joined(&std::iter::once(y).chain(last).collect::<Vec<_>>())
    };
    check("Lstm", &layers, &[&[2, 3, 3], &[2, 4], &[2, 4], &[2, 4], &[2, 4]], forward, rng)
}

fn causal_self_attention(rng: &mut Rng) -> Outcome {
    let qkv = Linear::new(6, 18, Bias::Yes, Init::Zeros, rng);
    let projection = Linear::new(6, 6, Bias::Yes, Init::Zeros, rng);
    let layer = CausalSelfAttention::new(qkv, projection, 2, some_dropout());
    // The whole sequence at once, and in two pieces: gradients go through the cache too.
    let forward = |layer: &CausalSelfAttention<f64>, x: &[Tensor<f64>]| {
        training(|mode| {
            let whole = layer.forward(&x[0], None, mode);
            let mut cache = KeyValueCache::new();
            let pieces = [0..2, 2..5].map(|t| layer.forward(&x[0].slice(1, t), Some(&mut cache), mode));
            joined(&[whole, Tensor::concat(&pieces, 1)])
        })
    };
    check("CausalSelfAttention", &layer, &[&[2, 5, 6]], forward, rng)
}

fn block(rng: &mut Rng) -> Outcome {
    let config = BlockConfig { hidden: 5, dropout: some_dropout(), ..BlockConfig::gpt(6, 3, 1) };
    let layer = Block::new(&config, rng);
    check("Block", &layer, &[&[2, 4, 6]], |layer, x| training(|mode| layer.forward(&x[0], None, mode)), rng)
}
