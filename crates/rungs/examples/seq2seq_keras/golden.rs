//! The example beside Keras's: the same weights and the same samples have the same losses and gradients, a step of
//! RMSprop leads to the same weights, and `fit` returns the same history.
//!
//! The numbers are in `tests/fixtures/keras_seq2seq.safetensors`, made by the script there. In one case padding is a
//! class like the others and targets are one-hot; in the other it is masked and targets are ids.

use crate::fit::{Fit, HISTORY, Samples, compile, fit, select};
use crate::seq2seq::Seq2Seq;
use golden_numbers::{arrays, assert_agree, below};
use rungs::interop::keras;
use rungs::prelude::*;
use rungs::tensor::safetensors::Named;
use std::collections::BTreeMap;

#[path = "../../../../tests/fixtures/golden_numbers.rs"]
mod golden_numbers;

/// What rounding may do, relative to the largest number of a tensor.
const TOLERANCE: f64 = 1e-11;

/// As in the script.
const BATCH: usize = 3;
const EPOCHS: usize = 3;
const SPLIT: f64 = 0.3;
const STEP_RATE: f64 = 1e-3;
const FIT_RATE: f64 = 0.05;

/// Each weight by Keras's name and by ours.
const WEIGHTS: [(&str, &str); 8] = [
    ("encoder/lstm_cell/kernel", "encoder.layers.0.w_x"),
    ("encoder/lstm_cell/recurrent_kernel", "encoder.layers.0.w_h"),
    ("encoder/lstm_cell/bias", "encoder.layers.0.bias"),
    ("decoder/lstm_cell/kernel", "decoder.layers.0.w_x"),
    ("decoder/lstm_cell/recurrent_kernel", "decoder.layers.0.w_h"),
    ("decoder/lstm_cell/bias", "decoder.layers.0.bias"),
    ("dense/kernel", "dense.weight"),
    ("dense/bias", "dense.bias"),
];

/// The weights of the fixture, loaded as anyone would.
fn model(golden: &Named<f64>, masked: bool) -> Seq2Seq<f64> {
    let weight = |name: &str| golden[&format!("weights.{name}")].clone();
    let widths = |name: &str| weight(&format!("{name}/lstm_cell/kernel")).dims::<2>();
    let hidden = widths("encoder")[1] / 4;
    let weights: Named<f64> = WEIGHTS.iter().map(|(theirs, _)| ((*theirs).to_owned(), weight(theirs))).collect();
    let rng = &mut Rng::new(0);
    let lstm = |name: &str, rng: &mut Rng| {
        let mut lstm = Lstm::new(widths(name)[0], hidden, 1, Dropout::new(0.0), rng);
        keras::load(&mut lstm, &weights, &[&format!("{name}/lstm_cell/")]).unwrap();
        lstm
    };
    let (encoder, decoder) = (lstm("encoder", rng), lstm("decoder", rng));
    let [inputs, outputs] = weight("dense/kernel").dims();
    let mut dense = Linear::new(inputs, outputs, Bias::Yes, Init::Zeros, rng);
    let dense_weights = [("weight", "dense/kernel"), ("bias", "dense/bias")];
    dense.load(&dense_weights.map(|(ours, theirs)| (ours.to_owned(), weight(theirs))).into()).unwrap();
    Seq2Seq { encoder, decoder, dense, masked }
}

fn ids(numbers: &Array<f64>) -> Ids {
    Ids::new(numbers.to_vec().into_iter().map(|x| x as u32).collect::<Vec<_>>(), numbers.shape())
}

fn assert_number(what: &str, ours: f64, golden: &Array<f64>) {
    assert_agree(what, &Array::from_vec(vec![ours], golden.shape()), golden, TOLERANCE);
}

fn assert_weights(what: &str, model: &Seq2Seq<f64>, golden: &Named<f64>) {
    let ours: BTreeMap<_, _> = model.named().into_iter().collect();
    for (theirs, name) in WEIGHTS {
        let golden = &golden[&format!("{what}.{theirs}")];
        assert_agree(&format!("{what}, {name}"), ours[name].array(), golden, TOLERANCE);
    }
}

/// Everything of one case.
fn check(case: &str) {
    let golden = arrays("keras_seq2seq.safetensors");
    let [source, inputs, targets] = ["source", "inputs", "targets"].map(|name| ids(&golden[name]));
    let model = model(&golden, case == "masked");
    let golden = below(case, &golden);
    let task = || {
        let samples = Samples { source: source.clone(), inputs: inputs.clone(), targets: targets.clone() };
        Fit::new(samples, BATCH, SPLIT, false).unwrap()
    };

    let first: Vec<usize> = (0..BATCH).collect();
    let [source, inputs, targets] = [&source, &inputs, &targets].map(|ids| select(ids, &first));
    let mean = model.loss(&model.logits(&source, &inputs, &mut Mode::Eval), &targets);
    assert_number("loss", mean.item(), &golden["loss"]);
    let gradients = ParameterGradients::collect(&model, mean.backward()).unwrap();
    for (theirs, name) in WEIGHTS {
        let ours = gradients.sum(name).unwrap().array();
        assert_agree(&format!("{case}, gradient by {name}"), ours, &golden[&format!("gradient.{theirs}")], TOLERANCE);
    }

    let mut trainer = compile(model.clone(), task(), STEP_RATE, EPOCHS).unwrap();
    let one_step = &mut |event| {
        let Event::Step { step: 1, loss, .. } = event else { panic!("more than one step: {event:?}") };
        assert_number("loss of the step", loss, &golden["loss"]);
        Control::Stop
    };
    trainer.run(one_step).unwrap();
    assert_weights("step", trainer.model(), &golden);

    let mut trainer = compile(model, task(), FIT_RATE, EPOCHS).unwrap();
    let history = fit(&mut trainer, &mut |_, _| ()).unwrap();
    for (i, name) in HISTORY.into_iter().enumerate() {
        let series = history.iter().map(|epoch| epoch[i]).collect();
        let golden = &golden[&format!("history.{name}")];
        assert_agree(&format!("{case}, {name}"), &Array::from_vec(series, golden.shape()), golden, TOLERANCE);
    }
    assert_weights("fitted", trainer.model(), &golden);
}

#[test]
fn padding_as_a_class_is_what_keras_computes() {
    check("all");
}

#[test]
fn padding_under_a_mask_is_what_keras_computes() {
    check("masked");
}

/// Keras's losses of what is a probability already, as compositions: clipped to [10⁻⁷, 1 − 10⁻⁷], and one-hot targets
/// against p / Σ p.
#[test]
fn losses_of_probabilities_are_keras_s() {
    let golden = below("losses", &arrays("keras_seq2seq.safetensors"));
    let (y, ids) = (Tensor::constant(golden["y"].clone()), ids(&golden["ids"]));
    let p = Tensor::variable(golden["p"].clone());
    let clipped_ln = |p: &Tensor<f64>| p.maximum(&Tensor::scalar(1e-7)).minimum(&Tensor::scalar(1.0 - 1e-7)).ln();
    let of_ids = |ignore| clipped_ln(&p).cross_entropy(&ids, CrossEntropy { ignore, ..CrossEntropy::default() });
    let categorical = -(&y * clipped_ln(&(&p / p.sum_over([-1])))).sum_over([-1]).mean();
    for (name, mean) in [("categorical", categorical), ("sparse", of_ids(None)), ("ignoring", of_ids(Some(2)))] {
        assert_number(name, mean.item(), &golden[name]);
        let gradient = mean.backward();
        let golden = &golden[&format!("gradient.{name}")];
        assert_agree(name, gradient.wrt(&p).unwrap().array(), golden, TOLERANCE);
    }
}
