//! Recurrent weights from PyTorch and Keras: with them our layers compute what those libraries compute, and what is
//! written is read back bit for bit.
//!
//! The numbers are in `tests/fixtures`, made by the scripts there: two layers, in one direction and in both, on a batch
//! of different lengths. Every result is compared, and the gradient by the input and by every parameter: by the other
//! library's own parameters, which become ours through the very functions that load them.

use crate::golden_numbers::{arrays, assert_agree, below};
use crate::keras::{self, KerasCell};
use crate::pytorch::{self, PyTorchCell};
use proptest::prelude::*;
use rungs_layers::{
    Cell, Direction, Dropout, Gru, GruCell, Lstm, LstmCell, LstmEquations, Mode, Module, Nonlinearity, Order,
    Recurrent, RecurrentState, Reset, RnnCell,
};
use rungs_tensor::safetensors::{self, Named};
use rungs_tensor::{Array, Graph, Mask, Rng, Tensor, grad};
use std::collections::BTreeMap;

const VALUES: f64 = 1e-12;
const GRADIENTS: f64 = 1e-11;

/// The sizes of the fixtures.
const LENGTHS: [usize; 3] = [5, 2, 3];
const INPUTS: usize = 3;
const HIDDEN: usize = 4;
const LAYERS: usize = 2;

const DIRECTIONS: [(&str, Direction); 2] = [("forward", Direction::Forward), ("both", Direction::Both)];

fn stack<C: Cell<f64>>(kind: C::Kind, direction: Direction, seed: u64) -> Recurrent<C> {
    let dropout = Dropout::new(0.0);
    Recurrent::of_kind(kind, direction, INPUTS, HIDDEN, LAYERS, dropout, &mut Rng::new(seed))
}

// The same numbers as elsewhere.

/// The other library's parameters as variables, by name.
type Variables = BTreeMap<String, Tensor<f64>>;

/// The same layers with every cell replaced by what `read` makes of it, its layer and its order.
fn rebuilt<C: Cell<f64>>(stack: &Recurrent<C>, read: impl Fn(&C, usize, Order) -> C) -> Recurrent<C> {
    let rebuild = |cells: &[C], order| cells.iter().enumerate().map(|(layer, cell)| read(cell, layer, order)).collect();
    Recurrent {
        layers: rebuild(&stack.layers, Order::Forward),
        backward: rebuild(&stack.backward, Order::Reverse),
        dropout: stack.dropout,
    }
}

/// `x` (B, T, …) within the lengths, and `padding` past them.
fn padded(x: &Tensor<f64>, padding: f64) -> Tensor<f64> {
    let [b, t, _] = x.dims();
    let real = Mask::from_fn([b, t, 1], |i| i % t < LENGTHS[i / t]);
    Tensor::choose(&real, x, &Tensor::constant(Array::full(x.shape(), padding)))
}

/// One state per cell from (cells, B, H) each; zeros if the case has none.
fn first_states<C: Cell<f64>>(golden: &Named<f64>, stack: &Recurrent<C>) -> Vec<RecurrentState<f64>> {
    let Some(h) = golden.get("h0") else { return stack.zero_state(LENGTHS.len()) };
    let of_cell = |states: &Array<f64>, cell: usize| {
        Tensor::constant(states.clone()).slice(0, cell..cell + 1).squeeze(0) // (B, H)
    };
    let state = |cell| RecurrentState { h: of_cell(h, cell), c: golden.get("c0").map(|c| of_cell(c, cell)) };
    (0..h.shape().dim(0)).map(state).collect()
}

/// Every state with zeros in the padding, and the last states (cells, B, H).
fn results<C: Cell<f64>>(
    golden: &Named<f64>,
    stack: &Recurrent<C>,
    x: &Tensor<f64>,
) -> Vec<(&'static str, Tensor<f64>)> {
    // What stands in the padding does not matter, so that it may be anything.
    let states = first_states(golden, stack);
    let (y, last) = stack.forward(&padded(x, 7.0), Some(&LENGTHS), &states, &mut Mode::Eval);
    let h: Vec<_> = last.iter().map(|state| state.h.clone()).collect();
    let c: Vec<_> = last.iter().filter_map(|state| state.c.clone()).collect();
    let mut results = vec![("output", padded(&y, 0.0)), ("hn", Tensor::stack(&h, 0))];
    results.extend((!c.is_empty()).then(|| ("cn", Tensor::stack(&c, 0))));
    results
}

/// Compares what `loaded` computes, and the gradients of `differentiable`, whose parameters are made of `variables`.
fn check<C: Cell<f64>>(
    case: &str,
    golden: &Named<f64>,
    loaded: &Recurrent<C>,
    differentiable: &Recurrent<C>,
    variables: &Variables,
) {
    let x = Tensor::variable(golden["x"].clone());
    for (name, ours) in results(golden, loaded, &x) {
        let theirs = Tensor::constant(golden[name].clone());
        let theirs = if name == "output" { padded(&theirs, 0.0) } else { theirs };
        assert_agree(&format!("{case}, {name}"), ours.array(), theirs.array(), VALUES);
    }

    let weighted = |(name, result): (&str, Tensor<f64>)| {
        (result * Tensor::constant(golden[&format!("cotangent.{name}")].clone())).sum()
    };
    let total = results(golden, differentiable, &x).into_iter().map(weighted).reduce(|a, b| a + b).unwrap();
    let targets: Vec<(&str, &Tensor<f64>)> =
        std::iter::once(("x", &x)).chain(variables.iter().map(|(name, variable)| (name.as_str(), variable))).collect();
    for (name, target) in targets {
        let [ours] = grad(&total, [target], Graph::Drop);
        let theirs = &golden[&format!("gradient.{name}")];
        assert_agree(&format!("{case}, gradient by {name}"), ours.array(), theirs, GRADIENTS);
    }
}

/// The arrays of a case whose names begin with `kind` and a dot, without it.
fn of_kind(kind: &str, golden: &Named<f64>) -> Named<f64> {
    let named = golden.iter().filter_map(|(name, array)| {
        let name = name.strip_prefix(kind)?.strip_prefix('.')?;
        Some((name.to_owned(), array.clone()))
    });
    named.collect()
}

fn variables(arrays: &Named<f64>) -> Variables {
    arrays.iter().map(|(name, array)| (name.clone(), Tensor::variable(array.clone()))).collect()
}

fn check_pytorch<C: PyTorchCell<f64>>(name: &str, kind: C::Kind) {
    let arrays = arrays("exchange_pytorch.safetensors");
    for (suffix, direction) in DIRECTIONS {
        let case = format!("{name}_{suffix}");
        let golden = below(&case, &arrays);
        let parameters = of_kind("parameters", &golden);
        let mut loaded: Recurrent<C> = stack(kind, direction, 1);
        pytorch::load(&mut loaded, &parameters, "").unwrap();

        let variables = variables(&parameters);
        let differentiable = rebuilt(&loaded, |cell, layer, order| {
            let way = if order == Order::Reverse { "_reverse" } else { "" };
            let parameter = |name: &str| variables[&format!("{name}_l{layer}{way}")].clone();
            cell.with_pytorch(["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(parameter))
        });
        check(&case, &golden, &loaded, &differentiable, &variables);
    }
}

#[test]
fn pytorch_parameters_compute_what_pytorch_computes() {
    check_pytorch::<RnnCell<f64>>("rnn_tanh", Nonlinearity::Tanh);
    check_pytorch::<RnnCell<f64>>("rnn_relu", Nonlinearity::Relu);
    check_pytorch::<LstmCell<f64>>("lstm", LstmEquations);
    check_pytorch::<GruCell<f64>>("gru", Reset::AfterProduct);
}

fn check_keras<C: KerasCell<f64>>(name: &str, cell_name: &str, kind: C::Kind) {
    let arrays = arrays("exchange_keras.safetensors");
    for (suffix, direction) in DIRECTIONS {
        let case = format!("{name}_{suffix}");
        let golden = below(&case, &arrays);
        let weights = of_kind("weights", &golden);
        let both = direction == Direction::Both;
        let prefix = |layer: usize, order| match (both, order) {
            (false, _) => format!("layer_{layer}/{cell_name}/"),
            (true, Order::Forward) => format!("both_{layer}/forward_layer_{layer}/{cell_name}/"),
            (true, Order::Reverse) => format!("both_{layer}/backward_layer_{layer}/{cell_name}/"),
        };
        let orders: &[Order] = if both { &[Order::Forward, Order::Reverse] } else { &[Order::Forward] };
        let prefixes: Vec<String> =
            (0..LAYERS).flat_map(|layer| orders.iter().map(move |&order| prefix(layer, order))).collect();
        let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        let mut loaded: Recurrent<C> = stack(kind, direction, 1);
        keras::load(&mut loaded, &weights, &prefixes).unwrap();

        let variables = variables(&weights);
        let differentiable = rebuilt(&loaded, |cell, layer, order| {
            let weight = |name: &str| variables[&format!("{}{name}", prefix(layer, order))].clone();
            cell.with_keras(["kernel", "recurrent_kernel", "bias"].map(weight))
        });
        check(&case, &golden, &loaded, &differentiable, &variables);
    }
}

#[test]
fn keras_weights_compute_what_keras_computes() {
    check_keras::<RnnCell<f64>>("rnn_tanh", "simple_rnn_cell", Nonlinearity::Tanh);
    check_keras::<RnnCell<f64>>("rnn_relu", "simple_rnn_cell", Nonlinearity::Relu);
    check_keras::<LstmCell<f64>>("lstm", "lstm_cell", LstmEquations);
    check_keras::<GruCell<f64>>("gru_after", "gru_cell", Reset::AfterProduct);
    check_keras::<GruCell<f64>>("gru_before", "gru_cell", Reset::BeforeProduct);
}

// Out and back.

/// Layers of any sizes, with random parameters among which are zeros of both signs.
fn random_stack<C: Cell<f64>>(kind: C::Kind, [d, h, layers]: [usize; 3], both: bool, seed: u64) -> Recurrent<C> {
    let direction = if both { Direction::Both } else { Direction::Forward };
    let rng = &mut Rng::new(seed);
    let mut stack: Recurrent<C> = Recurrent::of_kind(kind, direction, d, h, layers, Dropout::new(0.0), rng);
    stack.for_each_mut(&mut |_, parameter| {
        let numbers = Array::normal(parameter.shape(), 0.0, 1.0, rng).to_vec();
        let some_zeros = |x: &f64| if x.abs() < 0.4 { 0.0f64.copysign(*x) } else { *x };
        *parameter = Tensor::variable(Array::from_vec(numbers.iter().map(some_zeros).collect(), parameter.shape()));
    });
    stack
}

/// Every number of every parameter, bit for bit.
fn bits<C: Cell<f64>>(stack: &Recurrent<C>) -> Vec<(String, Vec<u64>)> {
    let bits = |x: Tensor<f64>| x.to_vec().into_iter().map(f64::to_bits).collect();
    stack.named().into_iter().map(|(name, x)| (name, bits(x))).collect()
}

fn through_a_file(tensors: &Named<f64>) -> Named<f64> {
    safetensors::read(&safetensors::write(tensors, None).unwrap()).unwrap()
}

fn pytorch_and_back<C: PyTorchCell<f64>>(kind: C::Kind, sizes: [usize; 3], both: bool, seed: u64) {
    let stack: Recurrent<C> = random_stack(kind, sizes, both, seed);
    let mut copy: Recurrent<C> = random_stack(kind, sizes, both, seed + 1);
    let file = through_a_file(&pytorch::save(&stack, "encoder.rnn.").unwrap());
    pytorch::load(&mut copy, &file, "encoder.rnn.").unwrap();
    assert_eq!(bits(&copy), bits(&stack));
}

fn prefixes(cells: usize) -> Vec<String> {
    (0..cells).map(|cell| format!("model/layer_{cell}/")).collect()
}

fn keras_and_back<C: KerasCell<f64>>(stack: &Recurrent<C>, mut copy: Recurrent<C>) -> Recurrent<C> {
    let prefixes = prefixes(stack.layers.len() + stack.backward.len());
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    let file = through_a_file(&keras::save(stack, &prefixes));
    keras::load(&mut copy, &file, &prefixes).unwrap();
    copy
}

fn keras_and_back_exactly<C: KerasCell<f64>>(kind: C::Kind, sizes: [usize; 3], both: bool, seed: u64) {
    let stack: Recurrent<C> = random_stack(kind, sizes, both, seed);
    let copy = keras_and_back(&stack, random_stack(kind, sizes, both, seed + 1));
    assert_eq!(bits(&copy), bits(&stack));
}

/// A GRU with the reset gate before the product, whose two biases of n Keras adds.
fn reset_before_and_back(sizes: [usize; 3], both: bool, seed: u64) {
    let kind = Reset::BeforeProduct;
    let stack: Gru<f64> = random_stack(kind, sizes, both, seed);
    let once = keras_and_back(&stack, random_stack(kind, sizes, both, seed + 1));
    let twice = keras_and_back(&once, stack.clone());
    assert_eq!(bits(&twice), bits(&once), "with one bias of n nothing changes any more");

    let x = Tensor::constant(Array::normal([2, 3, sizes[0]], 0.0, 1.0, &mut Rng::new(seed)));
    let [ours, copys] = [&stack, &once].map(|gru| gru.forward(&x, None, &gru.zero_state(2), &mut Mode::Eval).0);
    assert_agree("the function", copys.array(), ours.array(), VALUES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_goes_out_comes_back_bit_for_bit(
        d in 1usize..6, h in 1usize..6, layers in 1usize..4, both: bool, seed in 0u64..1 << 40,
    ) {
        let sizes = [d, h, layers];
        pytorch_and_back::<RnnCell<f64>>(Nonlinearity::Relu, sizes, both, seed);
        pytorch_and_back::<LstmCell<f64>>(LstmEquations, sizes, both, seed);
        pytorch_and_back::<GruCell<f64>>(Reset::AfterProduct, sizes, both, seed);
        keras_and_back_exactly::<RnnCell<f64>>(Nonlinearity::Tanh, sizes, both, seed);
        keras_and_back_exactly::<LstmCell<f64>>(LstmEquations, sizes, both, seed);
        keras_and_back_exactly::<GruCell<f64>>(Reset::AfterProduct, sizes, both, seed);
        reset_before_and_back(sizes, both, seed);
    }
}

// What does not fit.

#[test]
fn a_file_beside_others_is_read_and_frozen_parameters_stay_frozen() {
    let source: Lstm<f64> = stack(LstmEquations, Direction::Both, 1);
    let mut file = pytorch::save(&source, "encoder.").unwrap();
    file.extend(pytorch::save(&stack::<GruCell<f64>>(Reset::AfterProduct, Direction::Forward, 2), "decoder.").unwrap());
    file.insert("encoder.embedding.weight".to_owned(), Array::zeros([7, INPUTS]));
    let mut copy = stack::<LstmCell<f64>>(LstmEquations, Direction::Both, 3).detached();
    copy.layers[0].w_h = Tensor::variable(copy.layers[0].w_h.array().clone());
    pytorch::load(&mut copy, &file, "encoder.").unwrap();
    assert_eq!(bits(&copy), bits(&source));
    let tracked: Vec<String> =
        copy.named().into_iter().filter_map(|(name, parameter)| parameter.is_tracked().then_some(name)).collect();
    assert_eq!(tracked, ["layers.0.w_h"]);
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let whole = pytorch::save(&stack::<LstmCell<f64>>(LstmEquations, Direction::Forward, 1), "rnn.").unwrap();
    let with = |name: &str, shape: [usize; 2]| {
        let mut file = whole.clone();
        file.insert(name.to_owned(), Array::zeros(shape));
        file
    };
    let mut without = whole.clone();
    without.remove("rnn.bias_hh_l1");
    for (file, problem) in [
        (&without, "missing: rnn.bias_hh_l1"),
        (&with("rnn.weight_hh_l0", [12, 4]), "wrong shape: rnn.weight_hh_l0 is (12, 4) where (16, 4) is needed"),
        (&with("rnn.weight_ih_l2", [16, 4]), "unexpected: rnn.weight_ih_l2"),
        (&with("rnn.weight_ih_l0_reverse", [16, 3]), "unexpected: rnn.weight_ih_l0_reverse"),
        (&with("rnn.weight_hr_l0", [2, 4]), "unexpected: rnn.weight_hr_l0"),
    ] {
        let mut lstm: Lstm<f64> = stack(LstmEquations, Direction::Forward, 2);
        let before = bits(&lstm);
        let error = pytorch::load(&mut lstm, file, "rnn.").unwrap_err();
        assert_eq!(error.to_string(), format!("tensors do not fit the model: {problem}"));
        assert_eq!(bits(&lstm), before);
    }
}

#[test]
fn the_two_reset_gates_are_not_mistaken_for_each_other() {
    let before: Gru<f64> = stack(Reset::BeforeProduct, Direction::Forward, 1);
    let mut after: Gru<f64> = stack(Reset::AfterProduct, Direction::Forward, 2);
    let numbers = bits(&after);
    let prefixes = ["gru/gru_cell/", "gru_1/gru_cell/"];
    let error = keras::load(&mut after, &keras::save(&before, &prefixes), &prefixes).unwrap_err();
    let biases = prefixes.map(|prefix| format!("{prefix}bias is (12) where (2, 12) is needed")).join(", ");
    assert_eq!(error.to_string(), format!("tensors do not fit the model: wrong shape: {biases}"));
    assert_eq!(bits(&after), numbers);

    let line = "PyTorch has no GRU whose reset gate acts before the product (Reset::BeforeProduct)";
    assert_eq!(pytorch::save(&before, "").unwrap_err().to_string(), line);
    let file = pytorch::save(&after, "").unwrap();
    assert_eq!(pytorch::load(&mut before.clone(), &file, "").unwrap_err().to_string(), line);
}

#[test]
#[should_panic = "keras: 1 prefixes for 2 cells"]
fn every_keras_cell_has_its_prefix() {
    keras::save(&stack::<LstmCell<f64>>(LstmEquations, Direction::Forward, 1), &["lstm/lstm_cell/"]);
}

#[test]
#[should_panic = "two tensors would be called lstm/lstm_cell/kernel"]
fn no_keras_cell_overwrites_another() {
    keras::save(&stack::<LstmCell<f64>>(LstmEquations, Direction::Forward, 1), &["lstm/lstm_cell/"; 2]);
}
