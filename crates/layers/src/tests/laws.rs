//! The laws: causality, cached = full, sequence = step by step, independent rows.

use super::*;

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
    assert_causal(4, |x| rnn.forward(x, None, &rnn.zero_state(2), &mut eval()).0, rng);
    let lstm: Lstm<E> = Lstm::new(4, 3, 2, drop, rng);
    assert_causal(4, |x| lstm.forward(x, None, &lstm.zero_state(2), &mut eval()).0, rng);
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
    let (full, last) = layers.forward(&x, None, &start, &mut Mode::Eval);
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
            let (y, after) = layers.forward(&x.slice(1, chunk), None, &state, &mut Mode::Eval);
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
    sequence_is_steps::<f32, LstmCell<f32>>(LstmEquations);
    sequence_is_steps::<f64, LstmCell<f64>>(LstmEquations);
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
    assert_rows_independent(4, |x| rnn.forward(x, None, &rnn.zero_state(x.dims::<3>()[0]), &mut Mode::Eval).0, rng);
    let lstm: Lstm<E> = Lstm::new(4, 3, 2, drop, rng);
    assert_rows_independent(4, |x| lstm.forward(x, None, &lstm.zero_state(x.dims::<3>()[0]), &mut Mode::Eval).0, rng);
}

#[test]
fn rows_of_a_batch_are_independent() {
    rows_independent::<f32>();
    rows_independent::<f64>();
}
