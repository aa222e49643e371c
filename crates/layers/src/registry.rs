//! The gradient check of every layer.
//!
//! [`entries`] lists them; `rungs check` and the test suite run the list, and the suite fails when a layer is missing
//! from it. Each check compares the gradient, and the gradient of the gradient, with respect to the inputs and to
//! every parameter, in double precision, at sizes that are small and differ from each other, so that no two axes can
//! be confused. Parameters are drawn anew for it: at their usual first values (zero biases, gains of one) a wrong
//! gradient could pass.

use crate::kernels::sequence_kernel::Sequence;
use crate::{
    Activation, Attention, Bias, Direction, Embedding, Equations, FeedForward, Init, LearnedPositions, Linear, LowRank,
    LowRankConfig, LstmEquations, Mode, Nonlinearity, Norm, NormKind, Order, Recurrent, RecurrentCell, RecurrentState,
    Reset, Score, norm::EPSILON,
};
use checking::{check, joined, some_dropout, training};
use rungs_tensor::check::{Outcome, check_gradients, check_kernel, worst};
use rungs_tensor::registry::{Entry, Kind};
use rungs_tensor::{Array, Ids, Rng, Tensor};

mod checking;
mod transformer_checks;

/// The gradient check of every layer of this crate.
pub fn entries() -> Vec<Entry> {
    let layer = |covers, run| Entry { covers, kind: Kind::Layer, run };
    vec![
        layer("Linear", linear),
        layer("LowRank", low_rank),
        layer("Embedding", embedding),
        layer("Norm", norm),
        layer("Dropout", dropout),
        layer("LearnedPositions", learned_positions),
        layer("FeedForward", feed_forward),
        Entry { covers: "Sequence", kind: Kind::Kernel, run: sequence },
        layer("RecurrentCell", recurrent_cell),
        layer("Recurrent", recurrent),
        layer("Attention", encoder_attention),
        layer("SelfAttention", transformer_checks::self_attention),
        layer("CrossAttention", transformer_checks::cross_attention),
        layer("Block", transformer_checks::block),
        layer("DecoderBlock", transformer_checks::decoder_block),
        layer("TransformerEncoder", transformer_checks::encoder),
        layer("TransformerDecoder", transformer_checks::decoder),
    ]
}

fn linear(rng: &mut Rng) -> Outcome {
    let layer = checking::linear([4, 5], rng);
    check("Linear", &layer, &[&[2, 3, 4]], |layer, x| layer.forward(&x[0], &mut Mode::Eval), rng)
}

/// An adapter by itself, and with the layer that it stands in.
fn low_rank(rng: &mut Rng) -> Outcome {
    let config = LowRankConfig { rank: 2, alpha: 3.0, dropout: some_dropout() };
    let adapter = LowRank::new([4, 5], &config, rng);
    let alone = |adapter: &LowRank<f64>, x: &[Tensor<f64>]| training(|mode| adapter.forward(&x[0], mode));
    let worst = check("LowRank", &adapter, &[&[2, 3, 4]], alone, rng)?;
    let layer = Linear { adapter: Some(adapter), ..checking::linear([4, 5], rng) };
    let within = |layer: &Linear<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], mode));
    Ok(worst.worse(check("LowRank", &layer, &[&[2, 3, 4]], within, rng)?))
}

fn embedding(rng: &mut Rng) -> Outcome {
    let layer = Embedding::new(5, 3, Init::Zeros, rng);
    let ids = Ids::new(vec![4, 0, 2, 4, 4, 1], [2, 3]); // 4 three times: gradients add up; 3 never
    let both_ways = |layer: &Embedding<f64>, _: &[Tensor<f64>]| layer.scores(&layer.forward(&ids));
    check("Embedding", &layer, &[], both_ways, rng)
}

fn norm(rng: &mut Rng) -> Outcome {
    let mut of_kind = |kind| {
        let forward = |layer: &Norm<f64>, x: &[Tensor<f64>]| layer.forward(&x[0]);
        check("Norm", &Norm::new(kind, 5, Bias::Yes), &[&[2, 3, 5]], forward, rng)
    };
    Ok(of_kind(NormKind::Layer(EPSILON))?.worse(of_kind(NormKind::Rms(EPSILON))?))
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
    // Two activations: which function stands here does not change how gradients pass through the layer.
    let plain = |activation, rng: &mut Rng| {
        let (up, down) = (checking::linear([3, 5], rng), checking::linear([5, 3], rng));
        FeedForward::new(up, down, activation, some_dropout())
    };
    let forward = |layer: &FeedForward<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], mode));
    let gated = FeedForward { gate: Some(checking::linear([3, 5], rng)), ..plain(Activation::Silu, rng) };
    let worst = check("FeedForward", &plain(Activation::Gelu, rng), &[&[2, 4, 3]], forward, rng)?;
    Ok(worst.worse(check("FeedForward", &gated, &[&[2, 4, 3]], forward, rng)?))
}

fn anywhere(shape: &[usize], rng: &mut Rng) -> Array<f64> {
    Array::normal(shape, 0.0, 0.7, rng)
}

/// Numbers that keep relu's argument away from its kink, where it has no derivative: x W_x, the only one with three
/// axes, is at least 1 in size and everything else at most 0.1, so that h stays below 3 and h W_h + b below 0.7.
fn away_from_the_kink(shape: &[usize], rng: &mut Rng) -> Array<f64> {
    let [least, spread] = if shape.len() == 3 { [1.0, 1.0] } else { [0.0, 0.1] };
    Array::from_fn(shape, |_| {
        let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
        sign * (least + spread * rng.uniform())
    })
}

/// Draws operands of a shape.
type Draw = fn(&[usize], &mut Rng) -> Array<f64>;

/// Every way to read a batch of three sequences of up to four steps: both orders, all lengths equal and not, one of
/// them zero.
const READINGS: [(Order, Option<&[usize]>); 6] = [
    (Order::Forward, None),
    (Order::Forward, Some(&[4, 1, 3])),
    (Order::Forward, Some(&[2, 0, 4])),
    (Order::Reverse, None),
    (Order::Reverse, Some(&[4, 1, 3])),
    (Order::Reverse, Some(&[2, 0, 4])),
];

/// Operands of a cell's sequences.
fn operands<Q: Equations>(draw: Draw, rng: &mut Rng) -> Vec<Array<f64>> {
    let [b, t, h] = [3, 4, 2];
    let mut shapes = vec![vec![b, t, Q::GATES * h], vec![h, Q::GATES * h], vec![Q::BIASES * h]];
    shapes.extend(vec![vec![b, h]; Q::STATES]);
    shapes.iter().map(|shape| draw(shape, rng)).collect()
}

/// The kernel of a whole sequence against the textbook's loop.
fn sequence(rng: &mut Rng) -> Outcome {
    fn check<Q: Equations>(equations: Q, draw: Draw, rng: &mut Rng) -> Outcome {
        worst(READINGS.map(|(order, lengths)| {
            let inputs = operands::<Q>(draw, rng);
            check_kernel(|| Sequence::new(equations, order, lengths), &inputs, rng)
        }))
    }
    let worst = check(Nonlinearity::Tanh, anywhere, rng)?.worse(check(Nonlinearity::Relu, away_from_the_kink, rng)?);
    Ok(worst.worse(check(LstmEquations, anywhere, rng)?).worse(check(Reset::AfterProduct, anywhere, rng)?))
}

/// One step of every cell, and the whole sequences of the one that has no kernel.
fn recurrent_cell(rng: &mut Rng) -> Outcome {
    let steps = [cell(Nonlinearity::Tanh, rng), cell(LstmEquations, rng)];
    let gru_steps = [Reset::AfterProduct, Reset::BeforeProduct].map(|reset| cell(reset, rng));
    let sequences = READINGS.map(|(order, lengths)| {
        let sequence = Sequence::new(Reset::BeforeProduct, order, lengths);
        let forward = |x: &[Tensor<f64>]| sequence.clone().apply(&x.iter().collect::<Vec<_>>());
        check_gradients("GruCell", forward, &operands::<Reset>(anywhere, rng), rng)
    });
    worst(steps.into_iter().chain(gru_steps).chain(sequences))
}

/// The results of a recurrent layer as one: every h, and the last h and c of every cell.
fn shown((y, last): (Tensor<f64>, Vec<RecurrentState<f64>>)) -> Tensor<f64> {
    let last = last.into_iter().flat_map(|state| std::iter::once(state.h).chain(state.c));
    joined(&std::iter::once(y).chain(last).collect::<Vec<_>>())
}

/// States made of inputs: h, or h and c, one after another.
fn states(x: &[Tensor<f64>], vectors: usize) -> Vec<RecurrentState<f64>> {
    x.chunks(vectors).map(|s| RecurrentState { h: s[0].clone(), c: s.get(1).cloned() }).collect()
}

fn cell<Q: Equations>(equations: Q, rng: &mut Rng) -> Outcome {
    let cell = RecurrentCell::of_kind(equations, 3, 4, rng);
    let shapes: [&[usize]; 3] = [&[2, 3], &[2, 4], &[2, 4]];
    let step = |cell: &RecurrentCell<f64, Q>, x: &[Tensor<f64>]| {
        let state = &states(&x[1..], Q::STATES)[0];
        let across = cell.sequence(&x[0].unsqueeze(1), state, Order::Reverse, Some(&[1, 0]));
        joined(&[shown((across.0, vec![across.1])), shown((x[0].clone(), vec![cell.step(&x[0], state)]))])
    };
    check("RecurrentCell", &cell, &shapes[..1 + Q::STATES], step, rng)
}

fn recurrent(rng: &mut Rng) -> Outcome {
    fn stack<Q: Equations>(direction: Direction, rng: &mut Rng) -> Outcome {
        let layers = Recurrent::of_kind(Q::default(), direction, 3, 4, 2, some_dropout(), rng);
        let start = layers.zero_state(2);
        let vectors = start.len() * Q::STATES;
        let shapes: Vec<&[usize]> = std::iter::once(&[2, 3, 3][..]).chain(vec![&[2, 4][..]; vectors]).collect();
        let forward = |layers: &Recurrent<f64, Q>, x: &[Tensor<f64>]| {
            let state = states(&x[1..], Q::STATES);
            shown(training(|mode| layers.forward(&x[0], Some(&[3, 2]), &state, mode)))
        };
        check("Recurrent", &layers, &shapes, forward, rng)
    }
    let one_way = [stack::<LstmEquations>(Direction::Forward, rng), stack::<Nonlinearity>(Direction::Forward, rng)];
    worst(one_way.into_iter().chain([stack::<Reset>(Direction::Both, rng)]))
}

/// Every score, with padding: the context and the weights.
fn encoder_attention(rng: &mut Rng) -> Outcome {
    let scores = [(Score::Additive, 3), (Score::Dot, 4), (Score::General, 3), (Score::Concat, 3)];
    worst(scores.map(|(score, query)| {
        let layer = Attention::new(score, query, 4, 5, rng);
        let forward = |layer: &Attention<f64>, x: &[Tensor<f64>]| {
            let (context, weights) = layer.look(&x[0], &layer.memory(&x[1], &[3, 2]));
            joined(&[context, weights])
        };
        check("Attention", &layer, &[&[2, 2, query], &[2, 3, 4]], forward, rng)
    }))
}

#[cfg(test)]
mod tests;
