//! Blocks are their equations, an encoder without positions reads a set, a decoder sees the past and the whole source,
//! and padding changes nothing.

use super::{ROUNDING, assert_close, normal, shaken};
use crate::{
    Bias, Block, BlockConfig, CrossAttention, DecoderBlock, Dropout, Init, KeyValueCache, Linear, Mode, Module, Norm,
    NormPosition, Present, TransformerDecoder, TransformerEncoder, sinusoidal_positions,
};
use rungs_tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use std::ops::Range;

const POSITIONS: [NormPosition; 2] = [NormPosition::Pre, NormPosition::Post];

fn config(norm_position: NormPosition) -> BlockConfig {
    BlockConfig { feed_forward: 7, norm_position, ..BlockConfig::vaswani(6, 3) }
}

#[test]
fn blocks_are_their_equations() {
    let rng = &mut Rng::new(1);
    let (x, source) = (normal::<f64, 3>([2, 4, 6], rng), normal([2, 5, 6], rng));
    let present: Present = [0..5, 0..3].into();
    let eval = || Mode::Eval;
    for place in POSITIONS {
        let around = |norm: &Norm<f64>, x: &Tensor<f64>, f: &dyn Fn(&Tensor<f64>) -> Tensor<f64>| match place {
            NormPosition::Pre => x + f(&norm.forward(x)),
            NormPosition::Post => norm.forward(&(x + f(x))),
        };
        let block = shaken(Block::new(&config(place), rng), rng);
        let looked = around(&block.norm_1, &x, &|x| block.attention.forward(x, None, None, &mut eval()));
        let expected = around(&block.norm_2, &looked, &|x| block.feed_forward.forward(x, &mut eval()));
        assert_close(&block.forward(&x, None, None, &mut eval()), &expected, 0.0);

        let block = shaken(DecoderBlock::new(&config(place), rng), rng);
        let memory = block.cross.memory(&source, Some(&present));
        let looked = around(&block.norm_1, &x, &|x| block.attention.forward(x, None, None, &mut eval()));
        let read = around(&block.norm_2, &looked, &|x| block.cross.forward(x, &memory, &mut eval()));
        let expected = around(&block.norm_3, &read, &|x| block.feed_forward.forward(x, &mut eval()));
        let mut weights = None;
        assert_close(&block.forward(&x, &memory, None, Some(&mut weights), &mut eval()), &expected, 0.0);
        let queries = if place == NormPosition::Pre { block.norm_2.forward(&looked) } else { looked };
        assert_close(&weights.unwrap(), &block.cross.weights(&queries, &memory), 0.0);
        assert!(block.attention.causal);
    }
}

fn linear(inputs: usize, outputs: usize, rng: &mut Rng) -> Linear<f64> {
    shaken(Linear::new(inputs, outputs, Bias::Yes, Init::Zeros, rng), rng)
}

/// Cross-attention of these heads, from 6 to 6 with sources of 4, whose heads have 2 numbers.
fn cross([n, m]: [usize; 2], rng: &mut Rng) -> CrossAttention<f64> {
    let (query, pairs, projection) = (linear(6, 2 * n, rng), linear(4, 4 * m, rng), linear(2 * n, 6, rng));
    CrossAttention::new(query, pairs, projection, [n, m], Dropout::new(0.0))
}

#[test]
fn weights_are_those_that_values_are_taken_with() {
    let rng = &mut Rng::new(2);
    let (x, source) = (normal([2, 3, 6], rng), normal([2, 5, 4], rng));
    let present: Present = [0..5, 1..4].into();
    // Of one head everything can be read off its weights.
    let layer = cross([1, 1], rng);
    let memory = layer.memory(&source, Some(&present));
    let weights = layer.weights(&x, &memory);
    let taken = weights.matmul(&memory.values.squeeze(2)); // (B, T, K)
    let y = layer.forward(&x, &memory, &mut Mode::Eval);
    assert_close(&y, &layer.projection.forward(&taken, &mut Mode::Eval), ROUNDING);
    // And of several it is a distribution over what is there.
    let layer = cross([4, 2], rng);
    let weights = layer.weights(&x, &layer.memory(&source, Some(&present)));
    assert_close(&weights.sum_over([2]), &Tensor::constant(Array::full([2, 3, 1], 1.0)), ROUNDING);
    let padding = weights.slice(0, 1..2);
    assert!([0..1, 4..5].into_iter().all(|s| padding.slice(2, s).to_vec().iter().all(|a| *a == 0.0)));
    assert!(weights.slice(2, 1..4).to_vec().iter().all(|a| *a > 0.0));
}

#[test]
fn shared_keys_of_a_source_are_the_same_keys_for_each_head_of_their_group() {
    let rng = &mut Rng::new(3);
    let grouped = cross([4, 2], rng);
    let repeated = |x: &Tensor<f64>| {
        let heads: Vec<_> = [0, 0, 1, 1, 2, 2, 3, 3].map(|head| x.slice(-1, 2 * head..2 * head + 2)).to_vec();
        Tensor::concat(&heads, -1)
    };
    let pairs = Linear::of(repeated(&grouped.key_value.weight), grouped.key_value.bias.as_ref().map(repeated));
    let CrossAttention { query, projection, dropout, .. } = grouped.clone();
    let full = CrossAttention::new(query, pairs, projection, [4, 4], dropout);
    let (x, source) = (normal([2, 3, 6], rng), normal([2, 5, 4], rng));
    let [a, b] = [&grouped, &full].map(|layer| {
        let memory = layer.memory(&source, None);
        (layer.forward(&x, &memory, &mut Mode::Eval), layer.weights(&x, &memory))
    });
    assert_close(&a.0, &b.0, ROUNDING);
    assert_close(&a.1, &b.1, ROUNDING);
}

#[test]
fn an_encoder_reads_a_set() {
    let rng = &mut Rng::new(4);
    let present: Present = [0..5, 0..5].into();
    let order = Ids::new(vec![3, 1, 4, 0, 2], 5);
    for place in POSITIONS {
        let encoder: TransformerEncoder<f64> = shaken(TransformerEncoder::new(&config(place), 2, rng), rng);
        let x = normal([2, 5, 6], rng);
        let permuted = encoder.forward(&x.select(1, &order), &present, &mut Mode::Eval);
        assert_close(&permuted, &encoder.forward(&x, &present, &mut Mode::Eval).select(1, &order), 1e-11);
        // With positions it does not.
        let placed = |x: &Tensor<f64>| encoder.forward(&(x + sinusoidal_positions(0..5, 6)), &present, &mut Mode::Eval);
        let difference = placed(&x.select(1, &order)) - placed(&x).select(1, &order);
        assert!(difference.square().sum().item() > 1e-3);
    }
}

/// The output within the range and the gradient of its sum of squares by x and by every parameter.
fn read<E: Element>(encoder: &TransformerEncoder<E>, x: &Tensor<E>, range: Range<usize>) -> Vec<Tensor<E>> {
    let x = Tensor::variable(x.array().clone());
    let y = encoder.forward(&x, &[range.clone()].into(), &mut Mode::Eval).slice(1, range);
    let parameters = encoder.named();
    let mut targets = vec![&x];
    targets.extend(parameters.iter().map(|(_, parameter)| parameter));
    let gradients = rungs_tensor::vjp(&y.square().sum(), &Tensor::scalar(1.0), &targets, Graph::Drop);
    std::iter::once(y).chain(gradients).collect()
}

fn padding_changes_nothing<E: Element>(rounding: f64) {
    let rng = &mut Rng::new(5);
    for place in POSITIONS {
        let encoder: TransformerEncoder<E> = shaken(TransformerEncoder::new(&config(place), 2, rng), rng);
        let text: Tensor<E> = normal([1, 3, 6], rng);
        let alone = read(&encoder, &text, 0..3);
        for (left, right) in [(0, 2), (2, 0), (1, 1)] {
            let range = left..left + 3;
            let padded = |rng: &mut Rng| {
                let sides = [left, right].map(|width| normal([1, width, 6], rng));
                Tensor::concat(&[sides[0].clone(), text.clone(), sides[1].clone()], 1)
            };
            let [a, b] = [read(&encoder, &padded(rng), range.clone()), read(&encoder, &padded(rng), range.clone())];
            for (a, b) in a.iter().zip(&b) {
                assert_eq!(a.to_vec(), b.to_vec(), "what stands in the padding");
            }
            assert_close(&a[0], &alone[0], if left == 0 { 0.0 } else { rounding });
            let within = a[1].slice(1, range.clone());
            assert_close(&within, &alone[1], rounding);
            let outside = a[1].square().sum() - within.square().sum();
            assert!(outside.item().to_f64().abs() <= rounding * a[1].square().sum().item().to_f64());
            a.iter().zip(&alone).skip(2).for_each(|(a, b)| assert_close(a, b, rounding));
        }
    }
}

#[test]
fn padding_on_either_side_is_not_there() {
    padding_changes_nothing::<f32>(2e-4);
    padding_changes_nothing::<f64>(1e-12);
}

fn decoded<E: Element>(
    decoder: &TransformerDecoder<E>,
    x: &Tensor<E>,
    source: &Tensor<E>,
    present: &Present,
) -> Tensor<E> {
    let mut caches = vec![KeyValueCache::new(); decoder.blocks.len()];
    decoder.forward(x, &decoder.memories(source, present), &mut caches, None, &mut Mode::Eval)
}

#[test]
fn a_decoder_sees_its_past_and_the_whole_source_and_nothing_else() {
    let rng = &mut Rng::new(6);
    let present: Present = [0..4, 1..3].into();
    for place in POSITIONS {
        let decoder: TransformerDecoder<f64> = shaken(TransformerDecoder::new(&config(place), 2, rng), rng);
        let (x, source) = (normal([2, 3, 6], rng).as_variable(), normal([2, 4, 6], rng).as_variable());
        let y = decoded(&decoder, &x, &source, &present);
        for t in 0..3 {
            let direction = normal([2, 1, 6], rng);
            let at_t = (y.slice(1, t..t + 1) * direction).sum();
            let [dx, ds] = grad(&at_t, [&x, &source], Graph::Drop);
            for (row, range) in present.iter().enumerate() {
                let zero = |d: &Tensor<f64>, at: usize| {
                    d.slice(0, row..row + 1).slice(1, at..at + 1).to_vec().iter().all(|g| *g == 0.0)
                };
                assert!((0..3).all(|earlier| zero(&dx, earlier) == (earlier > t)), "{place:?}, output {t}");
                assert!((0..4).all(|s| zero(&ds, s) != range.contains(&s)), "{place:?}, output {t}, row {row}");
            }
        }
    }
}

#[test]
fn given_positions_have_no_end() {
    let all = sinusoidal_positions::<f64>(0..9, 6);
    for range in [0..4, 1..3, 2..7, 5..9] {
        assert_eq!(sinusoidal_positions::<f64>(range.clone(), 6).to_vec(), all.slice(0, range).to_vec());
    }
}

#[test]
fn dropout_falls_on_weights_and_on_what_is_added() {
    // With everything but one in a million dropped, each part adds nothing, and x passes as it is.
    let rng = &mut Rng::new(7);
    let dropped = BlockConfig { dropout: Dropout::new(0.999_999), ..config(NormPosition::Pre) };
    let block: DecoderBlock<f64> = shaken(DecoderBlock::new(&dropped, rng), rng);
    let (x, source) = (normal([1, 3, 6], rng), normal([1, 4, 6], rng));
    let memory = block.cross.memory(&source, None);
    let train = |seed| block.forward(&x, &memory, None, None, &mut Mode::Train(&mut Rng::new(seed)));
    assert_close(&train(1), &x, 0.0);
    let half = BlockConfig { dropout: Dropout::new(0.5), ..config(NormPosition::Pre) };
    let block: DecoderBlock<f64> = shaken(DecoderBlock::new(&half, rng), rng);
    let train = |seed| block.forward(&x, &memory, None, None, &mut Mode::Train(&mut Rng::new(seed))).to_vec();
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
}

#[test]
fn parts_that_do_not_fit_are_refused_with_their_sizes() {
    let rng = &mut Rng::new(8);
    let mut refused = |sizes: [[usize; 2]; 3], heads: [usize; 2]| {
        let [query, pairs, projection] = sizes.map(|[inputs, outputs]| linear(inputs, outputs, rng));
        let made = std::panic::catch_unwind(|| CrossAttention::new(query, pairs, projection, heads, Dropout::new(0.0)));
        *made.unwrap_err().downcast::<String>().unwrap()
    };
    assert_eq!(refused([[6, 6], [4, 12], [6, 6]], [4, 4]), "attention: width 6 is not a multiple of 4 heads");
    assert_eq!(
        refused([[6, 6], [4, 12], [6, 6]], [3, 2]),
        "attention: 3 heads of queries are not a multiple of 2 of keys"
    );
    let line = "attention: parts of 6, 8 and (6, 6) do not fit queries of 6, 3 and 3 heads";
    assert_eq!(refused([[6, 6], [4, 8], [6, 6]], [3, 3]), line);
}
