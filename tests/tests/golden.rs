//! Our numbers beside PyTorch's, in double precision.
//!
//! PyTorch is an implementation of the same mathematics by other people: agreement with it to eleven digits rules out
//! the mistakes that a comparison with oneself repeats. The numbers are in `tests/fixtures`, made by the scripts
//! there. Both kinds of test go through a table of cases which the scripts wrote:
//!
//! - single layers and kernels: value, gradients, and second-order gradients;
//! - ten training steps of each model with each optimizer, taken by the trainer itself: the loss and the gradient norm
//!   of each step, all gradients of the first, all weights after the last.

use crate::golden_numbers::{arrays, assert_agree, below, fixture};
use rungs_layers::{Dropout, Linear, Mode, Module, SelfAttention};
use rungs_models::{Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, CrossEntropy, Graph, Ids, Reduction, Rng, Tensor, vjp};
use rungs_trainer::{
    Budget, Control, Evaluation, Event, Loss, ParameterGradients, Position, Schedule, Task, TrainError, Trainer,
    TrainerConfig,
};
use serde_json::Value;

/// What rounding may do, relative to the largest number of a tensor, ten training steps included. Nothing here
/// amplifies it, with one exception.
const TOLERANCE: f64 = 1e-11;

/// The exception. A bias of the keys adds the same number to all scores of a row, so that its gradient is zero but for
/// rounding; g / (√v̂ + ε) makes a step of about 10⁻⁹ of a learning rate out of that, and no two programs the same one.
const KEY_BIAS_TOLERANCE: f64 = 1e-8;

// The fixtures.

fn json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().unwrap().iter()
}

fn numbers(list: &Value) -> Array<f64> {
    let numbers: Vec<f64> = list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let count = numbers.len();
    Array::from_vec(numbers, count)
}

/// A list of lists of ids (B, T).
fn ids(rows: &Value) -> Ids {
    let rows: Vec<Vec<u32>> = serde_json::from_value(rows.clone()).unwrap();
    Ids::new(rows.concat(), [rows.len(), rows[0].len()])
}

// Single layers.

/// Compares the output of a case, the gradients by all its inputs, and the gradients of ½ Σ ‖gradient‖².
fn check_layer(golden: &Named<f64>, case: &str, inputs: &[&str], layer: impl Fn(&[Tensor<f64>]) -> Tensor<f64>) {
    let golden = below(case, golden);
    let x: Vec<Tensor<f64>> = inputs.iter().map(|&name| Tensor::variable(golden[name].clone())).collect();
    let targets: Vec<&Tensor<f64>> = x.iter().collect();
    let y = layer(&x);
    assert_agree(&format!("{case}, output"), y.array(), &golden["output"], TOLERANCE);

    // Kernels have a backward of their own when the gradient need not be differentiated, and go through their
    // definition when it must be.
    let dy = Tensor::constant(golden["cotangent"].clone());
    let compare = |order: &str, gradients: &[Tensor<f64>]| {
        for (name, gradient) in inputs.iter().zip(gradients) {
            let what = format!("{case}, {order} gradient by {name}");
            assert_agree(&what, gradient.array(), &golden[&format!("{order}.{name}")], TOLERANCE);
        }
    };
    compare("gradient", &vjp(&y, &dy, &targets, Graph::Drop));
    let gradients = vjp(&y, &dy, &targets, Graph::Keep);
    compare("gradient", &gradients);
    let squares = gradients.iter().map(|gradient| gradient.square().sum()).reduce(|a, b| a + b).unwrap() * 0.5;
    compare("second", &vjp(&squares, &Tensor::scalar(1.0), &targets, Graph::Drop));
}

#[test]
fn layer_norm_agrees() {
    let golden = arrays("layers.safetensors");
    let epsilon = json("layers.json")["layer_norm"]["epsilon"].as_f64().unwrap();
    check_layer(&golden, "layer_norm", &["x", "gain", "bias"], |x| x[0].layer_norm(&x[1], Some(&x[2]), epsilon));
    check_layer(&golden, "layer_norm_no_bias", &["x", "gain"], |x| x[0].layer_norm(&x[1], None, epsilon));
}

#[test]
fn both_forms_of_gelu_agree() {
    let golden = arrays("layers.safetensors");
    check_layer(&golden, "gelu", &["x"], |x| x[0].gelu());
    check_layer(&golden, "gelu_tanh", &["x"], |x| x[0].gelu_tanh());
}

#[test]
fn softmax_and_log_softmax_agree() {
    let golden = arrays("layers.safetensors");
    check_layer(&golden, "softmax", &["x"], |x| x[0].softmax());
    check_layer(&golden, "log_softmax", &["x"], |x| x[0].log_softmax());
}

#[test]
fn cross_entropy_agrees_with_ignored_targets_and_smoothing() {
    let golden = arrays("layers.safetensors");
    let settings = &json("layers.json")["cross_entropy"];
    let targets = ids(&settings["targets"]);
    for (case, settings) in entries(&settings["cases"]) {
        let options = CrossEntropy {
            ignore: settings["ignore"].as_u64().map(|id| id as u32),
            smoothing: settings["smoothing"].as_f64().unwrap(),
            reduction: if settings["reduction"] == "sum" { Reduction::Sum } else { Reduction::Mean },
        };
        check_layer(&golden, case, &["x"], |x| x[0].cross_entropy(&targets, options));
    }
}

#[test]
fn cross_entropy_against_probabilities_agrees() {
    let golden = arrays("layers.safetensors");
    for (case, settings) in entries(&json("layers.json")["soft_cross_entropy"]) {
        let smoothing = settings["smoothing"].as_f64().unwrap();
        let reduction = if settings["reduction"] == "sum" { Reduction::Sum } else { Reduction::Mean };
        let loss = |x: &[Tensor<f64>]| x[0].soft_cross_entropy(&x[1], smoothing, reduction);
        check_layer(&golden, case, &["x", "targets"], loss);
    }
}

#[test]
fn causal_attention_agrees() {
    let golden = arrays("layers.safetensors");
    let heads = json("layers.json")["attention"]["heads"].as_u64().unwrap() as usize;
    let inputs = ["x", "qkv.weight", "qkv.bias", "projection.weight", "projection.bias"];
    check_layer(&golden, "attention", &inputs, |x| {
        let qkv = Linear::of(x[1].clone(), Some(x[2].clone()));
        let projection = Linear::of(x[3].clone(), Some(x[4].clone()));
        let attention = SelfAttention::new(qkv, projection, [heads; 2], Dropout::new(0.0)).causal();
        attention.forward(&x[0], None, None, &mut Mode::Eval)
    });
}

// Training steps.

type Model = Box<dyn LanguageModel<f64>>;

fn gpt_config(config: &serde_json::Value) -> GptConfig {
    let [vocabulary, context, width, heads, layers] = ["vocabulary", "context", "width", "heads", "layers"]
        .map(|name| config[name].as_u64().expect("a size") as usize);
    let bias = config["bias"].as_bool().expect("a choice");
    GptConfig { bias, vocabulary, context, width, heads, layers, ..GptConfig::nanogpt() }
}

fn recurrent_config(config: &Value) -> RecurrentConfig {
    let mut config = config.clone();
    let vocabulary = config.as_object_mut().unwrap().remove("vocabulary").unwrap().as_u64().unwrap() as usize;
    RecurrentConfig { vocabulary, ..serde_json::from_value(config).unwrap() }
}

/// The model of a case, with its initial weights.
fn build(name: &str, config: &Value, initial: &Named<f64>) -> Model {
    let rng = &mut Rng::new(0);
    let mut model: Model = match name {
        "rnn" => Box::new(RnnLanguageModel::new(&recurrent_config(config), rng).unwrap()),
        "lstm" => Box::new(LstmLanguageModel::new(&recurrent_config(config), rng).unwrap()),
        "gpt" | "gpt_bias" => Box::new(Gpt::new(&gpt_config(config), rng).unwrap()),
        _ => panic!("no model is called {name}"),
    };
    model.load(initial).unwrap();
    model
}

/// The same batch at every step.
#[derive(Clone)]
struct OneBatch {
    inputs: Ids,
    targets: Ids,
}

impl Task<f64> for OneBatch {
    type Model = Model;

    fn next_loss(&mut self, model: &Model, rng: &mut Rng) -> Result<Loss<f64>, TrainError> {
        let [batch, time] = self.inputs.dims();
        let logits = model.logits(&self.inputs, &mut model.start(batch), &mut Mode::Train(rng)); // (B, T, V)
        let sum = CrossEntropy { reduction: Reduction::Sum, ..CrossEntropy::default() };
        Ok(Loss { total: logits.cross_entropy(&self.targets, sum), tokens: batch * time })
    }

    fn validate(&self, _: &Model) -> Result<Evaluation, TrainError> {
        Ok(Evaluation::default())
    }

    fn position(&self) -> Position<f64> {
        Position::default()
    }

    fn resume(&mut self, _: Position<f64>) -> Result<(), TrainError> {
        Ok(())
    }
}

/// Compares the gradients of the first step, before clipping.
fn check_gradients(case: &str, model: &Model, mut task: OneBatch, golden: &Named<f64>) {
    let loss = task.next_loss(model, &mut Rng::new(0)).unwrap();
    let gradients = ParameterGradients::collect(model, (loss.total / loss.tokens as f64).backward()).unwrap();
    for (name, golden) in golden {
        let gradient = gradients.sum(name).unwrap();
        assert_agree(&format!("{case}, gradient of {name}"), gradient.array(), golden, TOLERANCE);
    }
}

/// Takes the steps, and compares the loss and the norm of the gradient at each, and the weights after the last.
fn check_run(case: &str, model: Model, task: OneBatch, settings: &Value, run: &Value, golden: &Named<f64>) {
    let (golden_losses, golden_norms) = (numbers(&run["losses"]), numbers(&run["gradient_norms"]));
    let steps = golden_losses.size();
    let config = TrainerConfig {
        budget: Budget::Steps(steps),
        optimizer: serde_json::from_value(settings["method"].clone()).unwrap(),
        schedule: Schedule::Constant { rate: settings["learning_rate"].as_f64().unwrap() },
        clip: settings["clip"].as_f64(),
        ..TrainerConfig::default()
    };
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    let mut trainer = Trainer::new(model, task, config).unwrap();
    let mut record = |event| {
        if let Event::Step { loss, gradient_norm, .. } = event {
            losses.push(loss);
            norms.push(gradient_norm);
        }
        Control::Continue
    };
    trainer.run(&mut record).unwrap();
    assert_agree(&format!("{case}, losses"), &Array::from_vec(losses, steps), &golden_losses, TOLERANCE);
    assert_agree(&format!("{case}, gradient norms"), &Array::from_vec(norms, steps), &golden_norms, TOLERANCE);
    let weights = trainer.model().named();
    assert_eq!(weights.len(), golden.len(), "{case}: parameters");
    for (name, weight) in weights {
        check_weight(&format!("{case}, {name} after {steps} steps"), &name, &weight, &golden[&name]);
    }
}

/// Compares a weight after the last step; of the biases of queries, keys and values each part by itself.
fn check_weight(what: &str, name: &str, ours: &Tensor<f64>, pytorch: &Array<f64>) {
    if !name.ends_with("attention.qkv.bias") {
        return assert_agree(what, ours.array(), pytorch, TOLERANCE);
    }
    let ours: [Tensor<f64>; 3] = ours.chunks(-1);
    let pytorch: [Tensor<f64>; 3] = Tensor::constant(pytorch.clone()).chunks(-1);
    let parts = [("query", TOLERANCE), ("key", KEY_BIAS_TOLERANCE), ("value", TOLERANCE)];
    for (i, (part, tolerance)) in parts.into_iter().enumerate() {
        assert_agree(&format!("{what}, {part} part"), ours[i].array(), pytorch[i].array(), tolerance);
    }
}

/// Every optimizer on one model.
fn check_model(name: &str) {
    let table = json("training_steps.json");
    let arrays = arrays(&format!("training_steps_{name}.safetensors"));
    let task = OneBatch { inputs: ids(&table["ids"]), targets: ids(&table["targets"]) };
    let model = &table["models"][name];
    let build = || build(name, &model["config"], &below("initial", &arrays));
    check_gradients(name, &build(), task.clone(), &below("gradient", &arrays));
    let mut optimizers = 0;
    for (optimizer, settings) in entries(&table["optimizers"]) {
        let case = format!("{name} with {optimizer}");
        check_run(&case, build(), task.clone(), settings, &model["runs"][optimizer], &below(optimizer, &arrays));
        optimizers += 1;
    }
    assert_eq!(optimizers, 6);
}

#[test]
fn ten_steps_of_the_rnn_agree() {
    check_model("rnn");
}

#[test]
fn ten_steps_of_the_lstm_agree() {
    check_model("lstm");
}

#[test]
fn ten_steps_of_the_gpt_agree() {
    check_model("gpt");
}

#[test]
fn ten_steps_of_the_gpt_with_biases_agree() {
    check_model("gpt_bias");
}
