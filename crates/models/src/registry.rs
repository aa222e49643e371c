//! The gradient check of every rung.
//!
//! [`entries`] lists them; `rungs check` and the test suite run the list, and the suite fails when a model is missing
//! from it. Each check compares the gradient of the logits, and the gradient of the gradient, with respect to every
//! parameter, in double precision, with dropout off (the layers' own checks have it on). The text is read in two
//! pieces, so that gradients pass through the state as well.

use crate::attention_seq2seq::Bridge;
use crate::head::Head;
use crate::{
    AddedPositions, AttentionConfig, AttentionSeq2Seq, Gpt, GptConfig, GruLanguageModel, LanguageModel,
    LstmLanguageModel, RecurrentConfig, RecurrentLanguageModel, RnnLanguageModel, Seq2Seq, Seq2SeqConfig, Source,
    Style, Transformer, TransformerConfig, Tying,
};
use rungs_layers::tensor::check::{Outcome, check_gradients, worst};
use rungs_layers::tensor::registry::{Entry, Kind};
use rungs_layers::tensor::{Array, Ids, Rng, Tensor};
use rungs_layers::{
    Activation, Embedding, Init, LstmEquations, Mode, Module, NormPosition, RecurrentState, Reset, Score,
};

/// The gradient check of every model of this crate.
pub fn entries() -> Vec<Entry> {
    let model = |covers, run| Entry { covers, kind: Kind::Model, run };
    vec![
        model("RecurrentLanguageModel", recurrent),
        model("Head", head),
        model("Bridge", bridge),
        model("Seq2Seq", seq2seq),
        model("AttentionSeq2Seq", attention),
        model("Gpt", gpt),
        model("Transformer", transformer),
    ]
}

/// V and B. The sizes of a model differ where they can, so that its axes cannot be confused.
const VOCABULARY: usize = 5;
const BATCH: usize = 2;

/// What a parameter of 1 in the check is in the model.
///
/// The check moves each parameter by about a thousandth and compares with a difference, whose own error falls with the
/// fourth power of that step. A norm over a few numbers that happen to be nearly equal bends so sharply that a
/// thousandth is too coarse; measured in tenths, the parameters move a tenth as far, and the error is 10⁴ times
/// smaller.
const UNIT: f64 = 0.1;

/// Checks what `forward` makes of a model, or of a part of one, with respect to every parameter of it.
///
/// Parameters are drawn anew for it: at their usual first values, zero biases and gains of one among them, a wrong
/// gradient could pass.
fn check<M: Module<f64> + Clone>(name: &str, model: &M, forward: &dyn Fn(&M) -> Tensor<f64>, rng: &mut Rng) -> Outcome {
    let mut parameters = Vec::new();
    model.for_each(&mut |_, parameter| parameters.push(Array::normal(parameter.shape(), 0.0, 0.5 / UNIT, rng)));
    let result = |parameters: &[Tensor<f64>]| forward(&model.with_parameters(parameters.iter().map(|x| x * UNIT)));
    check_gradients(name, result, &parameters, rng)
}

fn ids([b, t]: [usize; 2], rng: &mut Rng) -> Ids {
    Ids::new((0..b * t).map(|_| rng.below(VOCABULARY) as u32).collect::<Vec<_>>(), [b, t])
}

/// The logits of a short text, read in two pieces.
fn check_text<M: LanguageModel<f64> + Clone>(name: &str, model: &M, rng: &mut Rng) -> Outcome {
    let pieces = [3, 1].map(|time| ids([BATCH, time], rng));
    let logits = |model: &M| {
        let mut state = model.start(BATCH);
        Tensor::concat(&pieces.each_ref().map(|ids| model.logits(ids, &mut state, &mut Mode::Eval)), 1)
    };
    check(name, model, &logits, rng)
}

/// The logits of targets, given two sources of different lengths.
fn check_pair<M: LanguageModel<f64> + Clone>(name: &str, model: &M, rng: &mut Rng) -> Outcome {
    let (source, inputs) = (Source::new(ids([BATCH, 3], rng), vec![3, 2]), ids([BATCH, 3], rng));
    let logits = |model: &M| model.logits(&inputs, &mut model.encode(&source, &mut Mode::Eval), &mut Mode::Eval);
    check(name, model, &logits, rng)
}

fn recurrent(rng: &mut Rng) -> Outcome {
    let config = RecurrentConfig { vocabulary: VOCABULARY, embedding: 3, hidden: 4, layers: 2, dropout: 0.0 };
    let rnn: RnnLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let lstm: LstmLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let gru: GruLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let accuracy = check_text("RnnLanguageModel", &rnn, rng)?.worse(check_text("LstmLanguageModel", &lstm, rng)?);
    Ok(accuracy.worse(check_text("GruLanguageModel", &gru, rng)?))
}

fn seq2seq_config(tied: bool) -> Seq2SeqConfig {
    let [source_vocabulary, vocabulary] = [VOCABULARY, VOCABULARY];
    let embedding = if tied { 4 } else { 3 };
    Seq2SeqConfig { source_vocabulary, vocabulary, embedding, hidden: 4, layers: 2, tied, ..Seq2SeqConfig::default() }
}

fn seq2seq(rng: &mut Rng) -> Outcome {
    let lstm: Seq2Seq<f64, LstmEquations> = Seq2Seq::new(&seq2seq_config(false), rng).expect("possible sizes");
    let gru: Seq2Seq<f64, Reset> = Seq2Seq::new(&seq2seq_config(true), rng).expect("possible sizes");
    Ok(check_pair("Seq2Seq", &lstm, rng)?.worse(check_pair("Seq2Seq, tied", &gru, rng)?))
}

/// Both styles, all four scores, one direction and both, tied and not.
fn attention(rng: &mut Rng) -> Outcome {
    type Model<C> = AttentionSeq2Seq<f64, C>;
    let [source_vocabulary, vocabulary] = [VOCABULARY, VOCABULARY];
    let arrangements = [
        (Style::Bahdanau, Score::Additive, true, false),
        (Style::Luong, Score::General, true, true),
        (Style::Luong, Score::Dot, false, false),
        (Style::Bahdanau, Score::Concat, false, false),
    ];
    worst(arrangements.map(|(style, score, bidirectional, tied)| {
        let arrangement = AttentionConfig { style, score, bidirectional, tied, ..AttentionConfig::default() };
        let config = AttentionConfig { source_vocabulary, vocabulary, embedding: 4, hidden: 4, ..arrangement };
        let name = format!("AttentionSeq2Seq, {style:?}, {score:?}");
        match bidirectional {
            true => check_pair(&name, &Model::<Reset>::new(&config, rng).expect("possible sizes"), rng),
            false => check_pair(&name, &Model::<LstmEquations>::new(&config, rng).expect("possible sizes"), rng),
        }
    }))
}

fn head(rng: &mut Rng) -> Outcome {
    let x: Tensor<f64> = Array::normal([2, 4], 0.0, 1.0, rng).into();
    let embedding = Embedding::new(VOCABULARY, 4, Init::Normal(1.0), rng);
    let own = check("Head", &Head::new(false, 4, VOCABULARY, rng), &|head| head.scores(&x, &embedding).tanh(), rng)?;
    let tied = Head::new(true, 4, VOCABULARY, rng);
    Ok(own.worse(check("Head, tied", &tied, &|head| head.scores(&x, &embedding).tanh(), rng)?))
}

fn bridge(rng: &mut Rng) -> Outcome {
    let mut state = || {
        let mut vector = || Tensor::constant(Array::normal([2, 3], 0.0, 1.0, rng));
        RecurrentState { h: vector(), c: Some(vector()) }
    };
    let last = [state(), state()];
    let across = |bridge: &Bridge<f64>| {
        let RecurrentState { h, c } = bridge.cross(&last, &mut Mode::Eval);
        Tensor::concat(&[h, c.expect("a cell")], -1)
    };
    check("Bridge", &Bridge::new(6, 4, true, rng), &across, rng)
}

fn gpt(rng: &mut Rng) -> Outcome {
    let small = |config| {
        let sizes = GptConfig { vocabulary: VOCABULARY, context: 6, width: 4, heads: 2, layers: 2, ..config };
        GptConfig { bias: true, ..sizes }
    };
    let config = small(GptConfig::nanogpt());
    let gpt = check_text("Gpt", &Gpt::new(&config, rng).expect("possible sizes"), rng)?;
    let config = GptConfig { key_heads: Some(1), ..small(GptConfig::llama()) };
    Ok(gpt.worse(check_text("Gpt, as Llama", &Gpt::new(&config, rng).expect("possible sizes"), rng)?))
}

/// Both places of the norm, both kinds of positions, every tying. Relu's kink aside: gelu stands in its place.
fn transformer(rng: &mut Rng) -> Outcome {
    let sizes = TransformerConfig {
        source_vocabulary: VOCABULARY,
        vocabulary: VOCABULARY,
        context: 4,
        layers: 1,
        width: 4,
        heads: 2,
        feed_forward: Some(5),
        activation: Activation::Gelu,
        ..TransformerConfig::vaswani()
    };
    let arrangements = [
        (NormPosition::Post, AddedPositions::Sinusoidal, Tying::Head),
        (NormPosition::Pre, AddedPositions::Learned, Tying::Nothing),
        (NormPosition::Pre, AddedPositions::Sinusoidal, Tying::All),
    ];
    worst(arrangements.map(|(norm_position, positions, tied)| {
        let config = TransformerConfig { norm_position, positions, tied, ..sizes.clone() };
        let model = Transformer::new(&config, rng).expect("possible sizes");
        check_pair(&format!("Transformer, {norm_position:?}, {tied:?}"), &model, rng)
    }))
}

#[cfg(test)]
mod tests;
