//! Checkpointing changes when things are computed, and nothing else.

use crate::CachedState;
use crate::decoder_state::DecoderState;
use crate::{AddedPositions, Gpt, GptConfig, LanguageModel, Source, Transformer, TransformerConfig, Tying};
use rungs_layers::tensor::{CrossEntropy, Element, Ids, Rng, Tensor};
use rungs_layers::{KeyValueCache, Mode, Module, NormPosition};

const CONTEXT: usize = 9;

fn configs() -> [GptConfig; 2] {
    let llama = GptConfig {
        key_heads: Some(2),
        vocabulary: 11,
        context: CONTEXT,
        width: 16,
        heads: 4,
        layers: 3,
        ..GptConfig::llama()
    };
    [
        GptConfig {
            vocabulary: 11,
            context: CONTEXT,
            width: 16,
            heads: 4,
            layers: 3,
            bias: true,
            ..GptConfig::nanogpt()
        },
        llama,
    ]
    .map(|config| GptConfig { dropout: 0.2, ..config })
}

fn transformers() -> [TransformerConfig; 2] {
    let paper = TransformerConfig {
        dropout: 0.2,
        source_vocabulary: 11,
        vocabulary: 11,
        width: 16,
        heads: 4,
        layers: 2,
        ..TransformerConfig::vaswani()
    };
    let later = TransformerConfig {
        context: CONTEXT,
        norm_position: NormPosition::Pre,
        positions: AddedPositions::Learned,
        tied: Tying::All,
        ..paper.clone()
    };
    [paper, later]
}

/// The loss, every parameter's gradient, and what the generator draws next.
type Step<E> = (Vec<E>, Vec<(String, Vec<E>)>, u64);

fn text(rng: &mut Rng) -> Ids {
    Ids::new((0..2 * CONTEXT).map(|_| rng.below(11) as u32).collect::<Vec<_>>(), [2, CONTEXT])
}

/// What a step is made of, given the logits of a text.
fn taken<E: Element, M: Module<E>>(model: &M, logits: &Tensor<E>, text: &Ids, rng: &mut Rng) -> Step<E> {
    let loss = logits.cross_entropy(text, CrossEntropy::default());
    let value = loss.to_vec();
    let mut gradients = loss.backward();
    let gradient = |(name, parameter): (String, Tensor<E>)| (name, gradients.take(&parameter).unwrap().to_vec());
    (value, model.named().into_iter().map(gradient).collect(), rng.u64())
}

fn step<E: Element>(config: &GptConfig) -> Step<E> {
    let rng = &mut Rng::new(5);
    let model = Gpt::<E>::new(config, rng).unwrap();
    let text = text(rng);
    let logits = model.logits(&text, &mut model.start(2), &mut Mode::Train(rng));
    taken(&model, &logits, &text, rng)
}

/// The same of a translator, whose sources are padded. With `own` it reads what it would have written itself.
fn translated<E: Element>(config: &TransformerConfig, own: Option<f64>) -> Step<E> {
    let rng = &mut Rng::new(5);
    let model = Transformer::<E>::new(config, rng).unwrap();
    let (source, target) = (Source::new(text(rng), vec![CONTEXT, 4]), text(rng));
    let mode = &mut Mode::Train(rng);
    let mut state = model.encode(&source, mode);
    let logits = match own {
        None => model.logits(&target, &mut state, mode),
        Some(own) => model.logits_reading_its_own(&target, own, &mut state, mode),
    };
    taken(&model, &logits, &target, rng)
}

#[test]
fn a_model_has_the_same_bits_with_it() {
    for config in configs() {
        let again = GptConfig { gradient_checkpointing: true, ..config.clone() };
        assert_eq!(step::<f32>(&config), step::<f32>(&again), "{config:?}");
        assert_eq!(step::<f64>(&config), step::<f64>(&again), "{config:?}");
    }
}

#[test]
fn a_translator_has_the_same_bits_with_it() {
    for config in transformers() {
        let again = TransformerConfig { gradient_checkpointing: true, ..config.clone() };
        assert_eq!(translated::<f32>(&config, None), translated::<f32>(&again, None), "{config:?}");
        assert_eq!(translated::<f64>(&config, None), translated::<f64>(&again, None), "{config:?}");
    }
}

#[test]
fn a_translator_may_read_what_it_would_have_written() {
    for config in transformers() {
        let again = TransformerConfig { gradient_checkpointing: true, ..config.clone() };
        let [plain, again] = [config, again].map(|config| translated::<f64>(&config, Some(0.5)));
        assert_eq!((&plain.0, plain.2), (&again.0, again.2));
        // The encoder alone is computed again, and the decoder's steps are passed in another order.
        for ((name, plain), (_, again)) in plain.1.iter().zip(&again.1) {
            let close = plain.iter().zip(again).all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + a.abs()));
            assert!(close, "{name}: {plain:?} and {again:?}");
        }
    }
}

#[test]
fn keys_and_values_of_a_translator_are_not_kept_with_it() {
    let read = |checkpointing| {
        let rng = &mut Rng::new(9);
        let config = TransformerConfig { gradient_checkpointing: checkpointing, ..transformers()[0].clone() };
        let model = Transformer::<f32>::new(&config, rng).unwrap();
        let (source, target) = (Source::new(text(rng), vec![CONTEXT, 4]), text(rng));
        let mut state = model.encode(&source, &mut Mode::Train(rng));
        let features = model.features(&target, &mut state, &mut Mode::Train(rng));
        (
            state
                .get::<DecoderState<f32, CachedState<f32>>>()
                .unwrap()
                .own
                .caches
                .iter()
                .map(KeyValueCache::len)
                .collect::<Vec<_>>(),
            features,
        )
    };
    let ((with, features), (without, same)) = (read(true), read(false));
    assert_eq!((with, without), (vec![0; 2], vec![CONTEXT; 2]));
    assert_eq!(features.to_vec(), same.to_vec());
}

#[test]
fn evaluation_and_generation_do_not_know_of_it() {
    for config in configs() {
        let model = |checkpointing| {
            Gpt::<f32>::new(&GptConfig { gradient_checkpointing: checkpointing, ..config.clone() }, &mut Rng::new(6))
                .unwrap()
        };
        let pieces = |model: &Gpt<f32>| {
            let mut state = model.start(1);
            [&[1, 2, 3][..], &[4], &[5, 6]].map(|piece| {
                let ids = Ids::new(piece, [1, piece.len()]);
                model.logits(&ids, &mut state, &mut Mode::Eval).to_vec()
            })
        };
        assert_eq!(pieces(&model(true)), pieces(&model(false)));
    }
}

#[test]
#[should_panic(expected = "transformer: 0 of 9 earlier positions were kept (checkpointing)")]
fn keys_that_a_translator_did_not_keep_are_missed() {
    let rng = &mut Rng::new(7);
    let config = TransformerConfig { gradient_checkpointing: true, ..transformers()[0].clone() };
    let model = Transformer::<f32>::new(&config, rng).unwrap();
    let mut state = model.encode(&Source::of(&[&[1, 2, 3]]), &mut Mode::Eval);
    let ids = Ids::new((0..CONTEXT as u32).collect::<Vec<_>>(), [1, CONTEXT]);
    for _ in 0..2 {
        model.features(&ids, &mut state, &mut Mode::Train(rng));
    }
}

#[test]
#[should_panic(expected = "gpt: 0 of 3 earlier positions were kept (checkpointing)")]
fn keys_that_were_not_kept_are_missed() {
    let rng = &mut Rng::new(7);
    let model = Gpt::<f32>::new(&GptConfig { gradient_checkpointing: true, ..configs()[0].clone() }, rng).unwrap();
    let mut state = model.start(1);
    let ids = Ids::new(vec![1, 2, 3], [1, 3]);
    model.logits(&ids, &mut state, &mut Mode::Train(rng));
    model.logits(&ids, &mut state, &mut Mode::Train(rng));
}
