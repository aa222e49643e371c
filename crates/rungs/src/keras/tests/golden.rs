//! Training beside Keras's: the same weights and the same samples have the same losses and gradients, a step of RMSprop
//! leads to the same weights, and `fit` returns the same history.
//!
//! The numbers are in `tests/fixtures/keras_seq2seq.safetensors`, made by the script there from Keras's own example: an
//! LSTM encoder, an LSTM decoder that begins in its last state, a dense softmax. Once padding is a class like the
//! others and targets are one-hot; once it is masked and targets are ids.

use crate::interop::keras;
use crate::keras::{Accuracy, CategoricalCrossEntropy, Compile, Compiled, Fit, Loss, Model, Outputs, Samples, one_hot};
use crate::layers::{Bias, Cell, Dropout, Init, Linear, Lstm, Mode, Module, parameters};
use crate::tensor::safetensors::Named;
use crate::tensor::{Array, Element, Ids, Rng, Tensor};
use crate::trainer::{Control, ParameterGradients};
use golden_numbers::{arrays, assert_agree, below};
use std::collections::BTreeMap;

#[path = "../../../../../tests/fixtures/golden_numbers.rs"]
mod golden_numbers;

/// What rounding may do, relative to the largest number of a tensor.
const TOLERANCE: f64 = 1e-11;

/// As in the script.
const BATCH: usize = 3;
const FIT: Fit = Fit { batch_size: BATCH, epochs: 3, validation_split: 0.3, shuffle: false };
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

/// The id of padding.
const PADDING: u32 = 0;

/// The example's model, with padding masked or not.
#[derive(Clone, Debug)]
struct Seq2Seq<E: Element> {
    encoder: Lstm<E>,
    decoder: Lstm<E>,
    dense: Linear<E>,
    masked: bool,
}
parameters!(Seq2Seq { encoder, decoder, dense, masked: _ });

impl Model<f64> for Seq2Seq<f64> {
    type Input = (Ids, Ids);

    fn forward(&self, (source, inputs): &(Ids, Ids), mode: &mut Mode<'_>) -> Tensor<f64> {
        let [b, s] = source.dims();
        let length = |row: &[u32]| if self.masked { row.iter().filter(|&&id| id != PADDING).count() } else { s };
        let lengths: Vec<usize> = source.as_slice().chunks(s).map(length).collect();
        let read = |lstm: &Lstm<f64>, ids| one_hot(ids, lstm.layers[0].inputs());
        let x = read(&self.encoder, source); // (B, S, V)
        let (_, last) = self.encoder.forward_padded(&x, &lengths, &self.encoder.zero_state(b), mode);
        let (states, _) = self.decoder.forward(&read(&self.decoder, inputs), &last, mode);
        self.dense.forward(&states, mode) // (B, T, V)
    }
}

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

/// Everything of one case, for targets of one form.
fn check<Y: Samples>(case: &str, golden: &Named<f64>, y: &Y, compile: impl Fn(f64) -> Compile<Y, f64>) {
    let x = (ids(&golden["source"]), ids(&golden["inputs"]));
    let first: Vec<usize> = (0..BATCH).collect();
    let (first_x, first_y) = (x.rows(&first), y.rows(&first));
    let model = model(golden, case == "masked");
    let golden = below(case, golden);

    let loss = compile(STEP_RATE).loss.loss(&first_y, &model.forward(&first_x, &mut Mode::Eval));
    let mean = loss.total * (1.0 / loss.tokens as f64);
    assert_number("loss", mean.item(), &golden["loss"]);
    let gradients = ParameterGradients::collect(&model, mean.backward()).unwrap();
    for (theirs, name) in WEIGHTS {
        let ours = gradients.sum(name).unwrap().array();
        assert_agree(&format!("{case}, gradient by {name}"), ours, &golden[&format!("gradient.{theirs}")], TOLERANCE);
    }

    let mut compiled = Compiled::new(model.clone(), compile(STEP_RATE)).unwrap();
    let scores = compiled.train_on_batch(&first_x, &first_y, &mut Rng::new(0)).unwrap();
    assert_number("loss of the step", scores.loss.value(), &golden["loss"]);
    assert_weights("step", compiled.model(), &golden);

    let mut compiled = Compiled::new(model, compile(FIT_RATE)).unwrap();
    let history = compiled.fit(&x, y, FIT, &mut Rng::new(0), &mut |_| Control::Continue).unwrap();
    for name in ["loss", "accuracy", "val_loss", "val_accuracy"] {
        let series = history.get(name).unwrap().to_vec();
        let golden = &golden[&format!("history.{name}")];
        assert_agree(&format!("{case}, {name}"), &Array::from_vec(series, golden.shape()), golden, TOLERANCE);
    }
    assert_weights("fitted", compiled.model(), &golden);
}

#[test]
fn padding_as_a_class_is_what_keras_computes() {
    let golden = arrays("keras_seq2seq.safetensors");
    let y: Tensor<f64> = one_hot(&ids(&golden["targets"]), 6);
    check("all", &golden, &y, |learning_rate| Compile {
        learning_rate,
        metrics: vec![Box::new(Accuracy::default())],
        ..Compile::new(CategoricalCrossEntropy::default())
    });
}

#[test]
fn padding_under_a_mask_is_what_keras_computes() {
    let golden = arrays("keras_seq2seq.safetensors");
    let (y, ignore_class) = (ids(&golden["targets"]), Some(PADDING));
    check("masked", &golden, &y, |learning_rate| Compile {
        learning_rate,
        metrics: vec![Box::new(Accuracy { ignore_class })],
        ..Compile::new(CategoricalCrossEntropy { ignore_class, ..Default::default() })
    });
}

#[test]
fn losses_of_probabilities_are_keras_s() {
    let golden = below("losses", &arrays("keras_seq2seq.safetensors"));
    let loss = CategoricalCrossEntropy { outputs: Outputs::Probabilities, ignore_class: None };
    let ignoring = CategoricalCrossEntropy { ignore_class: Some(2), ..loss };
    let (y, ids) = (Tensor::constant(golden["y"].clone()), ids(&golden["ids"]));
    let p = Tensor::variable(golden["p"].clone());
    for (name, loss) in
        [("categorical", loss.loss(&y, &p)), ("sparse", loss.loss(&ids, &p)), ("ignoring", ignoring.loss(&ids, &p))]
    {
        let mean = loss.total * (1.0 / loss.tokens as f64);
        assert_number(name, mean.item(), &golden[name]);
        let gradient = mean.backward();
        let golden = &golden[&format!("gradient.{name}")];
        assert_agree(name, gradient.wrt(&p).unwrap().array(), golden, TOLERANCE);
    }
}
