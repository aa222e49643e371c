//! A run stops when evaluations have not become better for too long.

use super::*;

/// A run whose loss falls, and soon rises for ever: each step is longer than the one before.
fn diverging(patience: Option<usize>, steps: usize) -> Trainer<f64, Squares> {
    let schedule = Schedule::Step { rate: 0.02, factor: 1.12, every: 1 };
    trainer(vec![vec![1.0, 2.0]], TrainerConfig { schedule, evaluate_every: 2, patience, ..config(steps) })
}

#[test]
fn a_run_stops_when_its_patience_is_used_up_and_goes_on_with_more() {
    let mut heard = Vec::new();
    let mut listen = |event| {
        heard.extend(matches!(event, Event::Evaluated { .. } | Event::StoppedEarly { .. }).then_some(event));
        Control::Continue
    };
    let mut tired = diverging(Some(3), 40);
    let summary = tired.run(&mut listen).unwrap();
    assert_eq!(summary.finish, Finish::StoppedEarly);
    let best = tired.progress().best.unwrap();
    assert!(best.step > 2, "the loss falls at first");
    assert_eq!(summary.steps, best.step + 3 * 2, "three evaluations later");
    let last = heard.pop().unwrap();
    assert_eq!(last, Event::StoppedEarly { step: summary.steps, best_step: best.step, evaluations: 3 });
    let since = heard.iter().filter(|event| matches!(event, Event::Evaluated { step, .. } if *step > best.step));
    assert!(
        since.clone().count() == 3 && since.clone().all(|event| matches!(event, Event::Evaluated { best: false, .. }))
    );
    assert_eq!(tired.metrics().rows().last().unwrap().step, summary.steps);

    // Nothing more happens, and a longer budget changes nothing.
    tired.run(&mut |event| panic!("{event:?}")).unwrap();
    let state = tired.state();
    for (steps, patience) in [(40, Some(3)), (60, Some(3)), (40, Some(2))] {
        let mut again = diverging(patience, steps);
        again.restore(state.clone()).unwrap();
        assert!(again.is_finished());
        assert_eq!(again.run(&mut |event| panic!("{event:?}")).unwrap().finish, Finish::StoppedEarly);
    }
    // More patience goes on, and the run is what it would have been with it from the beginning.
    for patience in [Some(5), None] {
        let mut longer = diverging(patience, 40);
        longer.restore(state.clone()).unwrap();
        longer.run(&mut quietly).unwrap();
        let mut whole = diverging(patience, 40);
        whole.run(&mut quietly).unwrap();
        assert!(longer.state().progress.step > summary.steps);
        assert_eq!(longer.state().weights, whole.state().weights);
        assert_eq!(longer.progress().evaluations_since_best, whole.progress().evaluations_since_best);
    }
}

#[test]
fn a_run_that_ends_just_when_it_would_stop_early_is_completed() {
    let stopped = diverging(Some(3), 1000).run(&mut quietly).unwrap();
    let ended = diverging(Some(3), stopped.steps).run(&mut |event| match event {
        Event::StoppedEarly { .. } => panic!("it was over"),
        _ => Control::Continue,
    });
    assert_eq!(ended.unwrap().finish, Finish::Completed);
}

/// Squares whose validation losses are written down, one for each step.
struct Scripted {
    squares: Squares,
    losses: Vec<f64>,
}

impl Task<f64> for Scripted {
    type Model = Pair<f64>;

    fn next_loss(&mut self, model: &Pair<f64>, rng: &mut Rng) -> Result<Loss<f64>, TrainError> {
        self.squares.next_loss(model, rng)
    }
    fn validate(&self, _: &Pair<f64>) -> Result<Evaluation, TrainError> {
        Ok(Evaluation { nats: self.losses[self.squares.next - 1], tokens: 1 })
    }
    fn position(&self) -> Position<f64> {
        self.squares.position()
    }
    fn resume(&mut self, position: Position<f64>) -> Result<(), TrainError> {
        self.squares.resume(position)
    }
}

fn scripted(losses: &[f64], patience: usize) -> Trainer<f64, Scripted> {
    let config = TrainerConfig { evaluate_every: 1, patience: Some(patience), ..config(losses.len()) };
    let task = Scripted { squares: Squares::new(vec![vec![1.0, 2.0]]), losses: losses.to_vec() };
    Trainer::new(Pair::new(&[0.5], &[1.0]), task, config).unwrap()
}

#[test]
fn a_better_evaluation_gives_the_patience_back() {
    let mut trainer = scripted(&[5.0, 4.0, 6.0, 6.0, 3.0, 7.0, 7.0, 7.0, 1.0], 3);
    let summary = trainer.run(&mut quietly).unwrap();
    assert_eq!((summary.finish, summary.steps), (Finish::StoppedEarly, 8));
    assert_eq!(trainer.progress().best.map(|best| (best.step, best.loss)), Some((5, 3.0)));
}

#[test]
fn of_equal_evaluations_the_first_is_the_best() {
    let mut trainer = scripted(&[5.0, 4.0, 4.0, 4.0, 9.0], 2);
    let mut weights = Vec::new();
    let summary = trainer.run(&mut |event| {
        if let Event::Evaluated { step, best, .. } = event {
            weights.push((step, best));
        }
        Control::Continue
    });
    let summary = summary.unwrap();
    assert_eq!(weights, [(1, true), (2, true), (3, false), (4, false)]);
    assert_eq!((summary.finish, summary.steps), (Finish::StoppedEarly, 4));
    assert_eq!(trainer.progress().best.map(|best| best.step), Some(2));
    let mut two = scripted(&[5.0, 4.0], 2);
    two.run(&mut quietly).unwrap();
    assert_eq!(trainer.best_weights(), two.best_weights(), "the weights of step 2");
}
