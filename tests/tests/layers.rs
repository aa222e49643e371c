//! What every layer promises: its equation, its number of parameters, and the laws that hold whatever the weights.
//!
//! The equations are checked to rounding, against loops over plain numbers, written here from the papers a second time.
//! The laws (causality, independence of the rows of a batch, cached = full, sequence = step by step) are checked bit
//! for bit: the engine promises that a row's bits do not depend on what is computed beside it.

mod dropout;
mod equations;
mod laws;
mod values;

use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{
    Activation, Bias, Block, BlockConfig, Cell, Direction, Dropout, Embedding, FeedForward, Gru, GruCell, Init,
    KeyValueCache, LayerNorm, LearnedPositions, Linear, Lstm, LstmCell, Mode, Module, Nonlinearity, Order, Recurrent,
    RecurrentState, Reset, Rnn, RnnCell, SelfAttention, sinusoidal_positions,
};
use std::ops::Range;

/// Rounding in double precision, for values of about 1 and sums of a few dozen terms.
const ROUNDING: f64 = 1e-12;

/// The same numbers, added in the same order.
const EXACTLY: f64 = 0.0;

const NO_DROPOUT: f64 = 0.0;

fn normal<E: Element, const N: usize>(shape: [usize; N], rng: &mut Rng) -> Tensor<E> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

/// Draws every parameter anew, so that no law holds only because a bias is zero or a gain is one.
fn shaken<E: Element, M: Module<E>>(mut module: M, rng: &mut Rng) -> M {
    module.for_each_mut(&mut |_, p| *p = Init::Normal(0.5).tensor(p.shape(), rng));
    module
}

fn attention<E: Element>(width: usize, heads: usize, rng: &mut Rng) -> SelfAttention<E> {
    let qkv = Linear::new(width, 3 * width, Bias::Yes, Init::Zeros, rng);
    let projection = Linear::new(width, width, Bias::Yes, Init::Zeros, rng);
    shaken(SelfAttention::new(qkv, projection, heads, Dropout::new(NO_DROPOUT)).causal(), rng)
}

fn block<E: Element>(width: usize, heads: usize, rng: &mut Rng) -> Block<E> {
    let config = BlockConfig { hidden: 2 * width + 1, ..BlockConfig::gpt(width, heads, 2) };
    shaken(Block::new(&config, rng), rng)
}

fn names<E: Element>(module: &impl Module<E>) -> Vec<String> {
    module.named().into_iter().map(|(name, _)| name).collect()
}

#[track_caller]
fn assert_close<E: Element>(a: &Tensor<E>, b: &Tensor<E>, tolerance: f64) {
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

// ---------------------------------------------------------------------------------------------- parameters and names

#[test]
fn parameter_counts_are_those_of_the_documentation() {
    let rng = &mut Rng::new(1);
    let (d, h, v, t, layers) = (6, 5, 7, 9, 3);
    let drop = Dropout::new(NO_DROPOUT);
    let count = |module: &dyn Module<f32>| module.parameter_count();

    assert_eq!(count(&Linear::new(d, h, Bias::Yes, Init::Zeros, rng)), d * h + h);
    assert_eq!(count(&Linear::new(d, h, Bias::No, Init::Zeros, rng)), d * h);
    assert_eq!(count(&Embedding::new(v, d, Init::Zeros, rng)), v * d);
    assert_eq!(count(&LayerNorm::new(d, Bias::Yes)), 2 * d);
    assert_eq!(count(&LayerNorm::new(d, Bias::No)), d);
    assert_eq!(count(&LearnedPositions::new(t, d, Init::Zeros, rng)), t * d);
    assert_eq!(count(&RnnCell::<f32>::new(d, h, Init::Zeros, Init::Zeros, rng)), d * h + h * h + h);
    assert_eq!(count(&LstmCell::<f32>::new(d, h, Init::Zeros, Init::Zeros, rng)), 4 * (d * h + h * h + h));
    let rnn: Rnn = Rnn::new(d, h, layers, drop, rng);
    assert_eq!(count(&rnn), (d * h + h * h + h) + (layers - 1) * (2 * h * h + h));
    let lstm: Lstm = Lstm::new(d, h, layers, drop, rng);
    assert_eq!(count(&lstm), 4 * ((d * h + h * h + h) + (layers - 1) * (2 * h * h + h)));
    let gru: Gru = Gru::new(d, h, layers, drop, rng);
    assert_eq!(count(&gru), 3 * (d * h + h * h) + 4 * h + (layers - 1) * (6 * h * h + 4 * h));
    let both_ways = Lstm::<f32>::of_kind((), Direction::Both, d, h, layers, drop, rng);
    let above = 4 * (2 * h * h + h * h + h);
    assert_eq!(count(&both_ways), 2 * (4 * (d * h + h * h + h) + (layers - 1) * above));
    assert_eq!(count(&attention(d, 2, rng)), 4 * d * d + 4 * d);
    let up = Linear::new(d, h, Bias::Yes, Init::Zeros, rng);
    let down = Linear::new(h, d, Bias::Yes, Init::Zeros, rng);
    assert_eq!(count(&FeedForward::new(up, down, Activation::Relu, drop)), 2 * d * h + h + d);

    let config = BlockConfig { hidden: h, ..BlockConfig::gpt(d, 2, layers) };
    let weights = 4 * d * d + 2 * d * h + 2 * d;
    assert_eq!(count(&Block::new(&config, rng)), weights + 4 * d + h + d + 2 * d);
    assert_eq!(count(&Block::new(&BlockConfig { bias: Bias::No, ..config }, rng)), weights);
    assert_eq!(count(&Block::new(&BlockConfig::gpt(d, 2, layers), rng)), 12 * d * d + 2 * d + 11 * d);
}

#[test]
fn names_are_paths_of_fields_in_the_order_of_declaration() {
    let rng = &mut Rng::new(2);
    assert_eq!(
        names::<f32>(&vec![block(4, 2, rng)]),
        [
            "0.norm_1.gain",
            "0.norm_1.bias",
            "0.attention.qkv.weight",
            "0.attention.qkv.bias",
            "0.attention.projection.weight",
            "0.attention.projection.bias",
            "0.norm_2.gain",
            "0.norm_2.bias",
            "0.feed_forward.up.weight",
            "0.feed_forward.up.bias",
            "0.feed_forward.down.weight",
            "0.feed_forward.down.bias",
        ]
    );
    let lstm: Lstm<f32> = Lstm::new(2, 3, 2, Dropout::new(0.5), rng);
    let expected = ["layers.0.w_x", "layers.0.w_h", "layers.0.bias", "layers.1.w_x", "layers.1.w_h", "layers.1.bias"];
    assert_eq!(names(&lstm), expected);
    assert_eq!(names::<f32>(&Some(Box::new(LayerNorm::<f32>::new(3, Bias::No)))), ["gain"]);

    // The same, in the same order, to be changed; and through an object.
    let mut object: Box<dyn Module<f32>> = Box::new(lstm);
    let mut seen = Vec::new();
    object.for_each_mut(&mut |name, _| seen.push(name.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(names(&object), expected);
}

#[test]
fn a_detached_module_shares_its_values_and_records_nothing() {
    let rng = &mut Rng::new(3);
    let trained: Block<f32> = block(4, 2, rng);
    let frozen = trained.detached();
    frozen.for_each(&mut |name, p| assert!(!p.is_tracked(), "{name}"));
    trained.for_each(&mut |name, p| assert!(p.is_tracked(), "{name}"));
    let x = normal([1, 3, 4], rng);
    let [a, b] = [&trained, &frozen].map(|block| block.forward(&x, None, None, &mut Mode::Eval));
    assert_eq!(a.to_vec(), b.to_vec());
    assert!(a.is_tracked() && !b.is_tracked());
}

// ----------------------------------------------------------------------------------------------------------- loading

fn saved(module: &impl Module<f32>) -> Named<f32> {
    module.named().into_iter().map(|(name, tensor)| (name, tensor.array().clone())).collect()
}

#[test]
fn loading_takes_every_value_and_keeps_frozen_parameters_frozen() {
    let rng = &mut Rng::new(4);
    let source: Block<f32> = block(4, 2, rng);
    let mut target = Block::new(&BlockConfig { hidden: 9, ..BlockConfig::gpt(4, 2, 2) }, rng);
    target.norm_1 = target.norm_1.detached();
    target.load(&saved(&source)).unwrap();
    for ((name, a), (_, b)) in source.named().into_iter().zip(target.named()) {
        assert_eq!(a.to_vec(), b.to_vec(), "{name}");
        assert_eq!(b.is_variable(), !name.starts_with("norm_1."), "{name}");
    }
}

#[test]
fn load_errors_name_the_tensors_and_change_nothing() {
    let rng = &mut Rng::new(5);
    let mut module: Linear<f32> = Linear::new(2, 3, Bias::Yes, Init::Normal(1.0), rng);
    let before: Vec<_> = module.named().iter().map(|(_, p)| p.to_vec()).collect();
    let good: Named<f32> = saved(&Linear::new(2, 3, Bias::Yes, Init::Normal(1.0), rng));

    let mut missing = good.clone();
    missing.remove("bias");
    let mut unexpected = good.clone();
    unexpected.insert("head.bias".into(), Array::zeros(3));
    let mut misshapen = good.clone();
    misshapen.insert("weight".into(), Array::zeros([3, 2]));
    let mut all = misshapen.clone();
    all.remove("bias");
    all.insert("extra".into(), Array::zeros(1));
    for (tensors, line) in [
        (missing, "tensors do not fit the model: missing: bias"),
        (unexpected, "tensors do not fit the model: unexpected: head.bias"),
        (misshapen, "tensors do not fit the model: wrong shape: weight is (3, 2) where (2, 3) is needed"),
        (
            all,
            "tensors do not fit the model: missing: bias; unexpected: extra; \
             wrong shape: weight is (3, 2) where (2, 3) is needed",
        ),
    ] {
        assert_eq!(module.load(&tensors).unwrap_err().to_string(), line);
        assert_eq!(module.named().iter().map(|(_, p)| p.to_vec()).collect::<Vec<_>>(), before);
    }

    let mut lstm: Lstm<f32> = Lstm::new(2, 3, 2, Dropout::new(NO_DROPOUT), rng);
    let error = lstm.load(&Named::new()).unwrap_err();
    assert_eq!(error.missing.len(), 6);
    let line = "tensors do not fit the model: missing: layers.0.w_x, layers.0.w_h, layers.0.bias and 3 more";
    assert_eq!(error.to_string(), line);
}

#[test]
fn every_layer_passes_its_gradient_check() {
    for entry in rungs_layers::registry::entries() {
        for seed in 0..3 {
            if let Err(mismatch) = (entry.run)(&mut Rng::new(seed)) {
                panic!("{} with seed {seed}: {mismatch}", entry.covers);
            }
        }
    }
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
                SelfAttention::new(qkv, projection, 4, drop);
            }) as &(dyn Fn() + std::panic::RefUnwindSafe),
            "attention: width 130 is not a multiple of 4 heads",
        ),
        (
            &|| {
                let [qkv, projection] = parts(4, 5, &mut Rng::new(0));
                SelfAttention::new(qkv, projection, 2, drop);
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
                rnn.forward(&Array::zeros([1, 1, 2]).into(), &rnn.zero_state(1)[..1], &mut Mode::Eval);
            },
            "recurrent: 1 states for 2 cells",
        ),
        (
            &|| {
                let lstm: Lstm<f32> = Lstm::new(2, 3, 1, drop, &mut Rng::new(0));
                lstm.forward(&Array::zeros([1, 0, 2]).into(), &lstm.zero_state(1), &mut Mode::Eval);
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
