mod golden;

use super::*;
use crate::layers::{Bias, Dropout, Init, Linear, parameters};
use crate::tensor::{Array, Ids};
use crate::trainer::Control;

/// The smallest model with something to draw at random while it is trained.
#[derive(Clone, Debug)]
struct Classifier<E: Element> {
    dense: Linear<E>,
    dropout: Dropout,
}
parameters!(Classifier { dense, dropout: _ });

impl Model for Classifier<f32> {
    type Input = Tensor;
    fn forward(&self, x: &Tensor, mode: &mut Mode<'_>) -> Tensor {
        self.dense.forward(&self.dropout.forward(x, mode), mode)
    }
}

fn compiled() -> Compiled<Classifier<f32>, Ids> {
    let dense = Linear::new(3, 3, Bias::Yes, Init::XavierUniform, &mut Rng::new(1));
    let compile = Compile {
        learning_rate: 0.01,
        metrics: vec![Box::new(Accuracy::default())],
        ..Compile::new(CategoricalCrossEntropy::default())
    };
    Compiled::new(Classifier { dense, dropout: Dropout::new(0.2) }, compile).unwrap()
}

/// Which of three numbers is the largest?
fn data(samples: usize) -> (Tensor, Ids) {
    let x = Tensor::constant(Array::normal([samples, 3], 0.0, 1.0, &mut Rng::new(2)));
    let y = Ids::new(metric::classes(&x), samples);
    (x, y)
}

const FIT: Fit = Fit { batch_size: 8, epochs: 3, validation_split: 0.25, shuffle: true };

fn fit(seed: u64, options: Fit) -> (History, Vec<Vec<f32>>) {
    let (x, y) = data(50);
    let mut compiled = compiled();
    let history = compiled.fit(&x, &y, options, &mut Rng::new(seed), &mut |_| Control::Continue).unwrap();
    let weights = compiled.into_model().named().into_iter().map(|(_, weight)| weight.to_vec()).collect();
    (history, weights)
}

#[test]
fn the_history_has_every_name_in_order_and_every_epoch() {
    let (history, _) = fit(1, FIT);
    assert_eq!(history.names().collect::<Vec<_>>(), ["loss", "accuracy", "val_loss", "val_accuracy"]);
    assert!(history.names().all(|name| history.get(name).unwrap().len() == 3));
    assert_eq!((history.epochs(), history.get("val_perplexity")), (3, None));
    let (history, _) = fit(1, Fit { validation_split: 0.0, ..FIT });
    assert_eq!(history.names().collect::<Vec<_>>(), ["loss", "accuracy"]);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_another_order() {
    assert_eq!(fit(1, FIT), fit(1, FIT));
    assert_ne!(fit(1, FIT), fit(2, FIT));
}

#[test]
fn an_epoch_learns() {
    let (x, y) = data(200);
    let mut compiled = compiled();
    let loss = |compiled: &Compiled<_, Ids>| compiled.evaluate(&x, &y, 64).unwrap()[0].1;
    let before = loss(&compiled);
    compiled.fit(&x, &y, Fit { epochs: 1, ..FIT }, &mut Rng::new(1), &mut |_| Control::Continue).unwrap();
    assert!(loss(&compiled) < 0.9 * before, "{before} to {}", loss(&compiled));
}

#[test]
fn the_last_share_is_held_out_and_never_trained_on() {
    let (x, y) = data(40);
    let (mut compiled, options) = (compiled(), Fit { epochs: 1, ..FIT });
    let mut weights = Vec::new();
    let history = compiled.fit(&x, &y, options, &mut Rng::new(1), &mut |_| Control::Continue).unwrap();
    compiled.model().for_each(&mut |_, weight| weights.push(weight.to_vec()));

    let last: Vec<usize> = (30..40).collect();
    let measured = compiled.evaluate(&x.rows(&last), &y.rows(&last), options.batch_size).unwrap();
    assert_eq!(measured[0].1, history.get("val_loss").unwrap()[0]);
    assert_eq!(measured[1].1, history.get("val_accuracy").unwrap()[0]);

    // Other targets there change nothing that is learnt.
    let others: Vec<u32> = y.as_slice().iter().enumerate().map(|(i, &y)| if i < 30 { y } else { 0 }).collect();
    let mut again = self::compiled();
    again.fit(&x, &Ids::new(others, 40), options, &mut Rng::new(1), &mut |_| Control::Continue).unwrap();
    let mut same = Vec::new();
    again.model().for_each(&mut |_, weight| same.push(weight.to_vec()));
    assert_eq!(weights, same);
}

#[test]
fn an_epoch_is_over_every_sample_whatever_the_last_batch_has_left() {
    // With a learning rate too small to move anything, the epoch's numbers are those of the data.
    let (x, y) = data(10);
    let model = Classifier { dropout: Dropout::new(0.0), ..compiled().into_model() };
    let compile = Compile {
        learning_rate: 1e-30,
        metrics: vec![Box::new(Accuracy::default())],
        ..Compile::new(CategoricalCrossEntropy::default())
    };
    let mut compiled = Compiled::new(model, compile).unwrap();
    let whole = compiled.evaluate(&x, &y, 10).unwrap();
    let options = Fit { batch_size: 4, epochs: 1, validation_split: 0.0, shuffle: true };
    let history = compiled.fit(&x, &y, options, &mut Rng::new(1), &mut |_| Control::Continue).unwrap();
    for (name, value) in whole {
        assert!((history.get(&name).unwrap()[0] - value).abs() < 1e-6, "{name}");
    }
}

#[test]
fn a_callback_sees_each_epoch_and_can_stop() {
    let (x, y) = data(50);
    let mut lines = Vec::new();
    let mut told = |end: &EpochEnd| {
        lines.push(end.to_string());
        if end.epoch == 2 { Control::Stop } else { Control::Continue }
    };
    let history = compiled().fit(&x, &y, FIT, &mut Rng::new(1), &mut told).unwrap();
    assert_eq!((history.epochs(), lines.len()), (2, 2));
    assert!(lines[0].starts_with("Epoch 1/3 - 0s - loss: "), "{}", lines[0]);
    assert!(lines[1].contains(" - val_accuracy: 0."), "{}", lines[1]);
    let values = [("loss", 1.5), ("val_loss", 1e-5)].map(|(name, value)| (name.to_owned(), value));
    let end = EpochEnd { epoch: 2, epochs: 10, seconds: 12.4, values: values.to_vec() };
    assert_eq!(end.to_string(), "Epoch 2/10 - 12s - loss: 1.5000 - val_loss: 1.0000e-5");
}

#[test]
fn one_hot_rows_and_ids_are_one_target_in_two_forms() {
    let ids = Ids::new(vec![0, 2, 1, 1, 0, 2], [2, 3]);
    let rows: Tensor<f64> = one_hot(&ids, 3);
    let outputs = Tensor::variable(Array::normal([2, 3, 3], 0.0, 1.0, &mut Rng::new(3)));
    for (ignore_class, tokens) in [(None, 6), (Some(0), 4), (Some(7), 6)] {
        for outputs in [(Outputs::Logits, outputs.clone()), (Outputs::Probabilities, outputs.softmax())] {
            let loss = CategoricalCrossEntropy { outputs: outputs.0, ignore_class };
            let (of_ids, of_rows) = (loss.loss(&ids, &outputs.1), loss.loss(&rows, &outputs.1));
            assert_eq!((of_ids.tokens, of_rows.tokens), (tokens, tokens));
            assert!((of_ids.total.item() - of_rows.total.item()).abs() < 1e-12, "{loss:?}");
        }
        let accuracy = Accuracy { ignore_class };
        let mean = accuracy.measure(&ids, &outputs);
        assert_eq!((mean, mean.weight), (accuracy.measure(&rows, &outputs), tokens as f64));
    }
    let nothing = Tensor::constant(Array::zeros([2, 3, 3]));
    let of_nothing = CategoricalCrossEntropy::default().loss(&nothing, &outputs);
    assert_eq!((of_nothing.total.item(), of_nothing.tokens), (0.0, 6), "rows of zeros cost nothing and count");
}

#[test]
fn what_cannot_be_fitted_is_refused_and_named() {
    let (x, y) = data(5);
    let refused = |y: &Ids, options| {
        let told = &mut |_: &EpochEnd| Control::Continue;
        compiled().fit(&x, y, options, &mut Rng::new(1), told).unwrap_err().to_string()
    };
    for (options, problem) in [
        (Fit { batch_size: 0, ..FIT }, "batch size: must be 1 or more"),
        (Fit { epochs: 0, ..FIT }, "epochs: must be 1 or more"),
        (Fit { validation_split: 1.0, ..FIT }, "validation split: must be at least 0 and less than 1, not 1"),
        (Fit { validation_split: 0.9, ..FIT }, "validation split: 0.9 of 5 samples leaves one part without any"),
    ] {
        assert_eq!(refused(&y, options), problem);
    }
    assert_eq!(refused(&Ids::new(vec![0, 1], 2), FIT), "samples: 5 inputs, but 2 targets");

    let compile = |rate, metrics| Compile::<Ids> {
        learning_rate: rate,
        metrics,
        ..Compile::new(CategoricalCrossEntropy::default())
    };
    let model = compiled().into_model();
    let twice: Vec<Box<dyn Metric<Ids, f32>>> = vec![Box::new(Accuracy::default()), Box::new(Accuracy::default())];
    let error = Compiled::new(model.clone(), compile(0.1, twice)).unwrap_err();
    assert_eq!(error.to_string(), "metrics: two are called accuracy");
    assert!(Compiled::new(model, compile(f64::NAN, vec![])).is_err());
}

#[test]
fn a_loss_that_is_not_finite_changes_nothing() {
    let (_, y) = data(4);
    let mut compiled = compiled();
    let weights = |compiled: &Compiled<_, Ids>| {
        let model: &Classifier<f32> = compiled.model();
        model.named().into_iter().map(|(_, weight)| weight.to_vec()).collect::<Vec<_>>()
    };
    let before = weights(&compiled);
    let x = Tensor::constant(Array::full([4, 3], f32::INFINITY));
    assert!(matches!(compiled.train_on_batch(&x, &y, &mut Rng::new(1)), Err(TrainError::NonFiniteLoss { .. })));
    assert_eq!(weights(&compiled), before);

    let masked = Compile::new(CategoricalCrossEntropy { ignore_class: Some(0), ..Default::default() });
    let mut masked: Compiled<_, Ids> = Compiled::new(compiled.into_model(), masked).unwrap();
    let nothing = masked.train_on_batch(&data(4).0, &Ids::new(vec![0; 4], 4), &mut Rng::new(1)).unwrap_err();
    assert_eq!(nothing.to_string(), "the loss cannot be differentiated: every position of a batch is masked");
}
