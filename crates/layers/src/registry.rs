//! The gradient check of every layer.
//!
//! [`entries`] lists them; `rungs check` and the test suite run the list, and the suite fails when a layer is missing
//! from it. Each check compares the gradient, and the gradient of the gradient, with respect to the inputs and to
//! every parameter, in double precision, at sizes that are small and differ from each other, so that no two axes can
//! be confused. Parameters are drawn anew for it: at their usual first values (zero biases, gains of one) a wrong
//! gradient could pass.

use crate::kernels::sequence_kernel::{Equations, Sequence};
use crate::kernels::{gru_before_product_kernel::ResetBeforeProduct, gru_kernel::GruEquations};
use crate::kernels::{lstm_kernel::LstmEquations, rnn_kernel::RnnEquations};
use crate::{
    Activation, Attention, Bias, Cell, Direction, Embedding, FeedForward, GruCell, Init, LayerNorm, LearnedPositions,
    Linear, LowRank, LowRankConfig, LstmCell, Mode, Nonlinearity, Order, Recurrent, RecurrentState, Reset, RmsNorm,
    RnnCell, Score,
};
use checking::{Outcome, check, joined, some_dropout, training};
use rungs_tensor::check::{Accuracy, check_gradients, check_kernel};
use rungs_tensor::registry::{Entry, Kind};
use rungs_tensor::{Array, Ids, Kernel, Rng, Tensor};

mod checking;
mod transformer_checks;

/// The gradient check of every layer of this crate.
pub fn entries() -> Vec<Entry> {
    let layer = |covers, run| Entry { covers, kind: Kind::Layer, run };
    vec![
        layer("Linear", linear),
        layer("LowRank", low_rank),
        layer("Embedding", embedding),
        layer("LayerNorm", layer_norm),
        layer("RmsNorm", rms_norm),
        layer("Dropout", dropout),
        layer("LearnedPositions", learned_positions),
        layer("FeedForward", feed_forward),
        Entry { covers: "Sequence", kind: Kind::Kernel, run: sequence },
        Entry { covers: "ResetBeforeProduct", kind: Kind::Kernel, run: reset_before_product },
        layer("RnnCell", |rng| cell::<RnnCell<f64>>("RnnCell", &[Nonlinearity::Tanh], rng)),
        layer("LstmCell", |rng| cell::<LstmCell<f64>>("LstmCell", &[()], rng)),
        layer("GruCell", |rng| cell::<GruCell<f64>>("GruCell", &[Reset::AfterProduct, Reset::BeforeProduct], rng)),
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
    let layer = Linear::new(4, 5, Bias::Yes, Init::Zeros, rng);
    check("Linear", &layer, &[&[2, 3, 4]], |layer, x| layer.forward(&x[0], &mut Mode::Eval), rng)
}

/// An adapter by itself, and with the layer that it stands in.
fn low_rank(rng: &mut Rng) -> Outcome {
    let config = LowRankConfig { rank: 2, alpha: 3.0, dropout: some_dropout() };
    let adapter = LowRank::new([4, 5], &config, rng);
    let alone = |adapter: &LowRank<f64>, x: &[Tensor<f64>]| training(|mode| adapter.forward(&x[0], mode));
    let worst = check("LowRank", &adapter, &[&[2, 3, 4]], alone, rng)?;
    let layer = Linear { adapter: Some(adapter), ..Linear::new(4, 5, Bias::Yes, Init::Zeros, rng) };
    let within = |layer: &Linear<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], mode));
    Ok(worst.worse(check("LowRank", &layer, &[&[2, 3, 4]], within, rng)?))
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

fn rms_norm(rng: &mut Rng) -> Outcome {
    let layer = RmsNorm::new(5, 1e-5);
    check("RmsNorm", &layer, &[&[2, 3, 5]], |layer, x| layer.forward(&x[0]), rng)
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
    let linear = |sizes: [usize; 2], rng: &mut Rng| Linear::new(sizes[0], sizes[1], Bias::Yes, Init::Zeros, rng);
    let plain = |activation, rng: &mut Rng| {
        FeedForward::new(linear([3, 5], rng), linear([5, 3], rng), activation, some_dropout())
    };
    let forward = |layer: &FeedForward<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], mode));
    let gated = plain(Activation::Silu, rng).gated(linear([3, 5], rng));
    let worst = check("FeedForward", &plain(Activation::Gelu, rng), &[&[2, 4, 3]], forward, rng)?;
    Ok(worst.worse(check("FeedForward", &gated, &[&[2, 4, 3]], forward, rng)?))
}

/// A kernel of a whole sequence against the textbook's loop: both orders, all lengths equal and not, one of them zero.
fn through_time<K: Kernel<f64>>(
    kernel: impl Fn(Order, Option<&[usize]>) -> K,
    [gates, biases, states]: [usize; 3],
    draw: fn(&[usize], &mut Rng) -> Array<f64>,
    rng: &mut Rng,
) -> Outcome {
    let [b, t, h] = [3, 4, 2];
    let mut shapes = vec![vec![b, t, gates * h], vec![h, gates * h], vec![biases * h]];
    shapes.extend(vec![vec![b, h]; states]);
    let mut worst = Accuracy::default();
    for order in [Order::Forward, Order::Reverse] {
        for lengths in [None, Some(&[4, 1, 3][..]), Some(&[2, 0, 4])] {
            let inputs: Vec<_> = shapes.iter().map(|shape| draw(shape, rng)).collect();
            worst = worst.worse(check_kernel(|| kernel(order, lengths), &inputs, rng)?);
        }
    }
    Ok(worst)
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

fn sequence(rng: &mut Rng) -> Outcome {
    fn check<C: Equations>(equations: C, draw: fn(&[usize], &mut Rng) -> Array<f64>, rng: &mut Rng) -> Outcome {
        let sizes = [C::GATES, C::BIASES, 1 + usize::from(C::HAS_CELL)];
        through_time(|order, lengths| Sequence::new(equations, order, lengths), sizes, draw, rng)
    }
    let mut worst = check(RnnEquations(Nonlinearity::Tanh), anywhere, rng)?;
    worst = worst.worse(check(RnnEquations(Nonlinearity::Relu), away_from_the_kink, rng)?);
    Ok(worst.worse(check(LstmEquations, anywhere, rng)?).worse(check(GruEquations, anywhere, rng)?))
}

fn reset_before_product(rng: &mut Rng) -> Outcome {
    through_time(ResetBeforeProduct::new, [3, 4, 1], anywhere, rng)
}

/// The results of a recurrent layer as one: every h, and the last h and c of every cell.
fn shown((y, last): (Tensor<f64>, Vec<RecurrentState<f64>>)) -> Tensor<f64> {
    joined(
        &std::iter::once(y).chain(last.into_iter().flat_map(|s| std::iter::once(s.h).chain(s.c))).collect::<Vec<_>>(),
    )
}

/// States made of inputs: h, or h and c, one after another.
fn states(x: &[Tensor<f64>], has_cell: bool) -> Vec<RecurrentState<f64>> {
    let vectors = if has_cell { 2 } else { 1 };
    x.chunks(vectors).map(|s| RecurrentState { h: s[0].clone(), c: s.get(1).cloned() }).collect()
}

fn cell<C: Cell<f64>>(name: &str, kinds: &[C::Kind], rng: &mut Rng) -> Outcome {
    let mut worst = Accuracy::default();
    for &kind in kinds {
        let cell = C::of_kind(kind, 3, 4, rng);
        let has_cell = cell.zero_state(1).c.is_some();
        let shapes: &[&[usize]] = if has_cell { &[&[2, 3], &[2, 4], &[2, 4]] } else { &[&[2, 3], &[2, 4]] };
        let step = |cell: &C, x: &[Tensor<f64>]| {
            let state = &states(&x[1..], has_cell)[0];
            let across = cell.sequence(&x[0].unsqueeze(1), state, Order::Reverse, Some(&[1, 0]));
            joined(&[shown((across.0, vec![across.1])), shown((x[0].clone(), vec![cell.step(&x[0], state)]))])
        };
        worst = worst.worse(check(name, &cell, shapes, step, rng)?);
    }
    Ok(worst)
}

fn recurrent(rng: &mut Rng) -> Outcome {
    fn stack<C: Cell<f64>>(direction: Direction, rng: &mut Rng) -> Outcome {
        let layers = Recurrent::<C>::of_kind(C::Kind::default(), direction, 3, 4, 2, some_dropout(), rng);
        let start = layers.zero_state(2);
        let vectors = start.len() * (1 + usize::from(start[0].c.is_some()));
        let shapes: Vec<&[usize]> = std::iter::once(&[2, 3, 3][..]).chain(vec![&[2, 4][..]; vectors]).collect();
        let forward = |layers: &Recurrent<C>, x: &[Tensor<f64>]| {
            let state = states(&x[1..], start[0].c.is_some());
            shown(training(|mode| layers.forward_padded(&x[0], &[3, 2], &state, mode)))
        };
        check("Recurrent", &layers, &shapes, forward, rng)
    }
    let one_way =
        stack::<LstmCell<f64>>(Direction::Forward, rng)?.worse(stack::<RnnCell<f64>>(Direction::Forward, rng)?);
    Ok(one_way.worse(stack::<GruCell<f64>>(Direction::Both, rng)?))
}

/// Every score, with padding: the context and the weights.
fn encoder_attention(rng: &mut Rng) -> Outcome {
    let mut worst = Accuracy::default();
    for (score, query) in [(Score::Additive, 3), (Score::Dot, 4), (Score::General, 3), (Score::Concat, 3)] {
        let layer = Attention::new(score, query, 4, 5, rng);
        let forward = |layer: &Attention<f64>, x: &[Tensor<f64>]| {
            let (context, weights) = layer.look(&x[0], &layer.memory(&x[1], &[3, 2]));
            joined(&[context, weights])
        };
        worst = worst.worse(check("Attention", &layer, &[&[2, 2, query], &[2, 3, 4]], forward, rng)?);
    }
    Ok(worst)
}

#[cfg(test)]
mod tests;
