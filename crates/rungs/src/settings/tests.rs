//! Settings as a whole.

use super::*;
use crate::layers::{Module, NormPosition, Rotary, Score};
use crate::models::{
    AttentionConfig, CellKind, GptConfig, Positions, RecurrentConfig, Style, TransformerConfig, Tying,
};
use crate::tensor::Rng;
use crate::trainer::Budget;

fn gpt(change: fn(&mut GptConfig)) -> Settings {
    let mut config = GptConfig::nanogpt();
    change(&mut config);
    Settings { model: ModelConfig::Gpt(config), ..Settings::of(Rung::Gpt) }
}

#[test]
fn every_rung_has_defaults_that_can_be() {
    for rung in Rung::ALL {
        let settings = Settings::of(rung);
        settings.validate().unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        assert_eq!(Settings::from_json("{}", rung).unwrap(), settings, "what is left out has its default");
        assert_eq!(serde_json::to_value(rung).unwrap(), rung.name());
        for name in ["tiny", "small"] {
            let preset = Settings { model: ModelConfig::preset(rung, name).unwrap(), ..Settings::of(rung) };
            preset.validate().unwrap();
        }
    }
}

#[test]
fn the_gpt_has_the_size_of_nano_gpts() {
    // 65·128 + 64·128 + 4·(12·128² + 2·128) + 128
    let model = Settings::of(Rung::Gpt).model.with_vocabulary(65, None);
    assert_eq!(model.parameter_count().unwrap(), 804_096);
    assert_eq!(model.build(&mut Rng::new(0)).unwrap().parameter_count(), 804_096);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refused = |rung, change: fn(&mut Settings)| {
        let mut settings = Settings::of(rung);
        change(&mut settings);
        settings.validate().unwrap_err().to_string()
    };
    let impossible = |change| gpt(change).validate().unwrap_err().to_string();
    assert_eq!(impossible(|c| c.width = 130), "width 130 is not a multiple of heads 4");
    assert!(impossible(|c| c.width = 1 << 20).contains("parameters"));
    assert_eq!(refused(Rung::Rnn, |s| s.training.budget = Budget::Steps(0)), "steps: must be 1 or more, not 0");
    let none = RecurrentConfig { layers: 0, ..RecurrentConfig::default() };
    let none = Settings { model: ModelConfig::Rnn(none), ..Settings::of(Rung::Rnn) };
    assert_eq!(none.validate().unwrap_err().to_string(), "layers is 0; it must be at least 1");
    assert_eq!(refused(Rung::Rnn, |s| s.training.clip = Some(-1.0)), "clip: must be a positive number, not -1");
    let split = refused(Rung::Rnn, |s| s.data.validation_split = 1.0);
    assert_eq!(split, "validation-split: must lie between 0 and 1, not 1");
    for (value, error) in [(0.0, "0"), (1.0, "1"), (f64::NAN, "NaN")] {
        let mut settings = Settings::of(Rung::Gpt);
        settings.training.label_smoothing = Some(value);
        let error = format!("label-smoothing: must lie between 0 and 1, not {error}");
        assert_eq!(settings.validate().unwrap_err().to_string(), error);
    }
    assert_eq!(refused(Rung::Gpt, |s| s.training.ema = Some(1.5)), "ema: must lie between 0 and 1, not 1.5");
    assert_eq!(refused(Rung::Gpt, |s| s.training.patience = Some(0)), "patience: must be 1 or more, not 0");
    assert!(refused(Rung::Lstm, |s| s.training.batch_size = usize::MAX).starts_with("batch-size: "));
    let longer = refused(Rung::Gpt, |s| s.data.context = Some(65));
    assert_eq!(longer, "context: windows of 65 are longer than the model's 64");
    assert!(refused(Rung::Gpt, |s| s.data.examples = Examples::pairs()).starts_with("pairs: the rung gpt"));
    assert!(refused(Rung::Seq2seq, |s| s.data.examples = Examples::text()).starts_with("rung: the rung seq2seq"));
}

#[test]
fn differences_are_named_as_the_options_are() {
    let settings = Settings::of(Rung::Lstm);
    let difference = |change: fn(&mut Settings)| {
        let mut wanted = settings.clone();
        change(&mut wanted);
        settings.difference(&wanted, &["steps"]).map(|d| (d.name, d.was, d.wanted))
    };
    let expect = |name: &str, was: &str, wanted: &str| Some((name.into(), was.into(), wanted.into()));
    assert_eq!(difference(|_| ()), None);
    assert_eq!(difference(|s| s.training.budget = Budget::Steps(9)), None);
    assert_eq!(difference(|s| s.training.batch_size = 9), expect("batch-size", "50", "9"));
    let smoothed = difference(|s| s.training.label_smoothing = Some(0.1));
    assert_eq!(smoothed, expect("label-smoothing", "absent", "0.1"));
    let rung = difference(|s| s.model = ModelConfig::Rnn(RecurrentConfig::default()));
    assert_eq!(rung, expect("rung", "lstm", "rnn"));
    let prompts = |task| Examples::Prompts(PromptSettings::of(task));
    let mut pairs = settings.clone();
    pairs.data.examples = prompts(PromptKind::Pairs);
    let other = settings.difference(&pairs, &[]).map(|d| (d.name, d.was, d.wanted));
    assert_eq!(other, expect("examples", "text", "prompts"));
    let mut dialogue = settings.clone();
    dialogue.data.examples = prompts(PromptKind::Dialogue);
    let other = pairs.difference(&dialogue, &[]).map(|d| (d.name, d.was, d.wanted));
    assert_eq!(other, expect("task", "pairs", "dialogue"));
    let constant = difference(|s| s.training.schedule = Schedule::Constant { rate: 4e-3 });
    assert_eq!(constant, expect("schedule", "cosine", "constant"));
}

#[test]
fn what_is_off_is_not_written() {
    let settings = Settings::of(Rung::Gpt);
    let json = serde_json::to_string(&settings).unwrap();
    for name in ["label_smoothing", "ema", "patience", "fine_tuning", "key_heads", "vocabulary", "documents", "end"] {
        assert!(!json.contains(&format!("\"{name}\"")), "{name}: {json}");
    }
    let mut smoothed = settings.clone();
    smoothed.training.label_smoothing = Some(0.1);
    let json = serde_json::to_string(&smoothed).unwrap();
    assert!(json.contains(r#""label_smoothing":0.1"#), "{json}");
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), smoothed);
}

#[test]
fn a_run_that_begins_with_another_has_its_arrangement() {
    let transformer = |config| Settings { model: ModelConfig::Transformer(config), ..Settings::of(Rung::Transformer) };
    let post = TransformerConfig { norm_position: NormPosition::Post, ..TransformerConfig::default() };
    let settings = transformer(post.clone());
    assert_eq!(settings.beginning().model, settings.model);
    let difference = settings.model_difference(&Settings::of(Rung::Transformer)).unwrap();
    assert_eq!(
        (difference.name.as_str(), difference.was.as_str(), difference.wanted.as_str()),
        ("norm-position", "post", "pre")
    );
    // How it is computed is none of it.
    let again = transformer(TransformerConfig { gradient_checkpointing: true, ..post });
    assert_eq!(settings.model_difference(&again), None);
}

#[test]
fn a_file_changes_what_it_says() {
    let settings = Settings::from_json(
        r#"{"model": {"width": 64, "positions": {"name": "rotary"}}, "training": {"schedule": {"minimum": 0.0}}}"#,
        Rung::Gpt,
    )
    .unwrap();
    let ModelConfig::Gpt(config) = settings.model else { panic!("a gpt") };
    assert_eq!((config.width, config.layers), (64, 4));
    assert_eq!(config.positions, Positions::Rotary(Rotary { theta: 10_000.0 }));
    assert_eq!(settings.training.schedule, Schedule::Cosine { rate: 1e-3, minimum: 0.0, warmup: 100 });
    // Whatever a run can have for settings is read back from its file.
    let mut settings = Settings::of(Rung::Gpt);
    settings.model = gpt(|c| (c.key_heads, c.gradient_checkpointing) = (Some(2), true)).model;
    settings.fine_tuning = Some(FineTuning::Lora(Lora::of_rank(2)));
    let sgd = Method::Sgd(crate::trainer::Sgd { momentum: 0.9, nesterov: true });
    let adam = Method::Adam(Adam::default());
    for budget in [Budget::Steps(7), Budget::Epochs(2), Budget::Seconds(0.5)] {
        for (optimizer, schedule) in [
            (sgd, Schedule::Constant { rate: 0.1 }),
            (adam, Schedule::Step { rate: 0.1, factor: 0.5, every: 3 }),
            (settings.training.optimizer, Schedule::Noam { factor: 1.0, width: 128, warmup: 9 }),
        ] {
            settings.training = TrainerConfig { budget, optimizer, schedule, clip: None, ..settings.training };
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(Settings::from_json(&json, Rung::Gpt).unwrap(), settings);
        }
    }
    let old =
        Settings::from_json(r#"{"model": {"rung": "gpt", "hidden": 32, "checkpointing": true}}"#, Rung::Gpt).unwrap();
    assert_eq!(old.model, gpt(|c| (c.width, c.gradient_checkpointing) = (32, true)).model);
    let sgd = Settings::from_json(r#"{"training": {"optimizer": {"name": "sgd"}}}"#, Rung::Gpt).unwrap();
    assert_eq!(sgd.training.optimizer, Method::Sgd(crate::trainer::Sgd::default()));
    let refused = |json| Settings::from_json(json, Rung::Gpt).unwrap_err();
    assert!(refused(r#"{"model": {"rung": "lstm"}}"#).contains("these are settings of the rung lstm, not gpt"));
    assert!(refused(r#"{"model": {"depth": 3}}"#).contains("unknown field `depth`"));
    assert!(refused(r#"{"modle": {}}"#).contains("unknown field `modle`"));
}

/// Settings as versions before this one wrote them, and what they say.
#[test]
fn settings_of_earlier_versions_are_read() {
    let training = r#""accumulate":2,"batch_size":4,"budget":{"steps":8},"clip":1.0,"evaluate_every":3,"save_every":4,
        "optimizer":{"name":"adamw","beta1":0.9,"beta2":0.95,"epsilon":1e-08,"weight_decay":0.2},"seed":1,
        "schedule":{"name":"cosine","rate":0.02,"minimum":0.002,"warmup":0},"validation_split":0.1,"tokenizer":"char""#;
    let read = |fields: &str| {
        let json = format!("{{{training},{fields}}}");
        json::of_any_version(&mut serde_json::Deserializer::from_str(&json)).unwrap()
    };

    let llama = read(
        r#""rung":"gpt","layers":1,"hidden":16,"heads":4,"context":16,"dropout":0.0,"regularization":{"ema":0.9},
        "gpt":{"architecture":"llama","activation":"silu","bias":false,"checkpointing":true,"feed_forward":24,
        "gated":true,"key_heads":2,"norm":"rms","norm_epsilon":1e-05,"positions":"rotary","rotary_base":500.0,
        "tied":false,"end":[2]},"prompts":{"task":"dialogue","template":"{role}: {text}\n"}"#,
    );
    let ModelConfig::Gpt(config) = &llama.model else { panic!("a gpt") };
    let expected = GptConfig {
        layers: 1,
        width: 16,
        heads: 4,
        context: 16,
        key_heads: Some(2),
        feed_forward: Some(24),
        positions: Positions::Rotary(Rotary { theta: 500.0 }),
        gradient_checkpointing: true,
        ..GptConfig::llama()
    };
    assert_eq!(*config, expected);
    assert_eq!(llama.prompts(), Some(&PromptSettings::of(PromptKind::Dialogue)));
    assert_eq!((&llama.data.end[..], llama.training.ema, llama.training.accumulate), (&[2][..], Some(0.9), 2));
    assert_eq!(llama.training.seed, 1);

    // Old settings are read by --config too, with their names, and what they must have is missed by name.
    let flat =
        r#"{"rung":"gpt","layers":1,"hidden":8,"heads":2,"context":9,"dropout":0.0,"gpt":{"checkpointing":true}}"#;
    let small = Settings::from_json(flat, Rung::Gpt).unwrap();
    let sizes =
        |c: &mut GptConfig| (c.layers, c.width, c.heads, c.context, c.gradient_checkpointing) = (1, 8, 2, 9, true);
    assert_eq!(small.model, gpt(sizes).model);
    let missing = Settings::from_json(r#"{"rung":"gpt","layers":1,"gpt":{"gated":true}}"#, Rung::Gpt).unwrap_err();
    assert_eq!(missing, "missing field `hidden`");

    // Its default arrangement, and of one with a gate the width that its feed-forward networks had.
    let sizes = r#""rung":"gpt","layers":4,"hidden":128,"heads":4,"context":64,"dropout":0.0"#;
    assert_eq!(read(sizes).model, ModelConfig::of(Rung::Gpt));
    let gated = read(&format!(r#"{sizes},"gpt":{{"architecture":"gpt","gated":true}}"#));
    assert_eq!(gated.model, gpt(|c| (c.gated, c.feed_forward) = (true, Some(512))).model);

    let lstm = read(
        r#""rung":"lstm","layers":1,"hidden":8,"embedding":6,"context":12,"dropout":0.5,"documents":"\n",
        "fine_tuning":{"train_last_layers":1}"#,
    );
    let config = RecurrentConfig { layers: 1, hidden: 8, embedding: 6, dropout: 0.5, ..RecurrentConfig::default() };
    assert_eq!(lstm.model, ModelConfig::Lstm(config));
    assert_eq!((lstm.context(), lstm.data.examples.documents()), (12, Some("\n")));
    assert_eq!(lstm.fine_tuning, Some(FineTuning::TrainLastLayers(1)));

    let attention = read(
        r#""rung":"attention","layers":1,"hidden":8,"embedding":6,"context":50,"dropout":0.0,
        "pairs":{"cell":"gru","attention":"bahdanau","score":"additive","both_ways":false,"reverse":false,"tied":true,
        "scheduled_sampling":0.3,"min_count":2,"lower_case":true}"#,
    );
    let config = AttentionConfig {
        layers: 1,
        hidden: 8,
        embedding: 6,
        cell: CellKind::Gru,
        style: Style::Bahdanau,
        score: Score::Additive,
        bidirectional: false,
        tied: true,
        scheduled_sampling: 0.3,
        ..AttentionConfig::default()
    };
    assert_eq!(attention.model, ModelConfig::Attention(config));
    assert_eq!(attention.data.examples, Examples::Pairs { min_count: 2, lower_case: true });

    for (tied, expected) in [("false", Tying::Nothing), ("true", Tying::Head), (r#""all""#, Tying::All)] {
        let transformer = read(&format!(
            r#""rung":"transformer","layers":1,"hidden":8,"heads":2,"context":50,"dropout":0.1,
            "pairs":{{"lower_case":false,"min_count":1,"reverse":false,"scheduled_sampling":0.0,"tied":{tied}}},
            "transformer":{{"activation":"relu","norm_position":"post","positions":"sinusoidal"}}"#
        ));
        let sizes =
            TransformerConfig { layers: 1, width: 8, heads: 2, context: 50, dropout: 0.1, ..Default::default() };
        let config = TransformerConfig { norm_position: NormPosition::Post, tied: expected, ..sizes };
        assert_eq!(transformer.model, ModelConfig::Transformer(config));
    }
}
