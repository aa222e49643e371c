mod averages;
mod freezing;
mod patience;
mod reader;
mod same_bits;

use super::*;
use crate::testing::Pair;
use crate::{Finish, Loss, Method, Position, Schedule, Sgd, TrainingState};
use proptest::prelude::*;
use rungs_layers::tensor::{Array, Rng, Tensor};
use serde_json::json;

/// Σ over some numbers x of (a x + b − 3x)², a loss that a = 3 and b = 0 bring to nothing.
fn squares(model: &Pair<f64>, xs: &[f64]) -> Tensor<f64> {
    let x = Tensor::constant(Array::from_vec(xs.to_vec(), xs.len()));
    (&x * &model.a + &model.b - &x * 3.0).square().sum()
}

/// Learns those squares in batches of given sizes, and can be told to go wrong.
struct Squares {
    /// The numbers, batch by batch.
    batches: Vec<Vec<f64>>,
    next: usize,
    /// Before which batch (counted from 0) what goes wrong.
    trouble: Option<(usize, Trouble)>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
enum Trouble {
    Loss,
    Gradient,
    Untracked,
    Unreached,
    /// Unreached, and what is reached is a variable that the model does not have.
    OnlyA,
}

impl Squares {
    fn new(batches: Vec<Vec<f64>>) -> Self {
        Self { batches, next: 0, trouble: None }
    }
}

impl Task<f64> for Squares {
    type Model = Pair<f64>;

    fn next_loss(&mut self, model: &Pair<f64>, rng: &mut Rng) -> Result<Loss<f64>, TrainError> {
        rng.u64();
        let xs = &self.batches[self.next % self.batches.len()];
        let trouble = self.trouble.filter(|(at, _)| *at == self.next).map(|(_, trouble)| trouble);
        self.next += 1;
        let total = match trouble {
            None => squares(model, xs),
            Some(Trouble::Loss) => squares(model, xs) * f64::INFINITY,
            // √0 is 0, but it has no slope there.
            Some(Trouble::Gradient) => squares(model, xs) + (&model.a * 0.0).sqrt().sum(),
            Some(Trouble::Untracked) => squares(model, xs).detached(),
            Some(Trouble::Unreached) => model.a.square().sum(),
            Some(Trouble::OnlyA) => model.a.as_variable().square().sum(),
        };
        Ok(Loss { total, tokens: xs.len() })
    }

    fn validate(&self, model: &Pair<f64>) -> Result<Evaluation, TrainError> {
        let loss = squares(model, &[1.0, 2.0]);
        assert!(!loss.is_tracked(), "nothing is recorded in an evaluation");
        Ok(Evaluation { nats: loss.item(), tokens: 2 })
    }

    fn position(&self) -> Position<f64> {
        Position { cursor: json!(self.next), ..Position::default() }
    }

    fn resume(&mut self, position: Position<f64>) -> Result<(), TrainError> {
        let next = position.cursor.as_u64().ok_or_else(|| TrainError::Position("not a number".into()))?;
        self.next = next as usize;
        Ok(())
    }

    fn batches_per_epoch(&self) -> Option<usize> {
        Some(self.batches.len())
    }
}

fn config(steps: usize) -> TrainerConfig {
    TrainerConfig {
        budget: Budget::Steps(steps),
        optimizer: Method::Sgd(Sgd { momentum: 0.9, nesterov: false }),
        schedule: Schedule::Constant { rate: 0.01 },
        clip: None,
        evaluate_every: 5,
        log_every: 2,
        ..TrainerConfig::default()
    }
}

fn trainer(batches: Vec<Vec<f64>>, config: TrainerConfig) -> Trainer<f64, Squares> {
    Trainer::new(Pair::new(&[0.5], &[1.0]), Squares::new(batches), config).unwrap()
}

fn quietly(_: Event) -> Control {
    Control::Continue
}

proptest! {
    #[test]
    fn accumulation_equals_the_large_batch_however_unequal_its_parts(
        parts in prop::collection::vec(prop::collection::vec(-2.0_f64..2.0, 1..9), 1..6),
        clip in prop::option::of(0.1_f64..3.0)
    ) {
        let whole = vec![parts.concat()];
        let config = TrainerConfig { clip, ..config(3) };
        let mut in_parts = trainer(parts.clone(), TrainerConfig { accumulate: parts.len(), ..config });
        let mut at_once = trainer(whole, config);
        let (a, b) = (in_parts.run(&mut quietly).unwrap(), at_once.run(&mut quietly).unwrap());
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b.abs());
        prop_assert!(near(in_parts.model().a.item(), at_once.model().a.item()));
        prop_assert!(near(in_parts.model().b.item(), at_once.model().b.item()));
        prop_assert!(near(a.train_loss.unwrap(), b.train_loss.unwrap()));
        prop_assert_eq!(a.tokens, b.tokens);
    }
}

#[test]
fn a_step_that_fails_changes_nothing() {
    for (trouble, says) in [
        (Trouble::Loss, "step 3: the training loss is inf"),
        (Trouble::Gradient, "step 3: the gradient of parameter a is not finite"),
        (Trouble::Untracked, "step 3: the loss cannot be differentiated: it depends on no parameter"),
        (Trouble::Unreached, "step 3: no gradient for parameter b: the loss does not depend on the tensor"),
    ] {
        for clip in [None, Some(1.0)] {
            // Batch 5 is the second of the third step: one has been added up when it goes wrong.
            let config = TrainerConfig { accumulate: 2, clip, ..config(9) };
            let mut trainer = trainer(vec![vec![1.0, 2.0], vec![-1.0]], config);
            trainer.task.trouble = Some((5, trouble));
            let mut before = None;
            let error = trainer.run(&mut |event| {
                before = Some(event);
                Control::Continue
            });
            let error = error.unwrap_err();
            assert_eq!(error.to_string(), says);
            assert!(!error.is_bad_input());
            assert!(matches!(before, Some(Event::Step { step: 2, .. })));
            let left = trainer.state();
            assert_eq!((left.count, left.progress.step), (2, 2));

            // The same state as that of a run that was stopped there, and it can go on.
            let mut stopped = self::trainer(vec![vec![1.0, 2.0], vec![-1.0]], config);
            stopped.run(&mut stop_after(2)).unwrap();
            let mut expected = stopped.state();
            expected.progress = left.progress; // which holds times
            assert_eq!(left, expected, "{trouble:?}");
            trainer.task.trouble = None;
            trainer.run(&mut quietly).unwrap();
            stopped.run(&mut quietly).unwrap();
            assert_eq!(trainer.state().weights, stopped.state().weights);
        }
    }
}

fn stop_after(steps: usize) -> impl FnMut(Event) -> Control {
    move |event| match event {
        Event::Step { step, .. } if step == steps => Control::Stop,
        _ => Control::Continue,
    }
}

#[test]
fn evaluations_come_when_due_and_at_the_end_and_the_best_weights_are_kept() {
    // A rate at which momentum overshoots: the loss goes down and up again.
    let config = TrainerConfig { schedule: Schedule::Constant { rate: 0.05 }, evaluate_every: 3, ..config(10) };
    let mut trainer = trainer(vec![vec![1.0, 2.0]], config);
    let mut evaluated = Vec::new();
    let mut steps = Vec::new();
    let summary = trainer.run(&mut |event| {
        match event {
            Event::Step { step, progress, .. } => steps.push((step, progress)),
            Event::Evaluated { step, loss, best, tokens: 2, .. } => evaluated.push((step, loss, best)),
            other => panic!("{other:?}"),
        }
        Control::Continue
    });
    let summary = summary.unwrap();
    assert_eq!(steps, (1..=10).map(|step| (step, step as f64 / 10.0)).collect::<Vec<_>>());
    assert_eq!(evaluated.iter().map(|(step, ..)| *step).collect::<Vec<_>>(), [3, 6, 9, 10]);
    let mut best = f64::INFINITY;
    for &(step, loss, is_best) in &evaluated {
        assert_eq!(is_best, loss < best, "at step {step}");
        best = best.min(loss);
    }
    assert!(evaluated.iter().any(|(.., is_best)| !is_best), "the test wants a loss that rises: {evaluated:?}");
    assert_eq!(summary.best_validation_loss, Some(best));
    assert_eq!(summary.validation_loss, evaluated.last().map(|(_, loss, _)| *loss));
    assert_eq!((summary.finish, summary.steps, summary.tokens), (Finish::Completed, 10, 20));

    let best_weights = trainer.best_weights();
    let mut model = trainer.into_model();
    assert!(squares(&model, &[1.0, 2.0]).item() / 2.0 > best);
    model.load(&best_weights).unwrap();
    assert_eq!(squares(&model, &[1.0, 2.0]).item() / 2.0, best);
}

#[test]
fn metrics_sum_up_the_steps_between_their_rows() {
    let mut trainer = trainer(vec![vec![1.0, 2.0], vec![-1.0]], config(7));
    let mut losses = Vec::new();
    let mut note = |event| {
        if let Event::Step { loss, tokens, .. } = event {
            losses.push((loss, tokens as f64));
        }
        Control::Continue
    };
    trainer.run(&mut note).unwrap();
    let rows = trainer.metrics().rows();
    let steps: Vec<usize> = rows.iter().map(|row| row.step).collect();
    assert_eq!(steps, [2, 4, 5, 6, 7], "every second step, the evaluation at the fifth, and the last");
    let evaluated: Vec<bool> = rows.iter().map(|row| row.validation_loss.is_some()).collect();
    assert_eq!(evaluated, [false, false, true, false, true]);
    let (nats, tokens) =
        losses[..2].iter().fold((0.0, 0.0), |sum, (loss, tokens)| (sum.0 + loss * tokens, sum.1 + tokens));
    assert!((rows[0].train_loss - nats / tokens).abs() < 1e-12, "weighed by tokens");
    assert!((rows[2].train_loss - losses[4].0).abs() < 1e-12, "the fifth step alone");
}

#[test]
fn stop_finishes_the_step_with_all_that_belongs_to_it() {
    let mut trainer = trainer(vec![vec![1.0]], config(10));
    let summary = trainer.run(&mut stop_after(5)).unwrap();
    assert_eq!((summary.finish, summary.steps), (Finish::Stopped, 5));
    assert!(summary.validation_loss.is_some(), "the evaluation due at the fifth step was not left out");
    let summary = trainer.run(&mut quietly).unwrap();
    assert_eq!((summary.finish, summary.steps), (Finish::Completed, 10));
    let weights = trainer.state().weights;
    let again = trainer.run(&mut |event| panic!("a finished run does nothing, not {event:?}")).unwrap();
    assert_eq!((again.steps, trainer.state().weights), (10, weights));
}

#[test]
fn epochs_and_seconds_end_a_run() {
    let mut epochs = trainer(vec![vec![1.0]; 7], TrainerConfig { budget: Budget::Epochs(3), ..config(1) });
    assert_eq!(epochs.run(&mut quietly).unwrap().steps, 21);

    let budget = Budget::Seconds(0.5); // two steps fit on a busy machine, too
    let schedule = Schedule::Cosine { rate: 0.01, minimum: 0.0, warmup: 0 };
    let mut seconds = trainer(vec![vec![1.0]], TrainerConfig { budget, schedule, ..config(1) });
    let mut rates = Vec::new();
    let mut last_evaluated = 0;
    let mut note = |event| {
        match event {
            Event::Step { learning_rate, .. } => rates.push(learning_rate),
            Event::Evaluated { step, .. } => last_evaluated = step,
            _ => {}
        }
        Control::Continue
    };
    let summary = seconds.run(&mut note).unwrap();
    assert_eq!((summary.finish, summary.steps), (Finish::Completed, rates.len()));
    assert!(summary.seconds >= 0.05 && summary.steps > 1);
    assert_eq!(last_evaluated, summary.steps);
    assert!(rates.last() < rates.first(), "the cosine is stretched over the time");
}

#[test]
fn a_state_of_another_run_is_refused_and_nothing_changes() {
    let mut trained = trainer(vec![vec![1.0]], config(4));
    trained.run(&mut quietly).unwrap();
    let state = trained.state();
    let other =
        trainer(vec![vec![1.0]], TrainerConfig { optimizer: Method::Adam(crate::Adam::default()), ..config(4) });
    let wide = Trainer::new(Pair::new(&[0.5, 0.5], &[1.0]), Squares::new(vec![vec![1.0]]), config(4)).unwrap();
    let same = trainer(vec![vec![1.0]], config(4));
    let no_cursor = TrainingState { position: Position::default(), ..state.clone() };
    let missing = TrainingState { weights: Named::new(), ..state.clone() };
    for (mut trainer, state, says) in [
        (other, state.clone(), "moment first of parameter a: missing"),
        (wide, state.clone(), "moment velocity of parameter a: has shape"),
        (same, no_cursor, "the saved position does not fit the data: not a number"),
        (self::trainer(vec![vec![1.0]], config(4)), missing, "tensors do not fit the model: missing: a, b"),
        (self::trainer(vec![vec![1.0]], config(4)), TrainingState { rng: [0; 4], ..state }, "the saved position"),
    ] {
        let before = trainer.state();
        let error = trainer.restore(state).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
        assert!(error.is_bad_input());
        assert_eq!(trainer.state(), before);
    }
}
