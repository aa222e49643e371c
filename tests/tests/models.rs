//! The laws of the language models, and of the tokenizers.

use proptest::prelude::*;
use rungs_layers::tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{Dropout, GruCell, LstmCell, Mode, Module, RnnCell};
use rungs_models::{
    ConfigError, Decoder, Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig,
    RnnLanguageModel,
};
use rungs_text::{Tokenizer, TokenizerError, WordOptions};

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
        let ids: Vec<u32> = (0..tokenizer.vocabulary() as u32).collect();
        let all: Vec<char> = tokenizer.decode(&ids).chars().collect();
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
            prop_assert_eq!(
                &serde_json::from_str::<Tokenizer>(&serde_json::to_string(&tokenizer).unwrap()).unwrap(),
                &tokenizer
            );
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
    let error = rungs_text::tokenizer::CharTokenizer::from_tokens(&tokens).unwrap_err();
    assert_eq!(error.to_string(), "a vocabulary of 16777217 tokens is too large; the most is 16777216");
}
