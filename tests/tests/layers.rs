//! What every layer promises: its equation, its number of parameters, and the laws that hold whatever the weights.
//!
//! The equations are checked to rounding, against loops over plain numbers, written here from the papers a second time.
//! The laws (causality, independence of the rows of a batch, cached = full, sequence = step by step) are checked bit for
//! bit: the engine promises that a row's bits do not depend on what is computed beside it.

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

// --------------------------------------------------------------------------------------------------------- first values

#[test]
fn orthogonal_matrices_are_orthogonal() {
    let rng = &mut Rng::new(6);
    for [rows, columns] in [[1, 1], [1, 5], [5, 1], [7, 7], [33, 64], [64, 33], [128, 128]] {
        let q: Tensor<f64> = Init::Orthogonal.tensor([rows, columns], rng);
        assert!(q.is_variable());
        let gram = if rows <= columns { q.matmul(&q.t()) } else { q.t().matmul(&q) };
        let n = rows.min(columns);
        let identity = Array::from_fn([n, n], |i| if i % (n + 1) == 0 { 1.0 } else { 0.0 });
        assert_close(&gram, &identity.into(), 1e-10);
    }
    // Uniform over all of them: both signs, and no entry larger than another on average.
    let corner = |rng: &mut Rng| Init::Orthogonal.tensor::<f64>([2, 2], rng).to_vec()[0];
    let corners: Vec<f64> = (0..2000).map(|_| corner(rng)).collect();
    let mean = corners.iter().sum::<f64>() / 2000.0;
    let square = corners.iter().map(|c| c * c).sum::<f64>() / 2000.0;
    assert!(mean.abs() < 0.07 && (square - 0.5).abs() < 0.04, "{mean} {square}"); // four standard errors
}

#[test]
fn the_gates_of_a_cell_are_drawn_one_by_one() {
    let rng = &mut Rng::new(7);
    let (d, h) = (5, 16);
    let cell: LstmCell<f64> = LstmCell::new(d, h, Init::XavierUniform, Init::Orthogonal, rng);
    let identity: Tensor<f64> = Array::from_fn([h, h], |i| if i % (h + 1) == 0 { 1.0 } else { 0.0 }).into();
    for gate in 0..4 {
        let w_h = cell.w_h.slice(1, gate * h..(gate + 1) * h);
        assert_close(&w_h.matmul(&w_h.t()), &identity, 1e-10);
    }
    let bound = (6.0 / (d + h) as f64).sqrt();
    let largest = cell.w_x.abs().max().item();
    assert!(largest <= bound && largest > 0.9 * bound);
    let bias = cell.bias.to_vec();
    assert!(bias.iter().enumerate().all(|(unit, &b)| b == if (h..2 * h).contains(&unit) { 1.0 } else { 0.0 }));
    assert!([&cell.w_x, &cell.w_h, &cell.bias].iter().all(|p| p.is_variable()));
}

#[test]
fn distributions_have_their_moments() {
    let rng = &mut Rng::new(8);
    let (rows, columns) = (200, 300);
    let n = (rows * columns) as f64;
    let moments = |init: Init, rng: &mut Rng| {
        let x: Tensor<f64> = init.tensor([rows, columns], rng);
        (x.mean().item(), x.square().mean().item())
    };
    let bound = 0.3;
    for (init, variance) in [
        (Init::Normal(0.02), 0.02 * 0.02),
        (Init::Uniform(bound), bound * bound / 3.0),
        (Init::XavierUniform, 2.0 / (rows + columns) as f64),
    ] {
        let (mean, square) = moments(init, rng);
        assert!(mean.abs() < 5.0 * (variance / n).sqrt(), "{init:?}: mean {mean}");
        assert!((square / variance - 1.0).abs() < 5.0 * (2.0 / n).sqrt(), "{init:?}: variance {square}");
    }
    assert_eq!(moments(Init::Zeros, rng), (0.0, 0.0));
    assert_eq!(moments(Init::Ones, rng), (1.0, 1.0));
}

#[test]
fn gpt_blocks_scale_what_they_add_to_the_residual_stream() {
    let layers = 8;
    let block: Block<f64> = Block::new(&BlockConfig::gpt(64, 4, layers), &mut Rng::new(9));
    let deviation = |linear: &Linear<f64>| linear.weight.square().mean().item().sqrt();
    let residual = 0.02 / ((2 * layers) as f64).sqrt();
    for (found, expected) in [
        (deviation(&block.attention.qkv), 0.02),
        (deviation(&block.feed_forward.up), 0.02),
        (deviation(&block.attention.projection), residual),
        (deviation(&block.feed_forward.down), residual),
    ] {
        assert!((found / expected - 1.0).abs() < 0.05, "{found} for {expected}");
    }
}

// ---------------------------------------------------------------------------------------------------------- equations

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Σ_k x_k W_kj + Σ_k h_k U_kj + b_j, for one row.
fn affine(x: &[f64], w: &[f64], h: &[f64], u: &[f64], b: &[f64], j: usize) -> f64 {
    let width = b.len();
    let product = |x: &[f64], w: &[f64]| x.iter().enumerate().map(|(k, x)| x * w[k * width + j]).sum::<f64>();
    product(x, w) + product(h, u) + b[j]
}

#[test]
fn the_rnn_is_its_equation() {
    let rng = &mut Rng::new(10);
    let (b, t, d, h) = (2, 4, 3, 5);
    let rnn: Rnn<f64> = shaken(Rnn::new(d, h, 1, Dropout::new(NO_DROPOUT), rng), rng);
    let (x, h_0) = (normal([b, t, d], rng), normal([b, h], rng));
    let start = RecurrentState { h: h_0.clone(), c: None };
    let (states, last) = rnn.forward(&x, std::slice::from_ref(&start), &mut Mode::Eval);

    let cell = &rnn.layers[0];
    let (w_x, w_h, bias) = (cell.w_x.to_vec(), cell.w_h.to_vec(), cell.bias.to_vec());
    let mut expected = Vec::new();
    let mut expected_last = Vec::new();
    for row in 0..b {
        let mut state = h_0.slice(0, row..row + 1).to_vec();
        for step in 0..t {
            let x_t = &x.to_vec()[(row * t + step) * d..][..d];
            state = (0..h).map(|j| affine(x_t, &w_x, &state, &w_h, &bias, j).tanh()).collect();
            expected.extend(&state);
        }
        expected_last.extend(state);
    }
    assert_close(&states, &Array::from_vec(expected, [b, t, h]).into(), ROUNDING);
    assert_close(&last[0].h, &Array::from_vec(expected_last, [b, h]).into(), ROUNDING);
}

#[test]
fn the_lstm_is_its_equation() {
    let rng = &mut Rng::new(11);
    let (b, t, d, n) = (2, 4, 3, 5);
    let lstm: Lstm<f64> = shaken(Lstm::new(d, n, 1, Dropout::new(NO_DROPOUT), rng), rng);
    let x = normal([b, t, d], rng);
    let start = RecurrentState { h: normal([b, n], rng), c: Some(normal([b, n], rng)) };
    let (states, last) = lstm.forward(&x, std::slice::from_ref(&start), &mut Mode::Eval);

    let cell = &lstm.layers[0];
    let (w_x, w_h, bias) = (cell.w_x.to_vec(), cell.w_h.to_vec(), cell.bias.to_vec());
    let (mut expected, mut last_h, mut last_c) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..b {
        let mut h = start.h.slice(0, row..row + 1).to_vec();
        let mut c = start.c.as_ref().unwrap().slice(0, row..row + 1).to_vec();
        for step in 0..t {
            let x_t = &x.to_vec()[(row * t + step) * d..][..d];
            let gate = |which: usize, j| affine(x_t, &w_x, &h, &w_h, &bias, which * n + j);
            let [i, f, g, o] = [0, 1, 2, 3].map(|which| (0..n).map(|j| gate(which, j)).collect::<Vec<f64>>());
            for j in 0..n {
                c[j] = sigmoid(f[j]) * c[j] + sigmoid(i[j]) * g[j].tanh();
                h[j] = sigmoid(o[j]) * c[j].tanh();
            }
            expected.extend(&h);
        }
        last_h.extend(h);
        last_c.extend(c);
    }
    assert_close(&states, &Array::from_vec(expected, [b, t, n]).into(), ROUNDING);
    assert_close(&last[0].h, &Array::from_vec(last_h, [b, n]).into(), ROUNDING);
    assert_close(last[0].c.as_ref().unwrap(), &Array::from_vec(last_c, [b, n]).into(), ROUNDING);
}

#[test]
fn the_gru_is_its_equation_wherever_the_reset_gate_acts() {
    for reset in [Reset::AfterProduct, Reset::BeforeProduct] {
        let rng = &mut Rng::new(12);
        let (b, t, d, n) = (2, 4, 3, 5);
        let gru = Recurrent::of_kind(reset, Direction::Forward, d, n, 1, Dropout::new(NO_DROPOUT), rng);
        let gru: Gru<f64> = shaken(gru, rng);
        let x = normal([b, t, d], rng);
        let start = RecurrentState { h: normal([b, n], rng), c: None };
        let (states, last) = gru.forward(&x, std::slice::from_ref(&start), &mut Mode::Eval);

        let cell = &gru.layers[0];
        let (w_x, w_h, bias) = (cell.w_x.to_vec(), cell.w_h.to_vec(), cell.bias.to_vec());
        let nothing = vec![0.0; 3 * n];
        let (mut expected, mut last_h) = (Vec::new(), Vec::new());
        for row in 0..b {
            let mut h = start.h.slice(0, row..row + 1).to_vec();
            for step in 0..t {
                let x_t = &x.to_vec()[(row * t + step) * d..][..d];
                let gate = |which: usize, j| sigmoid(affine(x_t, &w_x, &h, &w_h, &bias[..3 * n], which * n + j));
                let [r, z] = [0, 1].map(|which| (0..n).map(|j| gate(which, j)).collect::<Vec<f64>>());
                let shown: Vec<f64> = (0..n).map(|j| r[j] * h[j]).collect();
                let new = |j: usize| {
                    let input = affine(x_t, &w_x, &[], &w_h, &bias[..3 * n], 2 * n + j);
                    let past = |h: &[f64]| affine(&[], &w_x, h, &w_h, &nothing, 2 * n + j);
                    match reset {
                        Reset::AfterProduct => (input + r[j] * (past(&h) + bias[3 * n + j])).tanh(),
                        Reset::BeforeProduct => (input + past(&shown) + bias[3 * n + j]).tanh(),
                    }
                };
                h = (0..n).map(|j| (1.0 - z[j]) * new(j) + z[j] * h[j]).collect();
                expected.extend(&h);
            }
            last_h.extend(h);
        }
        assert_close(&states, &Array::from_vec(expected, [b, t, n]).into(), ROUNDING);
        assert_close(&last[0].h, &Array::from_vec(last_h, [b, n]).into(), ROUNDING);
    }
}

#[test]
fn attention_is_its_equation() {
    let rng = &mut Rng::new(12);
    let (b, t, d, heads) = (2, 4, 6, 3);
    let k = d / heads;
    let layer: SelfAttention<f64> = attention(d, heads, rng);
    let x = normal([b, t, d], rng);
    let y = layer.forward(&x, None, None, &mut Mode::Eval);

    let qkv = layer.qkv.forward(&x).to_vec();
    let row = |batch: usize, time: usize, which: usize, head: usize| {
        &qkv[(batch * t + time) * 3 * d + which * d + head * k..][..k]
    };
    let mut mixed = Vec::new();
    for batch in 0..b {
        for time in 0..t {
            for head in 0..heads {
                let q = row(batch, time, 0, head);
                let score =
                    |s| q.iter().zip(row(batch, s, 1, head)).map(|(q, k)| q * k).sum::<f64>() / (k as f64).sqrt();
                let weights: Vec<f64> = (0..=time).map(|s| score(s).exp()).collect();
                let total: f64 = weights.iter().sum();
                mixed.extend((0..k).map(|j| {
                    weights.iter().enumerate().map(|(s, w)| w / total * row(batch, s, 2, head)[j]).sum::<f64>()
                }));
            }
        }
    }
    let expected = layer.projection.forward(&Array::from_vec(mixed, [b, t, d]).into());
    assert_close(&y, &expected, ROUNDING);
}

#[test]
fn small_layers_are_their_equations() {
    let rng = &mut Rng::new(13);
    let x: Tensor<f64> = normal([2, 3, 4], rng);

    let linear = shaken(Linear::new(4, 2, Bias::Yes, Init::Zeros, rng), rng);
    let (w, b) = (linear.weight.to_vec(), linear.bias.as_ref().unwrap().to_vec());
    let rows = x.to_vec();
    let expected = rows.chunks(4).flat_map(|row| [0, 1].map(|j| affine(row, &w, &[], &[], &b, j))).collect();
    assert_close(&linear.forward(&x), &Array::from_vec(expected, [2, 3, 2]).into(), ROUNDING);

    let norm = LayerNorm::new(4, Bias::Yes);
    let wide = &x * 30.0; // so that ε does not matter
    for row in norm.forward(&wide).to_vec().chunks(4) {
        let mean = row.iter().sum::<f64>() / 4.0;
        let variance = row.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / 4.0;
        assert!(mean.abs() < ROUNDING && (variance - 1.0).abs() < 1e-5, "mean {mean}, variance {variance}");
    }
    let scaled = shaken(norm.clone(), rng);
    let expected = norm.forward(&wide) * &scaled.gain + scaled.bias.as_ref().unwrap();
    assert_close(&scaled.forward(&wide), &expected, ROUNDING);

    let embedding: Embedding<f64> = Embedding::new(5, 3, Init::Normal(1.0), rng);
    let looked_up = embedding.forward(&Ids::new(vec![4, 0, 4, 2], [2, 2]));
    assert_eq!(looked_up.dims(), [2, 2, 3]);
    let weight = embedding.weight.to_vec();
    let expected: Vec<f64> = [4, 0, 4, 2].iter().flat_map(|id| weight[id * 3..][..3].to_vec()).collect();
    assert_eq!(looked_up.to_vec(), expected);
    let scores = embedding.scores(&looked_up);
    assert_eq!(scores.dims(), [2, 2, 5]);
    let own: f64 = weight[12..].iter().map(|w| w * w).sum();
    assert!((scores.to_vec()[4] - own).abs() < ROUNDING);

    let positions: LearnedPositions<f64> = LearnedPositions::new(6, 2, Init::Normal(1.0), rng);
    assert_eq!(positions.forward(2..5).to_vec(), positions.weight.to_vec()[4..10]);

    for (activation, at_one) in [
        (Activation::Relu, 1.0),
        (Activation::Gelu, 0.841_344_746_068_542_9), // Φ(1)
        (Activation::GeluTanh, 0.841_191_990_607_477_2),
        (Activation::Tanh, 1f64.tanh()),
    ] {
        let y = activation.apply(&Tensor::<f64>::constant(Array::from_vec(vec![1.0, 0.0], 2))).to_vec();
        assert!((y[0] - at_one).abs() < 1e-12 && y[1] == 0.0, "{activation:?}: {y:?}");
    }
}

#[test]
fn the_feed_forward_layer_and_the_block_are_their_parts() {
    let rng = &mut Rng::new(26);
    let block: Block<f64> = block(6, 2, rng);
    let x = normal([2, 4, 6], rng);
    let Block { norm_1, attention, norm_2, feed_forward, .. } = &block;

    let hidden = feed_forward.up.forward(&x).gelu();
    assert_close(&feed_forward.forward(&x, &mut Mode::Eval), &feed_forward.down.forward(&hidden), EXACTLY);

    let looked = &x + attention.forward(&norm_1.forward(&x), None, None, &mut Mode::Eval);
    let thought = &looked + feed_forward.forward(&norm_2.forward(&looked), &mut Mode::Eval);
    assert_close(&block.forward(&x, None, None, &mut Mode::Eval), &thought, EXACTLY);
}

#[test]
fn sinusoidal_positions_are_waves_and_a_shift_is_a_rotation() {
    let (t, d) = (50, 6);
    let waves = sinusoidal_positions::<f64>(t, d);
    assert!(!waves.is_tracked());
    let p = waves.to_vec();
    let at = |t: usize, i: usize| p[t * d + i];
    for time in 0..t {
        for i in 0..d / 2 {
            let angle = time as f64 / 10000f64.powf(2.0 * i as f64 / d as f64);
            assert!((at(time, 2 * i) - angle.sin()).abs() < ROUNDING);
            assert!((at(time, 2 * i + 1) - angle.cos()).abs() < ROUNDING);
            // P[t + 7] = R P[t], with the R that takes P[0] = (0, 1) to P[7].
            if time + 7 < t {
                let (sin, cos) = (at(7, 2 * i), at(7, 2 * i + 1));
                assert!((at(time + 7, 2 * i) - (at(time, 2 * i) * cos + at(time, 2 * i + 1) * sin)).abs() < 1e-12);
            }
        }
    }
    assert_eq!(sinusoidal_positions::<f32>(3, 5).dims(), [3, 5]);
}

// --------------------------------------------------------------------------------------------------------------- laws

/// The gradient of output t by input t′ is exactly zero where t′ > t, and is there where t′ ≤ t.
#[track_caller]
fn assert_causal<E: Element>(width: usize, forward: impl Fn(&Tensor<E>) -> Tensor<E>, rng: &mut Rng) {
    let (b, t) = (2, 5);
    let x = normal::<E, 3>([b, t, width], rng).as_variable();
    for time in 0..t {
        let y_t = forward(&x).slice(1, time..time + 1);
        let direction = normal(y_t.dims::<3>(), rng);
        let [dx] = grad(&(y_t * direction).sum(), [&x], Graph::Drop);
        for earlier in 0..t {
            let dx = dx.slice(1, earlier..earlier + 1).to_vec();
            let zero = dx.iter().all(|&g| g == E::ZERO);
            assert_eq!(zero, earlier > time, "output {time} by input {earlier}: {dx:?}");
        }
    }
}

fn causality<E: Element>() {
    let rng = &mut Rng::new(14);
    let eval = || Mode::Eval;
    let layer: SelfAttention<E> = attention(6, 2, rng);
    assert_causal(6, |x| layer.forward(x, None, None, &mut eval()), rng);
    let blocks: [Block<E>; 2] = [block(6, 3, rng), block(6, 3, rng)];
    assert_causal(6, |x| blocks.iter().fold(x.clone(), |x, block| block.forward(&x, None, None, &mut eval())), rng);
    let drop = Dropout::new(NO_DROPOUT);
    let rnn: Rnn<E> = Rnn::new(4, 3, 2, drop, rng);
    assert_causal(4, |x| rnn.forward(x, &rnn.zero_state(2), &mut eval()).0, rng);
    let lstm: Lstm<E> = Lstm::new(4, 3, 2, drop, rng);
    assert_causal(4, |x| lstm.forward(x, &lstm.zero_state(2), &mut eval()).0, rng);
}

#[test]
fn no_output_depends_on_a_later_input() {
    causality::<f32>();
    causality::<f64>();
}

#[test]
fn whatever_the_future_holds_the_past_keeps_its_bits() {
    let rng = &mut Rng::new(15);
    let block: Block<f32> = block(6, 2, rng);
    let x: Tensor<f32> = normal([2, 5, 6], rng);
    let changed = Tensor::concat(&[x.slice(1, 0..3), normal([2, 2, 6], rng)], 1);
    let [a, b] = [x, changed].map(|x| block.forward(&x, None, None, &mut Mode::Eval).slice(1, 0..3).to_vec());
    assert_eq!(a, b);
}

fn cached_is_full<E: Element>() {
    let rng = &mut Rng::new(16);
    let layer: SelfAttention<E> = attention(6, 3, rng);
    let blocks: Vec<Block<E>> = (0..2).map(|_| block(6, 3, rng)).collect();
    let x: Tensor<E> = normal([2, 5, 6], rng);
    let through = |x: &Tensor<E>, caches: &mut [Option<KeyValueCache<E>>]| {
        let cached = blocks.iter().zip(caches);
        cached.fold(x.clone(), |x, (block, cache)| block.forward(&x, cache.as_mut(), None, &mut Mode::Eval))
    };
    let full = layer.forward(&x, None, None, &mut Mode::Eval);
    let full_blocks = through(&x, &mut [None, None]);
    for chunking in chunkings(5) {
        let mut cache = KeyValueCache::new();
        let mut caches = [Some(KeyValueCache::new()), Some(KeyValueCache::new())];
        let (mut pieces, mut block_pieces) = (Vec::new(), Vec::new());
        for chunk in &chunking {
            assert_eq!(cache.len(), chunk.start);
            assert_eq!(cache.is_empty(), chunk.start == 0);
            let x = x.slice(1, chunk.clone());
            pieces.push(layer.forward(&x, Some(&mut cache), None, &mut Mode::Eval));
            block_pieces.push(through(&x, &mut caches));
        }
        assert_close(&Tensor::concat(&pieces, 1), &full, EXACTLY);
        assert_close(&Tensor::concat(&block_pieces, 1), &full_blocks, EXACTLY);
    }
}

#[test]
fn attention_with_a_cache_is_attention_for_every_chunking() {
    cached_is_full::<f32>();
    cached_is_full::<f64>();
}

#[test]
fn a_cache_is_a_value() {
    // Two continuations from one prompt: a clone of the cache is not touched by what is added to the other.
    let rng = &mut Rng::new(17);
    let layer: SelfAttention<f64> = attention(4, 2, rng).detached();
    let step = |x: &Tensor<f64>, cache: &mut KeyValueCache<f64>| layer.forward(x, Some(cache), None, &mut Mode::Eval);
    let mut cache = KeyValueCache::new();
    step(&normal([1, 3, 4], rng), &mut cache);
    let x = normal([1, 1, 4], rng);
    let mut branch = cache.clone();
    step(&normal([1, 2, 4], rng), &mut branch);
    assert_eq!((cache.len(), branch.len()), (3, 5));
    let mut again = cache.clone();
    assert_eq!(step(&x, &mut cache).to_vec(), step(&x, &mut again).to_vec());
}

fn sequence_is_steps<E: Element, C: Cell<E>>(kind: C::Kind) {
    let rng = &mut Rng::new(18);
    let (b, t, d, h) = (2, 5, 3, 4);
    let x: Tensor<E> = normal([b, t, d], rng);
    let x_t = |time: usize| x.slice(1, time..time + 1).squeeze(1);

    let layers = Recurrent::of_kind(kind, Direction::Forward, d, h, 2, Dropout::new(NO_DROPOUT), rng);
    let layers: Recurrent<C> = shaken(layers, rng);
    let start: Vec<RecurrentState<E>> = layers.zero_state(b);
    let start: Vec<_> = start
        .iter()
        .map(|state| RecurrentState { h: normal([b, h], rng), c: state.c.as_ref().map(|_| normal([b, h], rng)) })
        .collect();
    let (full, last) = layers.forward(&x, &start, &mut Mode::Eval);
    let mut states = start.clone();
    let mut steps = Vec::new();
    for time in 0..t {
        states[0] = layers.layers[0].step(&x_t(time), &states[0]);
        states[1] = layers.layers[1].step(&states[0].h, &states[1]);
        steps.push(states[1].h.clone());
    }
    let same = |a: &RecurrentState<E>, b: &RecurrentState<E>| {
        assert_close(&a.h, &b.h, EXACTLY);
        assert_eq!(a.c.is_some(), b.c.is_some());
        a.c.iter().zip(&b.c).for_each(|(a, b)| assert_close(a, b, EXACTLY));
    };
    assert_close(&Tensor::stack(&steps, 1), &full, EXACTLY);
    (0..2).for_each(|layer| same(&states[layer], &last[layer]));
    for chunking in chunkings(t) {
        let mut state = start.clone();
        let mut pieces = Vec::new();
        for chunk in chunking {
            let (y, after) = layers.forward(&x.slice(1, chunk), &state, &mut Mode::Eval);
            pieces.push(y);
            state = after;
        }
        assert_close(&Tensor::concat(&pieces, 1), &full, EXACTLY);
        (0..2).for_each(|layer| same(&state[layer], &last[layer]));
    }
}

#[test]
fn a_recurrent_sequence_is_its_steps() {
    sequence_is_steps::<f32, RnnCell<f32>>(Nonlinearity::Tanh);
    sequence_is_steps::<f64, RnnCell<f64>>(Nonlinearity::Relu);
    sequence_is_steps::<f32, LstmCell<f32>>(());
    sequence_is_steps::<f64, LstmCell<f64>>(());
    sequence_is_steps::<f32, GruCell<f32>>(Reset::AfterProduct);
    sequence_is_steps::<f64, GruCell<f64>>(Reset::AfterProduct);
    sequence_is_steps::<f32, GruCell<f32>>(Reset::BeforeProduct);
    sequence_is_steps::<f64, GruCell<f64>>(Reset::BeforeProduct);
}

/// Each row of a batch gives what it gives alone, and the gradient of one by another is exactly zero.
#[track_caller]
fn assert_rows_independent<E: Element>(width: usize, forward: impl Fn(&Tensor<E>) -> Tensor<E>, rng: &mut Rng) {
    let (b, t) = (3, 4);
    let x = normal::<E, 3>([b, t, width], rng).as_variable();
    let y = forward(&x);
    for row in 0..b {
        let own = y.slice(0, row..row + 1);
        assert_close(&forward(&x.slice(0, row..row + 1)), &own, EXACTLY);
        let [dx] = grad(&own.square().sum(), [&x], Graph::Drop);
        for other in 0..b {
            let zero = dx.slice(0, other..other + 1).to_vec().iter().all(|&g| g == E::ZERO);
            assert_eq!(zero, other != row, "row {row} by row {other}");
        }
    }
}

fn rows_independent<E: Element>() {
    let rng = &mut Rng::new(19);
    let block: Block<E> = block(6, 2, rng);
    assert_rows_independent(6, |x| block.forward(x, None, None, &mut Mode::Eval), rng);
    let drop = Dropout::new(NO_DROPOUT);
    let rnn: Rnn<E> = Rnn::new(4, 3, 2, drop, rng);
    assert_rows_independent(4, |x| rnn.forward(x, &rnn.zero_state(x.dims::<3>()[0]), &mut Mode::Eval).0, rng);
    let lstm: Lstm<E> = Lstm::new(4, 3, 2, drop, rng);
    assert_rows_independent(4, |x| lstm.forward(x, &lstm.zero_state(x.dims::<3>()[0]), &mut Mode::Eval).0, rng);
}

#[test]
fn rows_of_a_batch_are_independent() {
    rows_independent::<f32>();
    rows_independent::<f64>();
}

// ------------------------------------------------------------------------------------------------------------ dropout

#[test]
fn dropout_keeps_the_expectation_and_drops_what_it_says() {
    let n = 100_000;
    let x: Tensor<f64> = Array::full(n, 2.0).into();
    for p in [0.1, 0.5, 0.9] {
        let y = Dropout::new(p).forward(&x, &mut Mode::Train(&mut Rng::new(20)));
        let kept = 2.0 / (1.0 - p);
        assert!(y.to_vec().iter().all(|&y| y == 0.0 || (y - kept).abs() < ROUNDING));
        let dropped = y.to_vec().iter().filter(|&&y| y == 0.0).count() as f64 / n as f64;
        let deviation = (p * (1.0 - p) / n as f64).sqrt();
        assert!((dropped - p).abs() < 5.0 * deviation, "{dropped} dropped for {p}");
        assert!((y.mean().item() - 2.0).abs() < 5.0 * deviation * kept);
    }
}

#[test]
fn dropout_is_the_identity_in_evaluation_and_at_zero() {
    let x: Tensor<f32> = normal([3, 4], &mut Rng::new(21));
    assert_eq!(Dropout::new(0.5).forward(&x, &mut Mode::Eval).to_vec(), x.to_vec());
    let mut rng = Rng::new(22);
    let before = rng.state();
    assert_eq!(Dropout::new(0.0).forward(&x, &mut Mode::Train(&mut rng)).to_vec(), x.to_vec());
    assert_eq!(rng.state(), before, "nothing is drawn");
}

#[test]
fn the_same_seed_drops_the_same() {
    let rng = &mut Rng::new(23);
    let config = BlockConfig { dropout: Dropout::new(0.2), ..BlockConfig::gpt(8, 2, 1) };
    let block: Block<f32> = shaken(Block::new(&config, rng), rng);
    let x = normal([2, 5, 8], rng);
    let run = |seed| block.forward(&x, None, None, &mut Mode::Train(&mut Rng::new(seed))).to_vec();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    // A view in another order of memory meets the same mask.
    let drop = Dropout::new(0.5);
    let y = drop.forward(&x, &mut Mode::Train(&mut Rng::new(3)));
    let strided = x.swap_axes(0, 2).array().contiguous();
    let y_strided = drop.forward(&Tensor::constant(strided).swap_axes(0, 2), &mut Mode::Train(&mut Rng::new(3)));
    assert_eq!(y.to_vec(), y_strided.to_vec());
}

#[test]
fn dropout_stands_between_layers_only() {
    // One layer has nothing between; two layers train differently from how they evaluate.
    let rng = &mut Rng::new(24);
    let x: Tensor<f32> = normal([2, 3, 4], rng);
    for layers in [1, 2] {
        let lstm: Lstm<f32> = Lstm::new(4, 5, layers, Dropout::new(0.5), rng);
        let rnn: Rnn<f32> = Rnn::new(4, 5, layers, Dropout::new(0.5), rng);
        let lstm_run = |mode: &mut Mode<'_>| lstm.forward(&x, &lstm.zero_state(2), mode).0.to_vec();
        let rnn_run = |mode: &mut Mode<'_>| rnn.forward(&x, &rnn.zero_state(2), mode).0.to_vec();
        let train = || Rng::new(25);
        assert_eq!(lstm_run(&mut Mode::Train(&mut train())) == lstm_run(&mut Mode::Eval), layers == 1);
        assert_eq!(rnn_run(&mut Mode::Train(&mut train())) == rnn_run(&mut Mode::Eval), layers == 1);
    }
}

#[test]
fn transformers_drop_attention_weights_and_what_is_added_to_x() {
    let rng = &mut Rng::new(27);
    let (d, heads) = (6, 3);
    let drop = Dropout::new(0.4);
    let config = BlockConfig { dropout: drop, ..BlockConfig::gpt(d, heads, 1) };
    let Block { attention, feed_forward, .. } = shaken(Block::<f64>::new(&config, rng), rng);

    let x = normal([2, 4, d], rng);
    let trained = feed_forward.forward(&x, &mut Mode::Train(&mut Rng::new(1)));
    let dropped = drop.forward(&feed_forward.forward(&x, &mut Mode::Eval), &mut Mode::Train(&mut Rng::new(1)));
    assert_close(&trained, &dropped, EXACTLY);

    // One position looks at itself with weight 1 in each head, and the weight is dropped or scaled up.
    let x = normal([1, 1, d], rng);
    let trained = attention.forward(&x, None, None, &mut Mode::Train(&mut Rng::new(1)));
    let [_, _, values] = attention.qkv.forward(&x).chunks(-1);
    let possible = (0..1 << heads).map(|kept: usize| {
        let weight = |head: usize| if kept >> head & 1 == 1 { 1.0 / 0.6 } else { 0.0 };
        let weights = Tensor::constant(Array::from_fn([heads, 1], weight));
        let mixed = (values.reshape([heads, d / heads]) * weights).reshape([1, 1, d]);
        let again = &mut Rng::new(1);
        again.u64(); // what decides about the weights
        drop.forward(&attention.projection.forward(&mixed), &mut Mode::Train(again))
    });
    let near = |a: &Tensor<f64>| a.to_vec().iter().zip(trained.to_vec()).all(|(a, b)| (a - b).abs() < ROUNDING);
    assert_eq!(possible.filter(near).count(), 1);
}

// ----------------------------------------------------------------------------------------------------- checks, mistakes

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
