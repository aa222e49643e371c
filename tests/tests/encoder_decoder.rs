//! The laws of the encoder-decoder Transformer: its blocks are their equations, an encoder without positions reads a
//! set, a decoder sees the past and the whole source, and padding, pieces, neighbours and threads change nothing.

use rungs_layers::tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{
    Activation, Bias, Block, BlockConfig, CrossAttention, DecoderBlock, Dropout, Init, KeyValueCache, LayerNorm,
    Linear, Mode, Module, Norm, NormPosition, Present, SinusoidalPositions, TransformerDecoder, TransformerEncoder,
    sinusoidal_positions,
};
use rungs_models::{
    AddedPositions, ConfigError, Decoder, EncoderDecoder, Source, Transformer, TransformerConfig, Tying,
};
use std::ops::Range;

const ROUNDING: f64 = 1e-12;
const POSITIONS: [NormPosition; 2] = [NormPosition::Pre, NormPosition::Post];

fn normal<E: Element, const N: usize>(shape: [usize; N], rng: &mut Rng) -> Tensor<E> {
    Tensor::constant(Array::normal(shape, 0.0, 1.0, rng))
}

/// Draws every parameter anew, so that no law holds only because a bias is zero or a gain is one.
fn shaken<E: Element, M: Module<E>>(mut module: M, rng: &mut Rng) -> M {
    module.for_each_mut(&mut |_, p| *p = Init::Normal(0.5).tensor(p.shape(), rng));
    module
}

fn config(norm_position: NormPosition) -> BlockConfig {
    BlockConfig { hidden: 7, norm_position, ..BlockConfig::vaswani(6, 3) }
}

#[track_caller]
fn assert_close<E: Element>(a: &Tensor<E>, b: &Tensor<E>, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    for (a, b) in a.to_vec().into_iter().zip(b.to_vec()) {
        let (a, b) = (a.to_f64(), b.to_f64());
        assert!((a - b).abs() <= tolerance * (1.0 + a.abs()), "{a} and {b}");
    }
}

fn on<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

/// Rows of a batch.
fn rows<E: Element>(x: &Tensor<E>, which: &[u32]) -> Tensor<E> {
    x.select(0, &Ids::new(which, which.len()))
}

/// Every way to cut 0..length into consecutive pieces.
fn chunkings(length: usize) -> Vec<Vec<Range<usize>>> {
    let ends = |cuts: u32| (1..length).filter(move |at| cuts >> (at - 1) & 1 == 1).chain([length]);
    let pieces = |cuts: u32| {
        let starts = std::iter::once(0).chain(ends(cuts));
        starts.zip(ends(cuts)).map(|(start, end)| start..end).collect()
    };
    (0..1 << (length - 1)).map(pieces).collect()
}

// ------------------------------------------------------------------------------------------------------------- layers

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
        assert!(block.attention.is_causal());
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
    assert_close(&y, &layer.projection.forward(&taken), ROUNDING);
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
        let placed = |x: &Tensor<f64>| encoder.forward(&(x + sinusoidal_positions(5, 6)), &present, &mut Mode::Eval);
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
    let gradients = rungs_layers::tensor::vjp(&y.square().sum(), &Tensor::scalar(1.0), &targets, Graph::Drop);
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
    let positions: SinusoidalPositions<f64> = SinusoidalPositions::new(4, 6);
    let all = sinusoidal_positions::<f64>(9, 6);
    for range in [0..4, 1..3, 2..7, 5..9] {
        assert_eq!(positions.forward(range.clone()).to_vec(), all.slice(0, range).to_vec());
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

// -------------------------------------------------------------------------------------------------------------- model

fn model_config() -> TransformerConfig {
    TransformerConfig { context: 7, feed_forward: 9, ..TransformerConfig::vaswani([5, 6], 8, 2, 2) }
}

/// Both places of the norm, both kinds of positions, every tying.
fn configs() -> Vec<TransformerConfig> {
    let mut configs = Vec::new();
    for norm_position in POSITIONS {
        for positions in [AddedPositions::Sinusoidal, AddedPositions::Learned] {
            for tying in [Tying::Nothing, Tying::Head, Tying::All] {
                let source_vocabulary = if tying == Tying::All { 6 } else { 5 };
                let config = model_config();
                configs.push(TransformerConfig { source_vocabulary, norm_position, positions, tying, ..config });
            }
        }
    }
    configs
}

fn models<E: Element>() -> Vec<Transformer<E>> {
    let rng = &mut Rng::new(9);
    configs().iter().map(|config| shaken(Transformer::new(config, rng).unwrap(), rng)).collect()
}

fn source() -> Source {
    Source::new(Ids::new(vec![1, 4, 0, 2, 3, 1, 0, 0], [2, 4]), vec![4, 2])
}

fn inputs() -> Ids {
    Ids::new(vec![1, 4, 5, 3, 0, 1, 2, 2, 0, 4], [2, 5])
}

#[test]
fn parameters_are_as_many_as_the_formula_says() {
    let rng = &mut Rng::new(10);
    for config in configs() {
        let model: Transformer = Transformer::new(&config, rng).unwrap();
        assert_eq!(model.parameter_count() as u64, config.parameter_count().unwrap(), "{config:?}");
    }
    // The base model of the paper: 6 layers of 512, one vocabulary of 37,000; it counts 65 million.
    let base = TransformerConfig { tying: Tying::All, ..TransformerConfig::vaswani([37_000; 2], 512, 8, 6) };
    assert_eq!(base.parameter_count().unwrap(), 37_000 * 512 + 6 * (28 * 512 * 512 + 32 * 512) + 37_000);
    let refused = |config: TransformerConfig| config.parameter_count().unwrap_err().to_string();
    let line = "one embedding for sources and targets needs one vocabulary: they have 5 and 6 tokens";
    assert_eq!(refused(TransformerConfig { tying: Tying::All, ..model_config() }), line);
    assert_eq!(refused(TransformerConfig { heads: 3, ..model_config() }), "hidden 8 is not a multiple of heads 3");
    assert_eq!(refused(TransformerConfig { heads: 0, ..model_config() }), "heads is 0; it must be at least 1");
    assert!(matches!(
        TransformerConfig { layers: 1 << 20, ..model_config() }.parameter_count(),
        Err(ConfigError::TooLarge { name: "layers", .. })
    ));
}

#[test]
fn a_model_is_its_equations() {
    let rng = &mut Rng::new(11);
    let model: Transformer<f64> = shaken(Transformer::new(&model_config(), rng).unwrap(), rng);
    let eval = || Mode::Eval;
    let placed = |ids: &Ids, weight: &Tensor<f64>, t: usize| {
        weight.embedding(ids) * 8f64.sqrt() + sinusoidal_positions(t, 8) // (B, T, D)
    };
    let weight = &model.source_embedding.as_ref().unwrap().weight;
    let present: Present = [0..4, 0..2].into();
    let states = model.encoder.forward(&placed(source().ids(), weight, 4), &present, &mut eval());
    let y = placed(&inputs(), &model.target_embedding.weight, 5);
    let h = decoded(&model.decoder, &y, &states, &present);
    let logits = h.matmul(&model.target_embedding.weight.t()) + &model.head.bias;
    assert_close(&model.logits(&source(), &inputs(), &mut eval()), &logits, ROUNDING);
    assert!(model.encoder.norm.is_none() && model.head.weight.is_none());
    // Token vectors are as large as positions once they are scaled, and the head's products are near 1.
    let large = TransformerConfig { source_vocabulary: 400, ..TransformerConfig::vaswani([400, 400], 256, 4, 1) };
    let model: Transformer<f64> = Transformer::new(&large, rng).unwrap();
    let variance = model.target_embedding.weight.square().mean().item() * 256.0;
    assert!((variance - 1.0).abs() < 0.02, "{variance}");
}

#[test]
fn one_matrix_is_one_parameter() {
    for tying in [Tying::Head, Tying::All] {
        let config = TransformerConfig { source_vocabulary: 6, tying, ..model_config() };
        let model: Transformer<f64> = Transformer::new(&config, &mut Rng::new(12)).unwrap();
        let vectors = model.named().into_iter().filter(|(_, p)| p.shape() == [6, 8].into()).count();
        assert_eq!(vectors, if tying == Tying::All { 1 } else { 2 }, "{tying:?}");
        assert_eq!(model.source_vocabulary(), 6);
        // A token that only the source has moves the matrix where it is the encoder's too.
        let (source, inputs) = (Source::one(&[5]), Ids::new(vec![1, 2], [1, 2]));
        let loss = model.logits(&source, &inputs, &mut Mode::Eval).slice(2, 0..5).square().sum();
        let [d] = grad(&loss, [&model.target_embedding.weight], Graph::Drop);
        assert_eq!(d.slice(0, 5..6).square().sum().item() != 0.0, tying == Tying::All);
    }
}

fn written_in_pieces_is_written_at_once<E: Element>() {
    for model in models::<E>() {
        let model = model.detached();
        let whole = model.logits(&source(), &inputs(), &mut Mode::Eval);
        let start = model.start(&model.encode(&source(), &mut Mode::Eval));
        for chunking in chunkings(5) {
            let mut state = start.clone();
            let pieces: Vec<Tensor<E>> = chunking
                .iter()
                .map(|chunk| {
                    let ids: Vec<u32> =
                        (0..2).flat_map(|row| inputs().as_slice()[row * 5..][chunk.clone()].to_vec()).collect();
                    let features = model.features(&Ids::new(ids, [2, chunk.len()]), &mut state, &mut Mode::Eval);
                    model.scores(&features)
                })
                .collect();
            assert_eq!(Tensor::concat(&pieces, 1).to_vec(), whole.to_vec(), "{chunking:?}");
            assert_eq!(state.position, 5);
        }
    }
}

#[test]
fn every_chunking_of_a_target_gives_the_same_bits() {
    written_in_pieces_is_written_at_once::<f32>();
    written_in_pieces_is_written_at_once::<f64>();
}

#[test]
fn rows_of_a_batch_do_not_meet() {
    for model in models::<f32>() {
        let together = model.logits(&source(), &inputs(), &mut Mode::Eval);
        for (row, length) in [(0, 4), (1, 2)] {
            let alone = Source::one(&source().ids().as_slice()[4 * row..][..length]);
            let ids = Ids::new(inputs().as_slice()[5 * row..][..5].to_vec(), [1, 5]);
            let alone = model.logits(&alone, &ids, &mut Mode::Eval).to_vec();
            assert_eq!(alone, together.slice(0, row..row + 1).to_vec());
        }
    }
}

#[test]
fn a_state_goes_on_from_any_rows() {
    for model in models::<f64>() {
        let model = model.detached();
        let mut state = model.start(&model.encode(&source(), &mut Mode::Eval));
        model.step(&Ids::new(vec![1, 4, 3, 1, 2, 0], [2, 3]), &mut state);
        let mut chosen = state.rows(&[1, 1, 0]);
        let next = Ids::new(vec![5, 2], [2, 1]);
        let all = model.step(&next, &mut state);
        let looked = state.weights.clone().unwrap();
        assert_eq!(looked.dims(), [2, 1, 4]);
        let some = model.step(&Ids::new(vec![2, 2, 5], [3, 1]), &mut chosen);
        assert_eq!(some.to_vec(), rows(&all, &[1, 1, 0]).to_vec());
        assert_eq!(chosen.weights.unwrap().to_vec(), rows(&looked, &[1, 1, 0]).to_vec());
        // Whoever does not take steps does not pay for knowing where it looked.
        model.features(&next, &mut state, &mut Mode::Eval);
        assert!(state.weights.is_none());
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Large enough for work to be shared.
    let config = TransformerConfig { dropout: 0.1, ..TransformerConfig::vaswani([40, 50], 96, 4, 2) };
    let model: Transformer = Transformer::new(&config, &mut Rng::new(13)).unwrap();
    let rng = &mut Rng::new(14);
    let mut ids =
        |shape: [usize; 2]| Ids::new((0..shape[0] * shape[1]).map(|_| rng.below(40) as u32).collect::<Vec<_>>(), shape);
    let (source, inputs) = (Source::new(ids([24, 19]), (0..24).map(|row| 19 - row % 7).collect()), ids([24, 17]));
    let run = || {
        let loss = model.logits(&source, &inputs, &mut Mode::Train(&mut Rng::new(15))).square().sum();
        let parameters = model.named();
        let gradients = loss.backward();
        parameters
            .iter()
            .map(|(name, p)| gradients.wrt(p).unwrap_or_else(|_| panic!("{name}")).to_vec())
            .collect::<Vec<_>>()
    };
    let one = on(1, run);
    assert!([2, 8].into_iter().all(|threads| on(threads, run) == one));
}

#[test]
fn learnt_positions_end_and_given_ones_do_not() {
    let rng = &mut Rng::new(16);
    let [given, learnt] = [AddedPositions::Sinusoidal, AddedPositions::Learned]
        .map(|positions| Transformer::<f64>::new(&TransformerConfig { positions, ..model_config() }, rng).unwrap());
    assert_eq!((given.context(), learnt.context()), (None, Some(7)));
    let long = Source::one(&[1; 8]);
    let logits = given.logits(&long, &Ids::new(vec![1; 9], [1, 9]), &mut Mode::Eval);
    assert_eq!(logits.dims(), [1, 9, 6]);
    learnt.encode(&Source::one(&[1; 7]), &mut Mode::Eval);
    let read = std::panic::catch_unwind(|| learnt.encode(&long, &mut Mode::Eval));
    assert_eq!(*read.unwrap_err().downcast::<String>().unwrap(), "positions 0..8 of a context of 7");
}

#[test]
fn names_are_paths() {
    let config = TransformerConfig { layers: 1, norm_position: NormPosition::Pre, ..model_config() };
    let model: Transformer = Transformer::new(&config, &mut Rng::new(17)).unwrap();
    let names: Vec<String> = model.named().into_iter().map(|(name, _)| name).collect();
    let of_decoder = names.iter().filter_map(|name| name.strip_prefix("decoder.blocks.0.")).collect::<Vec<_>>();
    assert_eq!(
        of_decoder,
        [
            "norm_1.gain",
            "norm_1.bias",
            "attention.qkv.weight",
            "attention.qkv.bias",
            "attention.projection.weight",
            "attention.projection.bias",
            "norm_2.gain",
            "norm_2.bias",
            "cross.query.weight",
            "cross.query.bias",
            "cross.key_value.weight",
            "cross.key_value.bias",
            "cross.projection.weight",
            "cross.projection.bias",
            "norm_3.gain",
            "norm_3.bias",
            "feed_forward.up.weight",
            "feed_forward.up.bias",
            "feed_forward.down.weight",
            "feed_forward.down.bias",
        ]
    );
    for name in
        ["source_embedding.weight", "target_embedding.weight", "encoder.norm.gain", "decoder.norm.bias", "head.bias"]
    {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(BlockConfig::vaswani(8, 2).activation, Activation::Relu);
    assert!(matches!(model.decoder.norm, Some(Norm::Layer(LayerNorm { .. }))));
}
