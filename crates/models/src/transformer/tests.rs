use super::*;
use crate::TransformerConfig;
use crate::tests::tiny_translators::logits;
use rungs_layers::tensor::{Graph, grad};
use rungs_layers::{KeyValueCache, Norm, NormKind, sinusoidal_positions};
use std::ops::Range;

const ROUNDING: f64 = 1e-12;
const POSITIONS: [NormPosition; 2] = [NormPosition::Pre, NormPosition::Post];

/// Draws every parameter anew, so that no law holds only because a bias is zero or a gain is one.
fn shaken<E: Element, M: Module<E>>(mut module: M, rng: &mut Rng) -> M {
    module.for_each_mut(&mut |_, p| *p = Init::Normal(0.5).tensor(p.shape(), rng));
    module
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

fn model_config() -> TransformerConfig {
    TransformerConfig {
        context: 6,
        feed_forward: Some(9),
        source_vocabulary: 5,
        vocabulary: 6,
        width: 8,
        heads: 2,
        layers: 2,
        ..TransformerConfig::vaswani()
    }
}

/// Both places of the norm, both kinds of positions, every tying.
fn configs() -> Vec<TransformerConfig> {
    let mut configs = Vec::new();
    for norm_position in POSITIONS {
        for positions in [AddedPositions::Sinusoidal, AddedPositions::Learned] {
            for tying in [Tying::Nothing, Tying::Head, Tying::All] {
                let source_vocabulary = if tying == Tying::All { 6 } else { 5 };
                let config = model_config();
                configs.push(TransformerConfig { source_vocabulary, norm_position, positions, tied: tying, ..config });
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
    let base = TransformerConfig {
        tied: Tying::All,
        source_vocabulary: 37_000,
        vocabulary: 37_000,
        width: 512,
        heads: 8,
        layers: 6,
        ..TransformerConfig::vaswani()
    };
    assert_eq!(base.parameter_count().unwrap(), 37_000 * 512 + 6 * (28 * 512 * 512 + 32 * 512) + 37_000);
    let refused = |config: TransformerConfig| config.parameter_count().unwrap_err().to_string();
    let line = "one embedding for sources and targets needs one vocabulary: they have 5 and 6 tokens";
    assert_eq!(refused(TransformerConfig { tied: Tying::All, ..model_config() }), line);
    assert_eq!(refused(TransformerConfig { heads: 3, ..model_config() }), "width 8 is not a multiple of heads 3");
    assert_eq!(refused(TransformerConfig { heads: 0, ..model_config() }), "heads is 0; it must be at least 1");
    let line = "layers 1048576 is too large; the most is 1024";
    assert_eq!(refused(TransformerConfig { layers: 1 << 20, ..model_config() }), line);
}

#[test]
fn a_model_is_its_equations() {
    let rng = &mut Rng::new(11);
    let model: Transformer<f64> = shaken(Transformer::new(&model_config(), rng).unwrap(), rng);
    let eval = || Mode::Eval;
    let placed = |ids: &Ids, weight: &Tensor<f64>, t: usize| {
        weight.embedding(ids) * 8f64.sqrt() + sinusoidal_positions(0..t, 8) // (B, T, D)
    };
    let weight = &model.source_embedding.as_ref().unwrap().weight;
    let present: Present = [0..4, 0..2].into();
    let states = model.encoder.forward(&placed(source().ids(), weight, 4), &present, &mut eval());
    let y = placed(&inputs(), &model.target_embedding.weight, 5);
    let mut caches = vec![KeyValueCache::new(); model.decoder.blocks.len()];
    let memories = model.decoder.memories(&states, &present);
    let h = model.decoder.forward(&y, &memories, &mut caches, None, &mut eval());
    let expected = h.matmul(&model.target_embedding.weight.t()) + &model.head.bias;
    assert_close(&logits(&model, &source(), &inputs(), &mut eval()), &expected, ROUNDING);
    assert!(model.encoder.norm.is_none() && model.head.weight.is_none());
    // Token vectors are as large as positions once they are scaled, and the head's products are near 1.
    let large = TransformerConfig {
        source_vocabulary: 400,
        vocabulary: 400,
        width: 256,
        heads: 4,
        layers: 1,
        ..TransformerConfig::vaswani()
    };
    let model: Transformer<f64> = Transformer::new(&large, rng).unwrap();
    let variance = model.target_embedding.weight.square().mean().item() * 256.0;
    assert!((variance - 1.0).abs() < 0.02, "{variance}");
}

#[test]
fn one_matrix_is_one_parameter() {
    for tying in [Tying::Head, Tying::All] {
        let config = TransformerConfig { source_vocabulary: 6, tied: tying, ..model_config() };
        let model: Transformer<f64> = Transformer::new(&config, &mut Rng::new(12)).unwrap();
        let vectors = model.named().into_iter().filter(|(_, p)| p.shape() == [6, 8].into()).count();
        assert_eq!(vectors, if tying == Tying::All { 1 } else { 2 }, "{tying:?}");
        assert_eq!(model.source_vocabulary(), Some(6));
        // A token that only the source has moves the matrix where it is the encoder's too.
        let (source, inputs) = (Source::of(&[&[5]]), Ids::new(vec![1, 2], [1, 2]));
        let loss = logits(&model, &source, &inputs, &mut Mode::Eval).slice(2, 0..5).square().sum();
        let [d] = grad(&loss, [&model.target_embedding.weight], Graph::Drop);
        assert_eq!(d.slice(0, 5..6).square().sum().item() != 0.0, tying == Tying::All);
    }
}

fn written_in_pieces_is_written_at_once<E: Element>() {
    for model in models::<E>() {
        let model = model.detached();
        let whole = logits(&model, &source(), &inputs(), &mut Mode::Eval);
        let start = model.encode(&source(), &mut Mode::Eval);
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
            assert_eq!(state.position(), 5);
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
        let together = logits(&model, &source(), &inputs(), &mut Mode::Eval);
        for (row, length) in [(0, 4), (1, 2)] {
            let alone = Source::of(&[&source().ids().as_slice()[4 * row..][..length]]);
            let ids = Ids::new(inputs().as_slice()[5 * row..][..5].to_vec(), [1, 5]);
            let alone = logits(&model, &alone, &ids, &mut Mode::Eval).to_vec();
            assert_eq!(alone, together.slice(0, row..row + 1).to_vec());
        }
    }
}

#[test]
fn a_state_goes_on_from_any_rows() {
    for model in models::<f64>() {
        let model = model.detached();
        let mut state = model.encode(&source(), &mut Mode::Eval);
        model.step(&Ids::new(vec![1, 4, 3, 1, 2, 0], [2, 3]), &mut state);
        let mut chosen = state.rows(&[1, 1, 0]);
        let next = Ids::new(vec![5, 2], [2, 1]);
        let all = model.step(&next, &mut state);
        let looked = state.weights().cloned().unwrap();
        assert_eq!(looked.dims(), [2, 1, 4]);
        let some = model.step(&Ids::new(vec![2, 2, 5], [3, 1]), &mut chosen);
        assert_eq!(some.to_vec(), rows(&all, &[1, 1, 0]).to_vec());
        assert_eq!(chosen.weights().unwrap().to_vec(), rows(&looked, &[1, 1, 0]).to_vec());
        // Whoever does not take steps does not pay for knowing where it looked.
        model.features(&next, &mut state, &mut Mode::Eval);
        assert!(state.weights().is_none());
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    // Large enough for work to be shared.
    let config = TransformerConfig {
        dropout: 0.1,
        source_vocabulary: 40,
        vocabulary: 50,
        width: 96,
        heads: 4,
        layers: 2,
        ..TransformerConfig::vaswani()
    };
    let model: Transformer = Transformer::new(&config, &mut Rng::new(13)).unwrap();
    let rng = &mut Rng::new(14);
    let mut ids =
        |shape: [usize; 2]| Ids::new((0..shape[0] * shape[1]).map(|_| rng.below(40) as u32).collect::<Vec<_>>(), shape);
    let (source, inputs) = (Source::new(ids([24, 19]), (0..24).map(|row| 19 - row % 7).collect()), ids([24, 17]));
    let run = || {
        let loss = logits(&model, &source, &inputs, &mut Mode::Train(&mut Rng::new(15))).square().sum();
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
    let long = Source::of(&[&[1; 8]]);
    let logits = logits(&given, &long, &Ids::new(vec![1; 9], [1, 9]), &mut Mode::Eval);
    assert_eq!(logits.dims(), [1, 9, 6]);
    learnt.encode(&Source::of(&[&[1; 7]]), &mut Mode::Eval);
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
    assert!(matches!(model.decoder.norm, Some(Norm { kind: NormKind::Layer(_), .. })));
}
