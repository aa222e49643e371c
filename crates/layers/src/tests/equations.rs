//! Every layer is its equation, against loops over plain numbers.

use super::*;

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
    let (states, last) = rnn.forward(&x, None, std::slice::from_ref(&start), &mut Mode::Eval);

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
    let (states, last) = lstm.forward(&x, None, std::slice::from_ref(&start), &mut Mode::Eval);

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
        let (states, last) = gru.forward(&x, None, std::slice::from_ref(&start), &mut Mode::Eval);

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

    let qkv = layer.qkv.forward(&x, &mut Mode::Eval).to_vec();
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
    let expected = layer.projection.forward(&Array::from_vec(mixed, [b, t, d]).into(), &mut Mode::Eval);
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
    assert_close(&linear.forward(&x, &mut Mode::Eval), &Array::from_vec(expected, [2, 3, 2]).into(), ROUNDING);

    let norm = layer_norm(4, Bias::Yes);
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

    let hidden = feed_forward.up.forward(&x, &mut Mode::Eval).gelu();
    assert_close(
        &feed_forward.forward(&x, &mut Mode::Eval),
        &feed_forward.down.forward(&hidden, &mut Mode::Eval),
        EXACTLY,
    );

    let looked = &x + attention.forward(&norm_1.forward(&x), None, None, &mut Mode::Eval);
    let thought = &looked + feed_forward.forward(&norm_2.forward(&looked), &mut Mode::Eval);
    assert_close(&block.forward(&x, None, None, &mut Mode::Eval), &thought, EXACTLY);
}

#[test]
fn sinusoidal_positions_are_waves_and_a_shift_is_a_rotation() {
    let (t, d) = (50, 6);
    let waves = sinusoidal_positions::<f64>(0..t, d);
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
    assert_eq!(sinusoidal_positions::<f32>(0..3, 5).dims(), [3, 5]);
}
