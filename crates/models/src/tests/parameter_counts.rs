//! Which parameters there are, how many, how they begin, and which sizes are refused.

use super::{gpt_config, models, recurrent_config};
use crate::{
    Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, ModelConfig, RecurrentConfig, RnnLanguageModel,
    Rung,
};
use rungs_layers::tensor::Rng;
use rungs_layers::{GruCell, LstmCell, Module, RnnCell};

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
            let config = GptConfig { bias, vocabulary, context, width, heads, layers, ..GptConfig::nanogpt() };
            let model = Gpt::<f32>::new(&config, &mut rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count().unwrap(), "{config:?}");
            let (heads, key_heads, width) = (4, [1, 2, 4][layers % 3], 8 * hidden);
            let llama = GptConfig {
                key_heads: Some(key_heads),
                bias,
                tied: bias,
                vocabulary,
                context,
                width,
                heads,
                layers,
                ..GptConfig::llama()
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
        let config =
            GptConfig { vocabulary: 50257, context: 1024, width, heads, layers, bias: true, ..GptConfig::nanogpt() };
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
    let config =
        GptConfig { vocabulary: 60, context: 50, width: 64, heads: 4, layers: 8, bias: true, ..GptConfig::nanogpt() };
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
fn sizes_that_cannot_be_are_refused_by_name() {
    let mut rng = Rng::new(0);
    let mut gpt = |change: fn(&mut GptConfig)| {
        let mut config = gpt_config();
        change(&mut config);
        Gpt::<f32>::new(&config, &mut rng).unwrap_err().to_string()
    };
    assert_eq!(gpt(|c| (c.width, c.heads) = (130, 4)), "width 130 is not a multiple of heads 4");
    assert_eq!(gpt(|c| c.vocabulary = 0), "vocabulary is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.context = 0), "context is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.width = 0), "width is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.heads = 0), "heads is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.layers = 0), "layers is 0; it must be at least 1");
    assert_eq!(gpt(|c| c.layers = 5000), "layers 5000 is too large; the most is 1024");
    assert_eq!(gpt(|c| c.dropout = 1.0), "dropout 1 is not at least 0 and below 1");
    assert_eq!(gpt(|c| c.dropout = f64::NAN), "dropout NaN is not at least 0 and below 1");
    assert_eq!(gpt(|c| c.context = usize::MAX), format!("context {} is too large; the most is 16777216", usize::MAX));
    assert_eq!(
        gpt(|c| (c.width, c.heads, c.key_heads, c.layers, c.feed_forward) = (1 << 24, 1, Some(1), 1024, Some(1 << 26))),
        "these sizes make a model of 3458764737444052992 parameters; the most is 17179869184"
    );
}

#[test]
fn recurrent_sizes_are_checked_likewise() {
    let mut rng = Rng::new(0);
    let rnn = RecurrentConfig { hidden: 0, ..recurrent_config() };
    assert_eq!(
        RnnLanguageModel::<f32>::new(&rnn, &mut rng).unwrap_err().to_string(),
        "hidden is 0; it must be at least 1"
    );
    let rnn = RecurrentConfig { embedding: 0, ..recurrent_config() };
    assert_eq!(
        RnnLanguageModel::<f32>::new(&rnn, &mut rng).unwrap_err().to_string(),
        "embedding is 0; it must be at least 1"
    );
    let lstm = RecurrentConfig { layers: 0, ..recurrent_config() };
    assert_eq!(
        LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err().to_string(),
        "layers is 0; it must be at least 1"
    );
    let lstm = RecurrentConfig { hidden: 1_000_000, ..recurrent_config() };
    let error = LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err();
    let line = "these sizes make a model of 12000035000042 parameters; the most is 17179869184";
    assert_eq!(error.to_string(), line);
    let lstm = RecurrentConfig { dropout: -0.5, ..recurrent_config() };
    let error = LstmLanguageModel::<f32>::new(&lstm, &mut rng).unwrap_err();
    assert_eq!(error.to_string(), "dropout -0.5 is not at least 0 and below 1");
}

#[test]
fn configurations_come_back_from_json_and_know_no_other_fields() {
    for rung in Rung::ALL {
        let config = ModelConfig::of(rung).with_vocabulary(7, Some(9));
        let json = serde_json::to_string(&config).unwrap();
        let read: ModelConfig = serde_json::from_str(&json).unwrap();
        assert_eq!(read, ModelConfig::of(rung), "the vocabulary is the tokenizer's");
        assert_eq!(read.with_vocabulary(7, Some(9)), config);
        let error = serde_json::from_str::<ModelConfig>(&json.replace("layers", "leyers")).unwrap_err();
        assert!(error.to_string().starts_with("unknown field `leyers`"), "{error}");
    }
}
