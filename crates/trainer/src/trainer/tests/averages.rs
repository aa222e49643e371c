//! The average of the weights of all steps.

use super::*;
use crate::testing::bytes;

#[test]
fn the_average_is_the_formula_and_takes_no_part_in_training() {
    let (steps, decay) = (40, 0.7);
    let mut plain = trainer(vec![vec![1.0, 2.0], vec![-0.5]], config(steps));
    let mut averaged = trainer(vec![vec![1.0, 2.0], vec![-0.5]], TrainerConfig { ema: Some(decay), ..config(steps) });
    // By hand, from the weights after every step.
    let mut single = trainer(vec![vec![1.0, 2.0], vec![-0.5]], config(steps));
    let mut by_hand = [0.5, 1.0];
    for step in 1..=steps {
        single.run(&mut stop_after(step)).unwrap();
        let d = decay.min((1.0 + step as f64) / (10.0 + step as f64));
        let now = [single.model().a.item(), single.model().b.item()];
        by_hand = [0, 1].map(|i| d * by_hand[i] + (1.0 - d) * now[i]);
    }
    plain.run(&mut quietly).unwrap();
    let mut last = f64::NAN;
    let mut note = |event| {
        if let Event::Evaluated { loss, .. } = event {
            last = loss;
        }
        Control::Continue
    };
    averaged.run(&mut note).unwrap();
    assert_eq!(averaged.state().weights, plain.state().weights);
    let average = averaged.state().average;
    let values = [average["a"].item(), average["b"].item()];
    assert!(values.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-12), "{values:?} are not {by_hand:?}");
    // What is evaluated is the model with the average in it.
    let mut model = Pair::new(&[0.0], &[0.0]);
    model.load(&average).unwrap();
    assert_eq!(squares(&model, &[1.0, 2.0]).item() / 2.0, last);
    let best = averaged.best_weights();
    model.load(&best).unwrap();
    assert_eq!(squares(&model, &[1.0, 2.0]).item() / 2.0, averaged.progress().best.unwrap().loss);
}

#[test]
fn the_average_goes_on_bit_for_bit_and_belongs_to_the_run() {
    let config = TrainerConfig { ema: Some(0.9), ..config(9) };
    let mut whole = trainer(vec![vec![1.0, 2.0]], config);
    whole.run(&mut quietly).unwrap();
    for stop in [1, 4, 8] {
        let mut first = trainer(vec![vec![1.0, 2.0]], config);
        first.run(&mut stop_after(stop)).unwrap();
        let state = TrainingState::from_bytes(&bytes(&first.state())).unwrap();
        let mut second = trainer(vec![vec![1.0, 2.0]], config);
        second.restore(state.clone()).unwrap();
        second.run(&mut quietly).unwrap();
        assert_eq!((second.state().average, second.state().weights), (whole.state().average, whole.state().weights));

        let mut without = trainer(vec![vec![1.0, 2.0]], TrainerConfig { ema: None, ..config });
        let error = without.restore(state.clone()).unwrap_err().to_string();
        assert_eq!(error, "ema: the run that was saved keeps an average of its weights");
        let lost = TrainingState { average: Named::new(), ..state };
        let mut with = trainer(vec![vec![1.0, 2.0]], config);
        assert_eq!(with.restore(lost).unwrap_err().to_string(), "average of parameter a: missing");
    }
}

#[test]
fn averages_have_the_same_bits_on_any_number_of_threads() {
    let average = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let wide = Array::normal(100_000, 0.0, 1.0, &mut Rng::new(1));
            let mut model: Pair<f64> = Pair::new(&[1.0], &[2.0]);
            model.a = Tensor::variable(wide);
            let mut average = Average::new(0.999, &model);
            for count in 1..5 {
                model.a.update(|x| x.iter_mut().for_each(|x| *x *= 0.9));
                average.update(&model, count);
            }
            average.weights
        })
    };
    let one = average(1);
    assert!(one == average(2) && one == average(8));
}
