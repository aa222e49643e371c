//! Of parameters that are frozen no bit changes.

use super::*;
use crate::trainer::evaluating::with_constants;

#[test]
fn parameters_are_constants_in_an_evaluation_and_what_was_frozen_stays_so() {
    let mut model: Pair<f64> = Pair::new(&[1.0], &[2.0]);
    model.b = model.b.detached();
    let mut partly = Trained::all(model.clone());
    partly.freeze(&|name| name == "b");
    for mut model in [Trained::all(model), partly] {
        let constants = |model: &Pair<f64>| assert!(!model.a.is_tracked() && !model.b.is_tracked());
        with_constants(&mut model, None, constants);
        let Pair { a, b } = model.whole();
        assert!(a.is_variable() && !b.is_tracked());
        assert_eq!((a.item(), b.item()), (1.0, 2.0));
    }
}

#[test]
fn what_is_frozen_keeps_its_bits_and_the_rest_is_trained_as_if_it_were_all() {
    let ema = TrainerConfig { ema: Some(0.5), clip: Some(0.3), ..config(12) };
    let frozen = |config| {
        let mut trainer = trainer(vec![vec![1.0, 2.0], vec![-1.0]], config);
        trainer.freeze(&|name| name == "b").unwrap();
        trainer
    };
    for config in [config(12), ema] {
        let mut whole = frozen(config);
        whole.run(&mut quietly).unwrap();
        assert_eq!((whole.model().b.item().to_bits(), whole.trained_count()), (1.0_f64.to_bits(), 1));
        assert_ne!(whole.model().a.item(), 0.5);
        let state = whole.state();
        for named in [&state.weights, &state.average, &state.moments] {
            assert!(named.keys().all(|name| name.ends_with('a')), "{:?}", named.keys());
        }
        assert_eq!(whole.best_weights().keys().collect::<Vec<_>>(), ["a", "b"]);

        let mut stopped = frozen(config);
        stopped.run(&mut stop_after(7)).unwrap();
        let mut resumed = frozen(config);
        resumed.restore(stopped.state()).unwrap();
        resumed.run(&mut quietly).unwrap();
        assert_eq!(resumed.state().weights, state.weights);
        assert_eq!(resumed.state().average, state.average);
        // Another part of the model is another run.
        let state = stopped.state();
        assert!(trainer(vec![vec![1.0]], config).restore(state).is_err());
    }
}

#[test]
fn what_is_to_be_trained_and_lost_its_gradient_stops_a_run_that_freezes_something_else() {
    let mut trainer = trainer(vec![vec![1.0]], config(9));
    trainer.freeze(&|name| name == "a").unwrap();
    trainer.task.trouble = Some((2, Trouble::OnlyA));
    let error = trainer.run(&mut quietly).unwrap_err();
    assert_eq!(error.to_string(), "step 3: no gradient for parameter b: the loss does not depend on the tensor");
}

#[test]
fn a_run_that_has_begun_freezes_nothing_more_and_one_without_anything_to_train_does_not_begin() {
    let mut trainer = trainer(vec![vec![1.0]], config(9));
    assert_eq!(trainer.freeze(&|_| true).unwrap_err().to_string(), "frozen: nothing is left to train");
    trainer.run(&mut stop_after(1)).unwrap();
    assert!(trainer.freeze(&|name| name == "a").is_err());
    assert!(trainer.model().a.is_variable() && trainer.model().b.is_variable(), "and nothing was changed");
}
