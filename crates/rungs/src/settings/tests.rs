//! Settings as a whole.

use super::*;
use crate::layers::NormPosition;
use crate::tensor::Rng;

#[test]
fn every_rung_has_defaults_that_can_be() {
    for rung in Rung::ALL {
        let settings = Settings::of(rung);
        settings.validate().unwrap();
        assert_eq!(rung.name().parse::<Rung>().unwrap(), rung);
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    }
    let error = "bert".parse::<Rung>().unwrap_err().to_string();
    assert_eq!(error, "rung: there is no \"bert\", only rnn, lstm, gru, gpt, seq2seq, attention, transformer");
}

#[test]
fn the_gpt_has_the_size_of_nano_gpts() {
    // 65·128 + 64·128 + 4·(12·128² + 2·128) + 128
    let model = Settings::of(Rung::Gpt).model(65).unwrap();
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
    assert_eq!(refused(Rung::Gpt, |s| s.hidden = 130), "hidden 130 is not a multiple of heads 4");
    assert_eq!(refused(Rung::Lstm, |s| s.heads = Some(2)), "heads: the rung lstm has no such size");
    assert_eq!(refused(Rung::Gpt, |s| s.embedding = Some(2)), "embedding: the rung gpt has no such size");
    assert_eq!(refused(Rung::Rnn, |s| s.budget = Budget::Steps(0)), "steps: must be 1 or more, not 0");
    assert_eq!(refused(Rung::Rnn, |s| s.layers = 0), "layers is 0; it must be at least 1");
    assert_eq!(refused(Rung::Rnn, |s| s.clip = Some(-1.0)), "clip: must be a positive number, not -1");
    assert_eq!(refused(Rung::Rnn, |s| s.validation_split = 1.0), "validation-split: must lie between 0 and 1, not 1");
    let smoothing = |smoothing| Regularization { label_smoothing: Some(smoothing), ..Regularization::default() };
    for (value, error) in [(0.0, "0"), (1.0, "1"), (f64::NAN, "NaN")] {
        let mut settings = Settings::of(Rung::Gpt);
        settings.regularization = smoothing(value);
        let error = format!("label-smoothing: must lie between 0 and 1, not {error}");
        assert_eq!(settings.validate().unwrap_err().to_string(), error);
    }
    assert_eq!(refused(Rung::Gpt, |s| s.regularization.ema = Some(1.5)), "ema: must lie between 0 and 1, not 1.5");
    assert_eq!(refused(Rung::Gpt, |s| s.regularization.patience = Some(0)), "patience: must be 1 or more, not 0");
    assert!(refused(Rung::Gpt, |s| s.hidden = 1 << 20).contains("parameters"));
    assert!(refused(Rung::Lstm, |s| s.batch_size = usize::MAX).starts_with("batch-size: "));
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
    assert_eq!(difference(|s| s.budget = Budget::Steps(9)), None);
    assert_eq!(difference(|s| s.batch_size = 9), expect("batch-size", "50", "9"));
    assert_eq!(difference(|s| s.heads = Some(9)), expect("heads", "absent", "9"));
    let smoothed = difference(|s| s.regularization.label_smoothing = Some(0.1));
    assert_eq!(smoothed, expect("label-smoothing", "absent", "0.1"));
    assert_eq!(difference(|s| s.rung = Rung::Rnn), expect("rung", "lstm", "rnn"));
    let constant = difference(|s| s.schedule = Schedule::Constant { rate: 4e-3 });
    assert_eq!(constant, expect("schedule", "cosine", "constant"));
}

#[test]
fn what_is_off_is_not_written_and_old_files_open() {
    let settings = Settings::of(Rung::Gpt);
    let json = serde_json::to_string(&settings).unwrap();
    assert!(!json.contains("regularization"), "{json}");
    let mut smoothed = settings.clone();
    smoothed.regularization.label_smoothing = Some(0.1);
    let json = serde_json::to_string(&smoothed).unwrap();
    assert!(json.contains(r#""regularization":{"label_smoothing":0.1}"#), "{json}");
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), smoothed);
}

#[test]
fn a_run_that_begins_with_another_has_its_arrangement() {
    let mut post = Settings::of(Rung::Transformer);
    post.transformer = Some(TransformerSettings { norm_position: NormPosition::Post, ..Default::default() });
    assert_eq!(post.beginning().transformer, post.transformer);
    let difference = post.model_difference(&Settings::of(Rung::Transformer)).unwrap();
    assert_eq!(
        (difference.name.as_str(), difference.was.as_str(), difference.wanted.as_str()),
        ("norm-position", "post", "pre")
    );
    // How it is computed is none of it.
    let mut again = post.clone();
    again.transformer.as_mut().unwrap().checkpointing = true;
    assert_eq!(post.model_difference(&again), None);
}
