//! The laws of the language models, of decoding, and of the tokenizers.

use proptest::prelude::*;
use rungs_layers::tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{Dropout, GruCell, LstmCell, Mode, Module, RnnCell};
use rungs_models::decode::sampling::log_probability;
use rungs_models::{
    ConfigError, Decoder, Finish, GenerateError, GenerateOptions, Generated, Gpt, GptConfig, GruLanguageModel,
    LanguageModel, Length, LstmLanguageModel, RecurrentConfig, RnnLanguageModel, Sampling, Tokenizer, TokenizerError,
    WordOptions, generate,
};
use std::ops::ControlFlow;

const VOCABULARY: usize = 7;
const CONTEXT: usize = 8;

fn recurrent_config() -> RecurrentConfig {
    RecurrentConfig { vocabulary: VOCABULARY, embedding: 5, hidden: 6, layers: 2, dropout: 0.0 }
}

fn gpt_config() -> GptConfig {
    GptConfig::gpt(VOCABULARY, CONTEXT, 6, 2, 2)
}

/// Every rung, tiny, with parameters drawn so large that all of them matter.
fn models<E: Element>() -> Vec<(&'static str, Box<dyn LanguageModel<E>>)> {
    let mut rng = Rng::new(7);
    let rnn = RnnLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let lstm = LstmLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let gru = GruLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let gpt = Gpt::new(&gpt_config(), &mut rng).unwrap();
    let mut models: Vec<(_, Box<dyn LanguageModel<E>>)> =
        vec![("rnn", Box::new(rnn)), ("lstm", Box::new(lstm)), ("gru", Box::new(gru)), ("gpt", Box::new(gpt))];
    for (_, model) in &mut models {
        model.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.7, &mut rng)));
    }
    models
}

fn row(ids: &[u32]) -> Ids {
    Ids::new(ids.to_vec(), [1, ids.len()])
}

/// The logits of a text read at once: one row (V) per token.
fn logits(model: &dyn LanguageModel<f64>, ids: &[u32]) -> Vec<Vec<f64>> {
    let logits = model.logits(&row(ids), &mut model.start(1), &mut Mode::Eval);
    logits.to_vec().chunks(model.vocabulary()).map(<[f64]>::to_vec).collect()
}

/// Equal but for the rounding of sums taken in different orders.
fn assert_close(what: &str, a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + a.abs().max(b.abs())), "{what}: {a} and {b}");
    }
}

fn write(
    model: &dyn LanguageModel<f64>,
    prompt: &[u32],
    sampling: Sampling,
    length: Length,
    stop: &[u32],
    seed: u64,
) -> Result<Generated, GenerateError> {
    let options = GenerateOptions { sampling, length, stop: stop.to_vec() };
    generate(model, prompt, &options, &mut Rng::new(seed), &mut |_| ControlFlow::Continue(()))
}

// ------------------------------------------------------------------------------------------------------- parameters

#[test]
fn parameters_are_as_many_as_the_formula_says() {
    let mut rng = Rng::new(0);
    for (vocabulary, d, hidden, layers) in [(1, 1, 1, 1), (7, 3, 5, 1), (7, 5, 3, 2), (11, 4, 6, 3)] {
        let config = RecurrentConfig { vocabulary, embedding: d, hidden, layers, dropout: 0.1 };
        let model = RnnLanguageModel::<f32>::new(&config, &mut rng).unwrap();
        let formula = config.parameter_count::<f32, RnnCell>().unwrap();
        assert_eq!(model.parameter_count() as u64, formula, "{config:?}");
        let model = LstmLanguageModel::<f32>::new(&config, &mut rng).unwrap();
        let formula = config.parameter_count::<f32, LstmCell>().unwrap();
        assert_eq!(model.parameter_count() as u64, formula, "{config:?}");
        let model = GruLanguageModel::<f32>::new(&config, &mut rng).unwrap();
        let formula = config.parameter_count::<f32, GruCell>().unwrap();
        assert_eq!(model.parameter_count() as u64, formula, "{config:?}");

        for bias in [false, true] {
            let (context, width, heads) = (d, 2 * hidden, 2);
            let config = GptConfig { bias, ..GptConfig::gpt(vocabulary, context, width, heads, layers) };
            let model = Gpt::<f32>::new(&config, &mut rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count().unwrap(), "{config:?}");
            let (heads, key_heads, width) = (4, [1, 2, 4][layers % 3], 8 * hidden);
            let llama = GptConfig {
                key_heads,
                bias,
                tied: bias,
                ..GptConfig::llama(vocabulary, context, width, heads, layers)
            };
            let model = Gpt::<f32>::new(&llama, &mut rng).unwrap();
            assert_eq!(model.parameter_count() as u64, llama.parameter_count().unwrap(), "{llama:?}");
        }
    }
}

#[test]
fn known_models_have_their_known_sizes() {
    // GPT-2's four sizes, as published with its weights.
    for (width, heads, layers, parameters) in [
        (768, 12, 12, 124_439_808),
        (1024, 16, 24, 354_823_168),
        (1280, 20, 36, 774_030_080),
        (1600, 25, 48, 1_557_611_200),
    ] {
        let config = GptConfig::gpt(50257, 1024, width, heads, layers);
        assert_eq!(config.parameter_count(), Ok(parameters));
    }
}

#[test]
fn parameters_have_the_names_that_checkpoints_use() {
    let names = |model: &dyn LanguageModel<f64>| model.named().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let models = models::<f64>();
    let cells = [0, 1].map(|l| ["w_x", "w_h", "bias"].map(|p| format!("recurrent.layers.{l}.{p}"))).concat();
    let ends = ["embedding.weight", "head.weight", "head.bias"].map(str::to_owned);
    let recurrent = [&ends[..1], &cells, &ends[1..]].concat();
    for (name, model) in &models[..3] {
        assert_eq!(names(model.as_ref()), recurrent, "{name}");
    }
    let blocks = [0, 1].map(|l| {
        [
            "norm_1.gain",
            "norm_1.bias",
            "attention.qkv.weight",
            "attention.qkv.bias",
            "attention.projection.weight",
            "attention.projection.bias",
            "norm_2.gain",
            "norm_2.bias",
            "feed_forward.up.weight",
            "feed_forward.up.bias",
            "feed_forward.down.weight",
            "feed_forward.down.bias",
        ]
        .map(|p| format!("blocks.{l}.{p}"))
    });
    let ends = ["token_embedding.weight", "position_embedding.weight", "final_norm.gain", "final_norm.bias"];
    let ends = ends.map(str::to_owned);
    assert_eq!(names(models[3].1.as_ref()), [&ends[..2], &blocks.concat(), &ends[2..]].concat());
}

#[test]
fn a_gpt_begins_as_gpt_2() {
    let config = GptConfig::gpt(60, 50, 64, 4, 8);
    let model = Gpt::<f64>::new(&config, &mut Rng::new(1)).unwrap();
    model.for_each(&mut |name, parameter| {
        let values = parameter.to_vec();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (expected_mean, expected_deviation) = match name {
            _ if name.ends_with("gain") => (1.0, 0.0),
            _ if name.ends_with("bias") => (0.0, 0.0),
            _ if name.ends_with("projection.weight") || name.ends_with("down.weight") => (0.0, 0.02 / 4.0),
            _ => (0.0, 0.02),
        };
        assert!((mean - expected_mean).abs() <= 5.0 * expected_deviation / n.sqrt(), "{name}: mean {mean}");
        assert!((deviation - expected_deviation).abs() <= 0.05 * expected_deviation, "{name}: deviation {deviation}");
    });
}

#[test]
fn every_rung_passes_its_gradient_check() {
    let entries = rungs_models::registry::entries();
    assert_eq!(
        entries.iter().map(|e| e.covers).collect::<Vec<_>>(),
        ["RecurrentLanguageModel", "Head", "Bridge", "Seq2Seq", "AttentionSeq2Seq", "Gpt", "Transformer"]
    );
    for seed in 0..20 {
        for entry in &entries {
            if let Err(mismatch) = (entry.run)(&mut Rng::new(seed)) {
                panic!("{}, seed {seed}: {mismatch}", entry.covers);
            }
        }
    }
}

// --------------------------------------------------------------------------------------------------- states and time

/// The logits of a text read at once, in these pieces, and in steps are the same, bit for bit.
fn assert_pieces_change_nothing<E: Element>(name: &str, model: &dyn LanguageModel<E>, pieces: &[Vec<u32>]) {
    let vocabulary = model.vocabulary();
    let whole = model.logits(&row(&pieces.concat()), &mut model.start(1), &mut Mode::Eval).to_vec();
    let (mut state, mut stepped) = (model.start(1), model.start(1));
    let mut read = 0;
    for piece in pieces {
        let logits = model.logits(&row(piece), &mut state, &mut Mode::Eval).to_vec();
        let before = read * vocabulary;
        read += piece.len();
        assert_eq!(logits, whole[before..read * vocabulary], "{name} of {}, {pieces:?}", E::NAME);
        let last = model.step(&row(piece), &mut stepped);
        assert_eq!(last.dims(), [1, vocabulary]);
        assert_eq!(last.to_vec(), whole[(read - 1) * vocabulary..read * vocabulary], "{name} of {}", E::NAME);
        assert_eq!((state.position, stepped.position), (read, read));
    }
}

#[test]
fn so_it_does_at_a_size_that_is_used() {
    // Wide enough for the parallel, blocked and vector paths of the engine.
    let mut rng = Rng::new(0);
    let (vocabulary, hidden) = (65, 128);
    let (embedding, layers, dropout) = (hidden, 2, 0.0);
    let recurrent = RecurrentConfig { vocabulary, embedding, hidden, layers, dropout };
    let attending = GptConfig { dropout, bias: false, ..GptConfig::gpt(vocabulary, 64, hidden, 4, layers) };
    let newer = GptConfig { key_heads: 2, ..GptConfig::llama(vocabulary, 64, hidden, 4, layers) };
    let models: [(_, Box<dyn LanguageModel<f32>>); 5] = [
        ("rnn", Box::new(RnnLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("lstm", Box::new(LstmLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("gru", Box::new(GruLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("gpt", Box::new(Gpt::new(&attending, &mut rng).unwrap())),
        ("llama", Box::new(Gpt::new(&newer, &mut rng).unwrap())),
    ];
    for (name, model) in models {
        let model = model.frozen();
        let ids: Vec<u32> = (0..64).map(|_| rng.below(vocabulary) as u32).collect();
        for size in [1, 3, 16, 37] {
            let pieces: Vec<Vec<u32>> = ids.chunks(size).map(<[u32]>::to_vec).collect();
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
        // The rows of a batch, beside it alone.
        let batch: Vec<Vec<u32>> = (0..12).map(|_| (0..64).map(|_| rng.below(vocabulary) as u32).collect()).collect();
        let together = Ids::new(batch.concat(), [12, 64]);
        let together = model.logits(&together, &mut model.start(12), &mut Mode::Eval).to_vec();
        for (ids, together) in batch.iter().zip(together.chunks(64 * vocabulary)) {
            let alone = model.logits(&row(ids), &mut model.start(1), &mut Mode::Eval).to_vec();
            assert_eq!(together, alone, "{name}");
        }
    }
}

proptest! {
    #[test]
    fn a_text_read_in_any_pieces_gives_the_same_logits(
        ids in prop::collection::vec(0..VOCABULARY as u32, 1..=CONTEXT),
        cuts in prop::collection::vec(any::<bool>(), CONTEXT),
    ) {
        let mut pieces: Vec<Vec<u32>> = vec![vec![]];
        for (&id, &cut) in ids.iter().zip(&cuts) {
            pieces.last_mut().unwrap().push(id);
            if cut {
                pieces.push(vec![]);
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        for (name, model) in models::<f64>() {
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
        for (name, model) in models::<f32>() {
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
    }

    #[test]
    fn the_rows_of_a_batch_do_not_know_of_each_other(
        a in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
        b in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
    ) {
        for (name, model) in models::<f64>() {
            let both = Ids::new([a.clone(), b.clone()].concat(), [2, CONTEXT]);
            let together = model.logits(&both, &mut model.start(2), &mut Mode::Eval).to_vec();
            let alone = [logits(model.as_ref(), &a), logits(model.as_ref(), &b)].concat().concat();
            prop_assert_eq!(together, alone, "{}", name);
        }
    }

    #[test]
    fn a_later_token_changes_no_earlier_logit(
        ids in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
        at in 0..CONTEXT,
        shift in 1..VOCABULARY as u32,
    ) {
        let mut changed = ids.clone();
        changed[at] = (changed[at] + shift) % VOCABULARY as u32;
        for (name, model) in models::<f64>() {
            let (before, after) = (logits(model.as_ref(), &ids), logits(model.as_ref(), &changed));
            prop_assert_eq!(&before[..at], &after[..at], "{}", name); // bit for bit
            prop_assert_ne!(&before[at], &after[at], "{}", name);
        }
    }
}

#[test]
fn no_gradient_comes_from_the_future() {
    let ids: Vec<u32> = (0..VOCABULARY as u32).collect(); // all different: row t of the embedding is token t
    for (name, model) in models::<f64>() {
        let embedding = model.named().swap_remove(0).1; // the first parameter of every rung
        let width = embedding.shape().dim(1);
        for t in 0..ids.len() {
            // The features, since a tied head leads back to every token by a way of its own.
            let features = model.features(&row(&ids), &mut model.start(1), &mut Mode::Eval);
            let at_t = features.slice(1, t..t + 1).square().sum();
            let [gradient] = grad(&at_t, [&embedding], Graph::Drop);
            for (token, gradient) in gradient.to_vec().chunks(width).enumerate() {
                let zero = gradient.iter().all(|&g| g == 0.0);
                assert_eq!(zero, token > t, "{name}: position {t}, token {token}: {gradient:?}");
            }
        }
    }
}

#[test]
fn a_detached_state_keeps_its_values_and_lets_no_gradient_back() {
    for (name, model) in models::<f64>().into_iter().take(2) {
        let mut state = model.start(1);
        model.logits(&row(&[1, 2, 3]), &mut state, &mut Mode::Eval);
        assert!(state.carried.iter().all(|state| state.h.is_tracked()), "{name}");
        let before: Vec<_> = state.carried.iter().map(|state| state.h.to_vec()).collect();
        state.detach();
        assert!(!state.carried.iter().any(|state| state.h.is_tracked()), "{name}");
        assert_eq!(before, state.carried.iter().map(|state| state.h.to_vec()).collect::<Vec<_>>(), "{name}");
        assert_eq!(state.position, 3);
    }
}

#[test]
fn a_frozen_model_computes_the_same_and_records_nothing() {
    for (name, model) in models::<f64>() {
        let frozen = model.frozen();
        let ids = row(&[3, 1, 4, 1, 5]);
        let (mut state, mut frozen_state) = (model.start(1), frozen.start(1));
        let logits = model.logits(&ids, &mut state, &mut Mode::Eval);
        let same = frozen.logits(&ids, &mut frozen_state, &mut Mode::Eval);
        assert!(logits.is_tracked() && !same.is_tracked(), "{name}");
        assert!(!frozen_state.carried.iter().any(|state| state.h.is_tracked()), "{name}");
        assert_eq!(logits.to_vec(), same.to_vec(), "{name}");
        let names = |model: &dyn LanguageModel<f64>| model.named().into_iter().map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(names(model.as_ref()), names(frozen.as_ref()));
    }
}

#[test]
fn dropout_acts_in_training_only_and_repeats_by_seed() {
    let mut rng = Rng::new(3);
    let models: [Box<dyn LanguageModel<f64>>; 3] = [
        Box::new(RnnLanguageModel::new(&RecurrentConfig { dropout: 0.5, ..recurrent_config() }, &mut rng).unwrap()),
        Box::new(LstmLanguageModel::new(&RecurrentConfig { dropout: 0.5, ..recurrent_config() }, &mut rng).unwrap()),
        Box::new(Gpt::new(&GptConfig { dropout: 0.5, ..gpt_config() }, &mut rng).unwrap()),
    ];
    let ids = row(&[3, 1, 4, 1, 5]);
    for model in models {
        let train = |seed| model.logits(&ids, &mut model.start(1), &mut Mode::Train(&mut Rng::new(seed))).to_vec();
        let evaluate = || model.logits(&ids, &mut model.start(1), &mut Mode::Eval).to_vec();
        assert_eq!(train(0), train(0));
        assert_ne!(train(0), train(1));
        assert_ne!(train(0), evaluate());
        assert_eq!(evaluate(), evaluate());
    }
}

#[test]
fn recurrent_rungs_drop_their_inputs_and_outputs_and_what_passes_between_layers() {
    let mut rng = Rng::new(3);
    let ids = row(&[3, 1, 4, 1, 5]);
    let half = Dropout::new(0.5);
    let mut rnn = RnnLanguageModel::<f64>::new(&recurrent_config(), &mut rng).unwrap();
    let mut lstm = LstmLanguageModel::<f64>::new(&recurrent_config(), &mut rng).unwrap();

    /// The state of the first layer and the last, and the features.
    fn run(model: &dyn LanguageModel<f64>, ids: &Ids, mode: &mut Mode<'_>) -> [Vec<f64>; 3] {
        let mut state = model.start(1);
        let features = model.features(ids, &mut state, mode);
        [state.carried[0].h.to_vec(), state.carried[state.carried.len() - 1].h.to_vec(), features.to_vec()]
    }
    let check = |without: [Vec<f64>; 3], outside: [Vec<f64>; 3], between: [Vec<f64>; 3]| {
        assert_ne!(outside[0], without[0], "the token vectors are dropped");
        assert!(outside[2].contains(&0.0) && !without[2].contains(&0.0), "the last layer's states are dropped");
        assert_eq!(between[0], without[0]);
        assert_ne!(between[1], without[1], "the first layer's states are dropped on the way to the second");
        assert!(!between[2].contains(&0.0));
    };
    let without = run(&rnn, &ids, &mut Mode::Eval);
    rnn.dropout = half;
    let outside = run(&rnn, &ids, &mut Mode::Train(&mut rng));
    (rnn.dropout, rnn.recurrent.dropout) = (Dropout::new(0.0), half);
    check(without, outside, run(&rnn, &ids, &mut Mode::Train(&mut rng)));

    let without = run(&lstm, &ids, &mut Mode::Eval);
    lstm.dropout = half;
    let outside = run(&lstm, &ids, &mut Mode::Train(&mut rng));
    (lstm.dropout, lstm.recurrent.dropout) = (Dropout::new(0.0), half);
    check(without, outside, run(&lstm, &ids, &mut Mode::Train(&mut rng)));
}

#[test]
fn a_gpt_drops_where_gpt_2_does() {
    let (mut rng, ids) = (Rng::new(3), row(&[3, 1, 4, 1, 5]));
    let gpt = Gpt::<f64>::new(&GptConfig { dropout: 0.25, ..gpt_config() }, &mut rng).unwrap();
    let places: [fn(&mut Gpt<f64>) -> &mut Dropout; 5] = [
        |gpt| &mut gpt.dropout,
        |gpt| &mut gpt.blocks[0].attention.dropout,
        |gpt| &mut gpt.blocks[0].feed_forward.dropout,
        |gpt| &mut gpt.blocks[1].attention.dropout,
        |gpt| &mut gpt.blocks[1].feed_forward.dropout,
    ];
    let mut without = gpt.clone();
    for place in places {
        assert_eq!(place(&mut without).probability(), 0.25);
        *place(&mut without) = Dropout::new(0.0);
    }
    let logits = |gpt: &Gpt<f64>, mode: &mut Mode<'_>| gpt.logits(&ids, &mut gpt.start(1), mode).to_vec();
    let expected = logits(&without, &mut Mode::Eval);
    assert_eq!(logits(&without, &mut Mode::Train(&mut rng)), expected, "those are all the places");
    for place in places {
        let mut gpt = without.clone();
        *place(&mut gpt) = Dropout::new(0.5);
        assert_ne!(logits(&gpt, &mut Mode::Train(&mut rng)), expected);
    }
}

#[test]
#[should_panic(expected = "positions 8..9 of a context of 8")]
fn a_gpt_does_not_read_past_its_context() {
    let gpt = Gpt::<f32>::new(&gpt_config(), &mut Rng::new(0)).unwrap();
    let mut state = gpt.start(1);
    gpt.step(&row(&[0; CONTEXT]), &mut state);
    gpt.step(&row(&[0]), &mut state);
}

// ------------------------------------------------------------------------------------------------------------ errors

#[test]
fn sizes_that_cannot_be_are_refused_by_name() {
    let mut rng = Rng::new(0);
    let mut gpt = |change: fn(&mut GptConfig)| {
        let mut config = gpt_config();
        change(&mut config);
        Gpt::<f32>::new(&config, &mut rng).unwrap_err().to_string()
    };
    assert_eq!(gpt(|c| (c.width, c.heads) = (130, 4)), "hidden 130 is not a multiple of heads 4");
    assert_eq!(gpt(|c| c.vocabulary = 0), "vocabulary is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.context = 0), "context is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.width = 0), "hidden is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.heads = 0), "heads is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.layers = 0), "layers is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.layers = 5000), "layers 5000 is too large; the most is 1024");
    assert_eq!(gpt(|c| c.dropout = 1.0), "dropout 1 is not at least 0 and below 1");
    assert_eq!(gpt(|c| c.dropout = f64::NAN), "dropout NaN is not at least 0 and below 1");
    assert_eq!(gpt(|c| c.context = usize::MAX), format!("context {} is too large; the most is 16777216", usize::MAX));
    assert_eq!(
        gpt(|c| (c.width, c.heads, c.key_heads, c.layers, c.feed_forward) = (1 << 24, 1, 1, 1024, 1 << 26)),
        "these sizes make a model of 3458764737444052992 parameters; the most is 17179869184"
    );
}

#[test]
fn recurrent_sizes_are_checked_likewise() {
    let mut rng = Rng::new(0);
    let rnn = RecurrentConfig { hidden: 0, ..recurrent_config() };
    assert_eq!(RnnLanguageModel::<f32>::new(&rnn, &mut rng).unwrap_err(), ConfigError::Zero { name: "hidden" });
    let rnn = RecurrentConfig { embedding: 0, ..recurrent_config() };
    assert_eq!(RnnLanguageModel::<f32>::new(&rnn, &mut rng).unwrap_err(), ConfigError::Zero { name: "embedding" });
    let lstm = RecurrentConfig { layers: 0, ..recurrent_config() };
    assert_eq!(LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err(), ConfigError::Zero { name: "layers" });
    let lstm = RecurrentConfig { hidden: 1_000_000, ..recurrent_config() };
    let error = LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err();
    assert!(matches!(error, ConfigError::TooManyParameters { .. }), "{error}");
    let lstm = RecurrentConfig { dropout: -0.5, ..recurrent_config() };
    let error = LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err();
    assert_eq!(error.to_string(), "dropout -0.5 is not at least 0 and below 1");
}

#[test]
fn configurations_come_back_from_json_and_know_no_other_fields() {
    let json = serde_json::to_string(&recurrent_config()).unwrap();
    assert_eq!(serde_json::from_str::<RecurrentConfig>(&json).unwrap(), recurrent_config());
    let json = json.replace("hidden", "hiden");
    assert!(
        serde_json::from_str::<RecurrentConfig>(&json).unwrap_err().to_string().starts_with("unknown field `hiden`")
    );
}

// ---------------------------------------------------------------------------------------------------------- sampling

/// Whether `counts` could be draws from `probabilities`: Pearson's χ², five standard deviations above its mean.
fn assert_drawn_from(what: &str, counts: &[usize], probabilities: &[f64]) {
    let n = counts.iter().sum::<usize>() as f64;
    let mut statistic = 0.0;
    let mut freedom = -1.0;
    for (&count, &p) in counts.iter().zip(probabilities) {
        if p == 0.0 {
            assert_eq!(count, 0, "{what}: drew what cannot be drawn: {counts:?}");
        } else {
            statistic += (count as f64 - n * p).powi(2) / (n * p);
            freedom += 1.0;
        }
    }
    let bound = freedom + 5.0 * (2.0 * f64::max(freedom, 0.0)).sqrt();
    assert!(statistic <= bound, "{what}: χ² = {statistic} > {bound}: {counts:?}");
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> = logits.iter().map(|z| z.exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

const ROW: [f64; 6] = [0.3, -1.0, 1.2, 0.3, -0.5, 2.0];

fn histogram(sampling: Sampling, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(seed);
    let mut counts = vec![0; ROW.len()];
    for _ in 0..20_000 {
        counts[sampling.choose(&mut ROW.to_vec(), &mut rng) as usize] += 1;
    }
    counts
}

#[test]
fn draws_have_the_probabilities_of_the_softmax() {
    let p = softmax(&ROW);
    assert_drawn_from("plain", &histogram(Sampling::plain(), 0), &p);
    let everything = Sampling::random(1.0, Some(ROW.len()), Some(1.0)).unwrap();
    assert_drawn_from("top-k = V and top-p = 1", &histogram(everything, 1), &p);
    // Not only the same distribution: the same draws.
    assert_eq!(histogram(everything, 2), histogram(Sampling::plain(), 2));
}

#[test]
fn transforms_change_the_probabilities_as_they_say() {
    let hot = softmax(&ROW.map(|z| z / 1.7));
    assert_drawn_from("temperature", &histogram(Sampling::random(1.7, None, None).unwrap(), 0), &hot);

    let kept = |keep: [bool; 6]| {
        softmax(&std::array::from_fn::<f64, 6, _>(|i| if keep[i] { ROW[i] } else { f64::NEG_INFINITY }))
    };
    let three = kept([true, false, true, false, false, true]); // two are third: the first of them
    assert_drawn_from("top-k", &histogram(Sampling::random(1.0, Some(3), None).unwrap(), 0), &three);

    let p = softmax(&ROW); // 5 and 2 alone have p[5] + p[2]
    let nucleus = Sampling::random(1.0, None, Some(p[5] + p[2] + 1e-9)).unwrap();
    assert_drawn_from("top-p", &histogram(nucleus, 0), &three);
    let nucleus = Sampling::random(1.0, None, Some(p[5] + p[2] - 1e-9)).unwrap();
    assert_drawn_from("top-p", &histogram(nucleus, 0), &kept([false, false, true, false, false, true]));

    // Temperature first, nucleus second: flattened, two tokens no longer hold the mass.
    let nucleus = Sampling::random(1.7, None, Some(p[5] + p[2] - 1e-9)).unwrap();
    assert!(histogram(nucleus, 0).iter().filter(|&&count| count > 0).count() > 2);
}

proptest! {
    #[test]
    fn as_the_temperature_goes_to_zero_sampling_becomes_greedy(
        row in prop::collection::vec(-20.0..20.0f64, 1..50),
        seed in any::<u64>(),
    ) {
        let best = Sampling::Greedy.choose(&mut row.clone(), &mut Rng::new(seed));
        prop_assert!(row.iter().all(|&z| z <= row[best as usize]));
        let gap = row.iter().filter(|&&z| z < row[best as usize]).fold(f64::INFINITY, |gap, &z| gap.min(row[best as usize] - z));
        prop_assume!(row.iter().filter(|&&z| z == row[best as usize]).count() == 1);
        let cold = Sampling::random((gap / 1000.0).clamp(f64::MIN_POSITIVE, 1.0), None, None).unwrap();
        prop_assert_eq!(cold.choose(&mut row.clone(), &mut Rng::new(seed)), best);
        let one = Sampling::random(1.0, Some(1), None).unwrap();
        prop_assert_eq!(one.choose(&mut row.clone(), &mut Rng::new(seed)), best);
        let least = Sampling::random(1.0, None, Some(f64::MIN_POSITIVE)).unwrap();
        prop_assert_eq!(least.choose(&mut row.clone(), &mut Rng::new(seed)), best);
    }

    #[test]
    fn the_k_largest_logits_stay(row in prop::collection::vec((-5..5i32).prop_map(f64::from), 1..40), k in 1..45usize) {
        let mut kept = row.clone();
        rungs_models::decode::TopK::new(k).unwrap().apply(&mut kept);
        // Sorting is stable: of equal logits the first come first.
        let mut ids: Vec<usize> = (0..row.len()).collect();
        ids.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        for (place, &id) in ids.iter().enumerate() {
            prop_assert_eq!(kept[id], if place < k { row[id] } else { f64::NEG_INFINITY });
        }
    }

    #[test]
    fn the_nucleus_is_the_fewest_likeliest_tokens_that_reach_p(
        row in prop::collection::vec(-6.0..6.0f64, 1..400),
        p in 0.01..0.999f64,
    ) {
        let mut kept = row.clone();
        rungs_models::decode::TopP::new(p).unwrap().apply(&mut kept);
        let probabilities = softmax(&row);
        let inside: Vec<f64> = (0..row.len()).filter(|&i| kept[i].is_finite()).map(|i| probabilities[i]).collect();
        let outside = (0..row.len()).filter(|&i| kept[i].is_infinite()).map(|i| probabilities[i]).fold(0.0, f64::max);
        let (mass, least) = (inside.iter().sum::<f64>(), inside.iter().copied().fold(1.0, f64::min));
        prop_assert!(mass >= p - 1e-12, "mass {} of {}", mass, p);
        prop_assert!(mass - least < p + 1e-12, "one less would do");
        prop_assert!(outside <= least);
        prop_assert!((0..row.len()).all(|i| kept[i] == row[i] || kept[i] == f64::NEG_INFINITY));
    }
}

// -------------------------------------------------------------------------------------------------------- generation

#[test]
fn a_seed_decides_the_text() {
    for (name, model) in models::<f64>() {
        let text = |seed| write(model.as_ref(), &[1, 2], Sampling::plain(), Length::at_most(30), &[], seed).unwrap();
        assert_eq!(text(5), text(5), "{name}");
        assert_ne!(text(5).ids, text(6).ids, "{name}");
        assert_eq!((text(5).ids.len(), text(5).finish), (30, Finish::Length), "{name}");
    }
}

#[test]
fn greedy_takes_the_likeliest_token_every_time() {
    for (name, model) in models::<f64>() {
        let prompt = [4, 0];
        let text = write(model.as_ref(), &prompt, Sampling::Greedy, Length::at_most(CONTEXT - 2), &[], 0).unwrap();
        let all = logits(model.as_ref(), &[&prompt[..], &text.ids].concat());
        for (row, &id) in all[prompt.len() - 1..].iter().zip(&text.ids) {
            assert!(row.iter().all(|&z| z <= row[id as usize]), "{name}");
        }
        let cold = Sampling::random(1e-6, None, None).unwrap();
        let cold = write(model.as_ref(), &prompt, cold, Length::at_most(CONTEXT - 2), &[], 9).unwrap();
        assert_eq!(cold, text, "{name}");
    }
}

#[test]
fn the_log_probability_is_the_models_own() {
    let samplings = [Sampling::plain(), Sampling::Greedy, Sampling::random(0.7, Some(3), Some(0.9)).unwrap()];
    for (name, model) in models::<f64>() {
        for sampling in samplings {
            let prompt = [6, 2, 5];
            let text = write(model.as_ref(), &prompt, sampling, Length::at_most(5), &[], 3).unwrap();
            let whole = row(&[&prompt[..], &text.ids].concat());
            let log_softmax = model.logits(&whole, &mut model.start(1), &mut Mode::Eval).log_softmax().to_vec();
            let expected: f64 = (0..5).map(|i| log_softmax[(2 + i) * VOCABULARY + text.ids[i] as usize]).sum();
            assert_close(name, &[text.log_probability], &[expected]);
        }
    }
}

#[test]
fn past_its_context_a_gpt_goes_on_from_the_last_half() {
    let (_, gpt) = models::<f64>().pop().unwrap();
    let prompt: Vec<u32> = (0..5).map(|i| i % VOCABULARY as u32).collect();
    let text = write(gpt.as_ref(), &prompt, Sampling::plain(), Length::at_most(40), &[], 2).unwrap();
    // The same text by the rule: read tokens one by one; when the window of 8 is full, keep the last 4 of the 9.
    let (mut window, mut log_probability_by_rule) = (prompt, 0.0);
    for &id in &text.ids {
        let after = logits(gpt.as_ref(), &window).pop().unwrap();
        log_probability_by_rule += log_probability(&after, id);
        window.push(id);
        if window.len() > CONTEXT {
            window.drain(..window.len() - CONTEXT / 2);
        }
    }
    assert_eq!(text.ids.len(), 40);
    assert_close("gpt", &[text.log_probability], &[log_probability_by_rule]);
}

#[test]
fn only_the_last_half_context_of_a_long_prompt_matters_to_a_gpt_and_all_of_it_to_the_others() {
    let tail: Vec<u32> = (0..4).map(|i| (3 * i + 1) % VOCABULARY as u32).collect();
    let [long, other] = [[2; 700], [5; 700]].map(|head| [&head[..], &tail].concat());
    for (name, model) in models::<f64>() {
        let text = |prompt: &[u32]| {
            write(model.as_ref(), prompt, Sampling::Greedy, Length::at_most(1), &[], 0).unwrap().log_probability
        };
        match model.context() {
            Some(_) => assert_eq!((text(&long), text(&other)), (text(&tail), text(&tail)), "{name}"),
            None => {
                let row = logits(model.as_ref(), &long).pop().unwrap();
                let best = Sampling::Greedy.choose(&mut row.clone(), &mut Rng::new(0));
                assert_close(name, &[text(&long)], &[log_probability(&row, best)]);
            }
        }
    }
}

#[test]
fn a_text_ends_at_a_stop_token_but_not_before_it_is_long_enough() {
    let stop = [2, 3];
    for (name, model) in models::<f64>() {
        let mut lengths = Vec::new();
        for seed in 0..40 {
            let length = Length::new(4, 100).unwrap();
            let text = write(model.as_ref(), &[1], Sampling::plain(), length, &stop, seed).unwrap();
            let (last, before) = text.ids.split_last().unwrap();
            assert!(before.iter().all(|id| !stop.contains(id)), "{name}: {text:?}");
            assert_eq!(stop.contains(last), text.finish == Finish::Stop, "{name}: {text:?}");
            lengths.push(text.ids.len());
        }
        assert_eq!(lengths.iter().min(), Some(&4), "{name}: {lengths:?}");
        // Until then its probability is left alone: it is only not chosen.
        let text =
            write(model.as_ref(), &[1], Sampling::Greedy, Length::new(2, 2).unwrap(), &[0, 1, 2, 3, 4, 5], 0).unwrap();
        let rows = logits(model.as_ref(), &[&[1], &text.ids[..]].concat());
        assert_eq!(text.ids[0], 6, "{name}");
        let expected = log_probability(&rows[0], text.ids[0]) + log_probability(&rows[1], text.ids[1]);
        assert_close(name, &[text.log_probability], &[expected]);
    }
}

#[test]
fn whoever_listens_hears_every_token_and_can_end_the_text() {
    let (_, model) = models::<f32>().swap_remove(1);
    let options = GenerateOptions { sampling: Sampling::plain(), length: Length::at_most(50), stop: vec![] };
    let mut heard = Vec::new();
    let mut listen = |id| {
        heard.push(id);
        if heard.len() == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let text = generate(model.as_ref(), &[0], &options, &mut Rng::new(0), &mut listen).unwrap();
    assert_eq!((text.ids, text.finish), (heard, Finish::Stop));

    let nothing = GenerateOptions { length: Length::at_most(0), ..options };
    let text = generate(model.as_ref(), &[0], &nothing, &mut Rng::new(0), &mut |_| panic!("no token")).unwrap();
    assert_eq!(text, Generated { ids: vec![], log_probability: 0.0, finish: Finish::Length });
}

#[test]
fn what_cannot_be_continued_is_refused_in_one_line() {
    for (_, mut model) in models::<f64>() {
        let error = |model: &dyn LanguageModel<f64>, prompt: &[u32], stop: &[u32], min| {
            let length = Length::new(min, 9).unwrap();
            write(model, prompt, Sampling::plain(), length, stop, 0).unwrap_err().to_string()
        };
        assert_eq!(
            error(model.as_ref(), &[], &[], 0),
            "the prompt is empty: there must be at least one token to go on from"
        );
        assert_eq!(error(model.as_ref(), &[1, 7], &[], 0), "prompt token 7 is outside the model's vocabulary of 7");
        assert_eq!(error(model.as_ref(), &[1], &[9], 0), "stop token 9 is outside the model's vocabulary of 7");
        assert_eq!(
            error(model.as_ref(), &[1], &[0, 1, 2, 3, 4, 5, 6], 2),
            "every token is a stop token, and the text must have 2 tokens or more"
        );
        model.for_each_mut(&mut |_, p| p.update(|values| values[0] = f64::NAN));
        assert_eq!(
            error(model.as_ref(), &[0], &[], 0),
            "the model's logits are not finite after 0 tokens: its parameters are damaged or have diverged"
        );
    }
    assert_eq!(Length::new(5, 4).unwrap_err().to_string(), "min-tokens 5 is more than max-tokens 4");
}

// -------------------------------------------------------------------------------------------------------- tokenizers

proptest! {
    #[test]
    fn characters_come_back(text in "\\PC{1,200}|[a-c \n\t]{1,100}") {
        let tokenizer = Tokenizer::char_from(&text).unwrap();
        let ids = tokenizer.encode(&text).unwrap();
        prop_assert_eq!(ids.len(), text.chars().count());
        prop_assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocabulary()));
        prop_assert_eq!(tokenizer.decode(&ids), text);
        // Sorted and distinct: a greater character has a greater id.
        let all: Vec<char> = tokenizer.decode(&(0..tokenizer.vocabulary() as u32).collect::<Vec<_>>()).chars().collect();
        prop_assert!(all.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn words_come_back(text in "\\PC{1,200}|[a-c' \n\t.,是]{1,100}") {
        let tokenizer = Tokenizer::word_from(&text, WordOptions::default());
        if text.trim_matches(' ').is_empty() {
            prop_assert_eq!(tokenizer, Err(TokenizerError::NoWords { minimum_count: 1 }));
            return Ok(());
        }
        let tokenizer = tokenizer.unwrap();
        prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text).unwrap()), text);
    }

    #[test]
    fn what_is_known_of_another_text_comes_back(text in "[a-d \n.]{1,60}", other in "[a-d \n.]{0,60}") {
        prop_assume!(!text.trim_matches(' ').is_empty());
        let tokenizer = Tokenizer::word_from(&text, WordOptions { minimum_count: 1, maximum_size: Some(6) }).unwrap();
        prop_assert!(tokenizer.vocabulary() <= 6);
        let decoded = tokenizer.decode(&tokenizer.encode(&other).unwrap());
        // Only words and marks are replaced: what is between them stands in the other text, in this order.
        let known: Vec<&str> = decoded.split("<unk>").collect();
        let (first, last) = (known[0], known[known.len() - 1]);
        if known.len() == 1 {
            prop_assert_eq!(decoded, other);
            return Ok(());
        }
        let between = other.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
        prop_assert!(between.is_some(), "{:?} of {:?}", decoded, other);
        let mut rest = between.unwrap();
        for middle in &known[1..known.len() - 1] {
            let at = rest.find(middle);
            prop_assert!(at.is_some(), "{:?} of {:?} in {:?}", middle, decoded, other);
            rest = &rest[at.unwrap() + middle.len()..];
        }
    }

    #[test]
    fn a_tokenizer_comes_back_from_json(text in "\\PC{1,100}", minimum_count in 1..3usize) {
        let options = WordOptions { minimum_count, maximum_size: None };
        for tokenizer in [Tokenizer::char_from(&text), Tokenizer::word_from(&text, options)].into_iter().flatten() {
            let json = tokenizer.to_json();
            let same = Tokenizer::from_json(&json).unwrap();
            prop_assert_eq!(&same, &tokenizer);
            prop_assert_eq!(same.to_json(), json);
            prop_assert_eq!(&serde_json::from_str::<Tokenizer>(&serde_json::to_string(&tokenizer).unwrap()).unwrap(), &tokenizer);
        }
    }
}

#[test]
fn an_unknown_character_is_named_with_its_place() {
    let tokenizer = Tokenizer::char_from("abc\n").unwrap();
    let error = tokenizer.encode("ab\ncaé").unwrap_err();
    assert_eq!(error, TokenizerError::UnknownCharacter { character: 'é', position: 5, vocabulary: 4 });
    assert_eq!(error.to_string(), "unknown character 'é' at position 5: it is not among the 4 of the vocabulary");
    let line_break = tokenizer.encode("\r").unwrap_err().to_string();
    assert_eq!(line_break, r"unknown character '\r' at position 0: it is not among the 4 of the vocabulary");
    assert_eq!(tokenizer.decode(&[0, 1, 99]), "\na\u{fffd}");
}

#[test]
fn a_text_without_words_makes_no_tokenizer() {
    let empty = "the text is empty: there is no vocabulary to take from it";
    assert_eq!(Tokenizer::char_from("").unwrap_err().to_string(), empty);
    assert_eq!(Tokenizer::word_from("", WordOptions::default()).unwrap_err().to_string(), empty);
    let often = WordOptions { minimum_count: 3, maximum_size: None };
    assert!(Tokenizer::word_from("a b a b", often).unwrap_err().to_string().contains("occurs 3 times"));
}

#[test]
fn damaged_tokenizer_files_are_refused_in_one_line() {
    let error = |json: &str| {
        let line = Tokenizer::from_json(json).unwrap_err().to_string();
        assert!(!line.contains('\n'), "{line}");
        line
    };
    assert!(error("").starts_with("not a tokenizer: "));
    assert!(error("{\"format\": 1").starts_with("not a tokenizer: "));
    assert!(error("[1, 2]").starts_with("not a tokenizer: "));
    assert!(error(r#"{"kind": "char", "tokens": ["a"]}"#).contains("missing field `format`"));
    assert!(error(r#"{"format": 1, "kind": "syllable", "tokens": ["a"]}"#).contains("unknown variant `syllable`"));
    assert!(error(r#"{"format": 1, "kind": "char", "tokens": ["a"], "more": 1}"#).contains("unknown field `more`"));
    assert_eq!(
        error(r#"{"format": 2, "kind": "byte", "merges": []}"#),
        "tokenizer format 2 is not known; this version reads format 1"
    );
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": []}"#), "the tokenizer has no tokens");
    assert_eq!(error(r#"{"format": 1, "kind": "word", "tokens": []}"#), "the tokenizer has no tokens");
    assert_eq!(
        error(r#"{"format": 1, "kind": "char", "tokens": ["a", "b", "a"]}"#),
        r#"token "a" is listed twice, as 0 and as 2"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>", " ", "a", "a"]}"#),
        r#"token "a" is listed twice, as 2 and as 3"#
    );
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": ["ab"]}"#), r#"token 0, "ab", is not one character"#);
    assert_eq!(error(r#"{"format": 1, "kind": "char", "tokens": [""]}"#), r#"token 0, "", is not one character"#);
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["a", " "]}"#),
        r#"token 0, "a", is not <unk>, which comes first"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>"]}"#),
        r#"token 1, "", is not a space, which comes second"#
    );
    assert_eq!(
        error(r#"{"format": 1, "kind": "word", "tokens": ["<unk>", " ", "a b"]}"#),
        r#"token 2, "a b", is not one word or one mark"#
    );
}

#[test]
fn a_vocabulary_beyond_any_model_is_refused() {
    let tokens: Vec<String> = (0..=rungs_models::config::MAX_SIZE).map(|_| "a".to_owned()).collect();
    let error = rungs_models::tokenizer::CharTokenizer::from_tokens(&tokens).unwrap_err();
    assert_eq!(error.to_string(), "a vocabulary of 16777217 tokens is too large; the most is 16777216");
}
