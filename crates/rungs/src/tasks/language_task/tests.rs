use super::*;
use crate::models::{Gpt, GptConfig, LstmLanguageModel, RecurrentConfig};
use crate::tasks::evaluate;
use std::sync::Arc;

fn lstm() -> Box<dyn LanguageModel<f64>> {
    let config = RecurrentConfig { vocabulary: 7, embedding: 3, hidden: 5, layers: 2, dropout: 0.2 };
    Box::new(LstmLanguageModel::new(&config, &mut Rng::new(1)).unwrap())
}

fn gpt() -> Box<dyn LanguageModel<f64>> {
    let config = GptConfig {
        dropout: 0.2,
        bias: false,
        vocabulary: 7,
        context: 6,
        width: 8,
        heads: 2,
        layers: 2,
        ..GptConfig::nanogpt()
    };
    Box::new(Gpt::new(&config, &mut Rng::new(1)).unwrap())
}

fn tokens(n: usize) -> Arc<[u32]> {
    let mut rng = Rng::new(2);
    (0..n).map(|_| rng.below(7) as u32).collect()
}

fn streams() -> LanguageTask<f64> {
    LanguageTask::in_streams([64, 30].map(|length| tokens(length).into()), 3, 4).unwrap()
}

type Model = Box<dyn LanguageModel<f64>>;

fn nats(task: &mut LanguageTask<f64>, model: &Model, rng: &mut Rng) -> f64 {
    task.next_loss(model, rng).unwrap().total.item()
}

#[test]
fn a_text_costs_the_sum_over_its_tokens_of_what_each_costs_after_the_others() {
    // Written out: one token at a time, with the state that generation has.
    let text = tokens(23);
    let one_by_one = |model: &dyn LanguageModel<f64>, context: usize| {
        let mut state = model.start(1);
        let mut nats = 0.0;
        for (i, pair) in text.windows(2).enumerate() {
            if i % context == 0 {
                state = model.start(1);
            }
            let logits = model.step(&crate::tensor::Ids::new([pair[0]], [1, 1]), &mut state).to_vec();
            nats -= crate::decoding::log_probability(&logits, pair[1]);
        }
        nats
    };
    let (lstm, gpt) = (lstm(), gpt());
    for context in [1, 4, 22, 100] {
        let evaluation = evaluate(lstm.as_ref(), text.clone(), context).unwrap();
        assert_eq!(evaluation.tokens, 22);
        let expected = one_by_one(lstm.as_ref(), usize::MAX); // carried through, whatever the window
        assert!((evaluation.nats - expected).abs() < 1e-9, "{} is not {expected}", evaluation.nats);
    }
    for context in [1, 4, 6] {
        let evaluation = evaluate(gpt.as_ref(), text.clone(), context).unwrap();
        assert_eq!(evaluation.tokens, 22);
        let expected = one_by_one(gpt.as_ref(), context); // anew in every window
        assert!((evaluation.nats - expected).abs() < 1e-9, "{} is not {expected}", evaluation.nats);
    }
}

#[test]
fn streams_carry_their_state_and_begin_anew_with_the_text() {
    let model = lstm().frozen();
    let mut task = streams();
    let batches = task.batches_per_epoch().unwrap();
    let carried: Vec<usize> = (0..batches + 1)
        .map(|_| {
            nats(&mut task, &model, &mut Rng::new(3));
            let Batches::Streams { state, .. } = &task.batches else { panic!("streams") };
            state.as_ref().unwrap().position()
        })
        .collect();
    assert_eq!(carried, [4, 8, 12, 16, 20, 21, 4], "21 tokens a stream, the last window of one");
}

#[test]
fn labels_are_smoothed_in_training_and_not_in_validation() {
    let gpt = gpt().frozen();
    let plain = || LanguageTask::<f64>::in_windows([64, 30].map(|length| tokens(length).into()), 3, 4).unwrap();
    let mut smooth = LanguageTask { label_smoothing: 0.1, ..plain() };
    assert_eq!(smooth.validate(&gpt).unwrap(), plain().validate(&gpt).unwrap());
    // −Σ q ln p with q = 0.9·one-hot + 0.1/7: between the loss and that of the uniform distribution, linear in ε.
    let at = |task: &mut LanguageTask<f64>| nats(task, &gpt, &mut Rng::new(3));
    let (half, none, some) = (0.05, at(&mut plain()), at(&mut smooth));
    let between = at(&mut LanguageTask { label_smoothing: half, ..plain() });
    assert!(some != none && ((none + some) / 2.0 - between).abs() < 1e-9, "{none} {between} {some}");
}

#[test]
fn gradients_stop_at_the_window_but_the_state_does_not() {
    let (model, mut task, mut rng) = (lstm(), streams(), Rng::new(3));
    nats(&mut task, &model, &mut rng);
    let Batches::Streams { state: Some(state), .. } = &task.batches else { panic!("a state is carried") };
    let carried = &state.get::<CarriedState<f64>>().unwrap().layers;
    assert!(carried.iter().all(|state| !state.h.is_tracked()));
    assert!(carried.iter().any(|state| state.h.to_vec().iter().any(|&x| x != 0.0)));
}

#[test]
fn a_task_goes_on_from_its_position() {
    let model = lstm();
    for steps in [0, 1, 3, 6, 9] {
        let (mut task, mut rng) = (streams(), Rng::new(3));
        (0..steps).for_each(|_| _ = nats(&mut task, &model, &mut rng));
        let mut resumed = streams();
        resumed.resume(task.position()).unwrap();
        let mut copy = Rng::from_state(rng.state()).unwrap();
        for _ in 0..8 {
            assert_eq!(nats(&mut task, &model, &mut rng), nats(&mut resumed, &model, &mut copy));
        }
    }
    let mut windows = LanguageTask::<f64>::in_windows([64, 30].map(|length| tokens(length).into()), 3, 4).unwrap();
    windows.resume(windows.position()).unwrap();
    assert!(windows.resume(streams().position()).is_err(), "a place in a text is no place here");
    assert!(streams().resume(Position::default()).is_err());
}
