use super::*;
use crate::testing::Pair;
use rungs_layers::tensor::Rng;

/// The parameter after each of three steps from 1 with gradients 1, −2, ½ and a learning rate of 0.1. The gradient is
/// handed over ten times too large, with a factor that makes up for it.
fn three_steps(rule: Method, axes: usize) -> [f64; 3] {
    let mut x = [1.0];
    let mut moments = vec![vec![0.0]; Rule::<f64>::moments(&rule).len()];
    let mut count = 0;
    [1.0, -2.0, 0.5].map(|gradient: f64| {
        count += 1;
        let step = StepSize { count, learning_rate: 0.1, gradient_factor: 0.1, axes };
        let mut moments: Vec<&mut [f64]> = moments.iter_mut().map(Vec::as_mut_slice).collect();
        rule.update(&step, &mut x, &[10.0 * gradient], &mut moments);
        x[0]
    })
}

fn assert_steps(rule: Method, axes: usize, expected: [f64; 3]) {
    for (step, (found, expected)) in three_steps(rule, axes).into_iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-14, "{rule:?}, step {step}: {found} is not {expected}");
    }
}

// The expected numbers were computed from the equations in each rule's documentation in decimal arithmetic of 40
// digits.

#[test]
fn sgd_by_hand() {
    assert_steps(Method::Sgd(Sgd::default()), 1, [0.9, 1.1, 1.05]);
    assert_steps(Method::Sgd(Sgd { momentum: 0.9, nesterov: false }), 1, [0.9, 1.01, 1.059]);
    assert_steps(Method::Sgd(Sgd { momentum: 0.9, nesterov: true }), 1, [0.81, 1.109, 1.1031]);
}

#[test]
fn rmsprop_by_hand() {
    let rule = RmsProp { alpha: 0.9, ..RmsProp::default() };
    assert_steps(Method::RmsProp(rule), 1, [0.6837722439831617, 0.9694865256158148, 0.8962416847751453]);
    let rule = RmsProp { momentum: 0.5, ..rule };
    assert_steps(Method::RmsProp(rule), 1, [0.6837722439831617, 0.8113726476073957, 0.8019280085788432]);
    let rule = RmsProp { epsilon: 0.01, ..RmsProp::keras() };
    assert_steps(Method::RmsProp(rule), 1, [0.6984886554222364, 0.9813313678968554, 0.9088599884402994]);
    let rule = RmsProp { momentum: 0.5, ..rule };
    assert_steps(Method::RmsProp(rule), 1, [0.6984886554222364, 0.8305756956079736, 0.8241478362442861]);
}

#[test]
fn settings_from_before_epsilon_had_a_choice_of_place_read_and_write_as_they_did() {
    let written = r#"{"name":"rmsprop","alpha":0.99,"epsilon":1e-8,"momentum":0.0}"#;
    let read: Method = serde_json::from_str(written).unwrap();
    assert_eq!(read, Method::RmsProp(RmsProp::default()));
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    let keras = Method::RmsProp(RmsProp::keras());
    assert_eq!(serde_json::from_str::<Method>(&serde_json::to_string(&keras).unwrap()).unwrap(), keras);
}

#[test]
fn adam_and_adamw_by_hand() {
    let adam = Adam { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    let plain = [0.900000001, 0.9365607721026054, 0.9502388306679818];
    assert_steps(Method::Adam(adam), 2, plain);
    let adamw = AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.5 };
    assert_steps(Method::AdamW(adamw), 2, [0.850000001, 0.8440607720526054, 0.8155357920153515]);
    assert_steps(Method::AdamW(adamw), 1, plain);
}

const ALL: [Method; 6] = [
    Method::Sgd(Sgd { momentum: 0.0, nesterov: false }),
    Method::Sgd(Sgd { momentum: 0.9, nesterov: true }),
    Method::RmsProp(RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, epsilon_under_root: false }),
    Method::RmsProp(RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.9, epsilon_under_root: true }),
    Method::Adam(Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
    Method::AdamW(AdamW { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 }),
];

fn descend<E: Element>(optimizer: &mut Optimizer<E>, model: &mut Pair<E>, steps: usize) {
    for _ in 0..steps {
        let gradients = ParameterGradients::collect(model, model.loss().backward()).unwrap();
        optimizer.step(model, &gradients, 0.02).unwrap();
    }
}

#[test]
fn every_rule_finds_the_bottom_of_a_bowl() {
    for rule in ALL {
        let mut model: Pair<f32> = Pair::new(&[1.0, -2.0], &[0.5]);
        let mut optimizer = Optimizer::new(rule);
        descend(&mut optimizer, &mut model, 1000);
        let left = model.loss().item();
        assert!(left < 1e-2, "{rule:?} stays at {left}");
        assert_eq!(optimizer.count(), 1000);
    }
}

#[test]
fn a_restored_optimizer_goes_on_bit_for_bit() {
    for rule in ALL {
        let mut model: Pair<f32> = Pair::new(&[1.0, -2.0], &[0.5]);
        let mut optimizer = Optimizer::new(rule);
        descend(&mut optimizer, &mut model, 7);
        let mut twin = Pair { a: model.a.as_variable(), b: model.b.as_variable() };
        let mut restored = Optimizer::new(rule);
        restored.restore(&twin, &optimizer.state(), optimizer.count()).unwrap();
        descend(&mut optimizer, &mut model, 5);
        descend(&mut restored, &mut twin, 5);
        assert_eq!(model.a.to_vec(), twin.a.to_vec(), "{rule:?}");
        assert_eq!(optimizer.state(), restored.state());
    }
}

#[test]
fn moments_of_another_model_or_rule_are_refused() {
    let mut model: Pair<f64> = Pair::new(&[1.0, -2.0], &[0.5]);
    let mut optimizer = Optimizer::new(ALL[4]);
    descend(&mut optimizer, &mut model, 1);
    let state = optimizer.state();
    assert_eq!(state.keys().collect::<Vec<_>>(), ["first.a", "first.b", "second.a", "second.b"]);
    let says = |rule, model: &Pair<f64>, state: &Named<f64>| {
        let mut fresh: Optimizer<f64> = Optimizer::new(rule);
        let error = fresh.restore(model, state, 1).unwrap_err().to_string();
        assert!(fresh.count() == 0 && fresh.state().is_empty(), "nothing is changed");
        error
    };
    assert_eq!(says(ALL[0], &model, &state), "optimizer: 4 of 4 saved moments are not this optimizer's");
    assert_eq!(says(ALL[2], &model, &state), "moment square of parameter a: missing");
    let wider = Pair::new(&[1.0, 2.0, 3.0], &[0.5]);
    let error = says(ALL[4], &wider, &state);
    assert!(error.starts_with("moment first of parameter a: has shape (2"), "{error}");
}

#[test]
fn gradients_of_another_model_change_nothing() {
    let mut model: Pair<f64> = Pair::new(&[1.0, -2.0], &[0.5]);
    let other: Pair<f64> = Pair::new(&[1.0, -2.0], &[0.5, 3.0]);
    let gradients = ParameterGradients::collect(&other, other.loss().backward()).unwrap();
    let mut optimizer = Optimizer::new(ALL[4]);
    let error = optimizer.step(&mut model, &gradients, 0.1).unwrap_err().to_string();
    assert!(error.starts_with("gradient of parameter b: has shape (2"), "{error}");
    assert_eq!((model.a.to_vec(), optimizer.count()), (vec![1.0, -2.0], 0));
}

#[test]
fn pieces_and_threads_change_no_bit() {
    let size = 3 * CHUNK + 1234;
    let mut rng = Rng::new(8);
    let mut normal = || Array::<f32>::normal(size, 0.0, 1.0, &mut rng).to_vec();
    let (x, gradient) = (normal(), normal());
    let step = StepSize { count: 1, learning_rate: 0.1, gradient_factor: 0.5, axes: 2 };
    for rule in ALL {
        let names = Rule::<f32>::moments(&rule);
        let mut whole = (x.clone(), vec![vec![0.0; size]; names.len()]);
        let mut kept: Vec<&mut [f32]> = whole.1.iter_mut().map(Vec::as_mut_slice).collect();
        rule.update(&step, &mut whole.0, &gradient, &mut kept);
        for threads in [1, 2, 8] {
            let mut parts = (x.clone(), vec![vec![0.0; size]; names.len()]);
            let mut kept: Vec<&mut [f32]> = parts.1.iter_mut().map(Vec::as_mut_slice).collect();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| in_pieces(&rule, &step, &mut parts.0, &gradient, &mut kept));
            assert!(whole == parts, "{rule:?} on {threads} threads");
        }
    }
}

#[test]
fn moments_of_a_gradient_that_stays_away_reach_zero() {
    let mut model: Pair<f32> = Pair::new(&[1.0], &[1.0]);
    let mut optimizer = Optimizer::new(Method::Adam(Adam { beta2: 0.9, ..Adam::default() }));
    descend(&mut optimizer, &mut model, 1);
    for _ in 0..2000 {
        let zero = (&model.a * 0.0).sum() + (&model.b * 0.0).sum();
        let gradients = ParameterGradients::collect(&model, zero.backward()).unwrap();
        optimizer.step(&mut model, &gradients, 0.0).unwrap();
    }
    assert!(optimizer.state().values().all(|moment| moment.item() == 0.0), "{:?}", optimizer.state());
}

#[test]
fn settings_read_back_as_they_were_written() {
    for rule in ALL {
        let json = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<Method>(&json).unwrap(), rule);
        rule.validate().unwrap();
    }
    assert_eq!(serde_json::to_string(&ALL[0]).unwrap(), r#"{"name":"sgd","momentum":0.0,"nesterov":false}"#);
    assert!(serde_json::from_str::<Method>(r#"{"name":"sgd","momentum":0,"nesterov":false,"x":1}"#).is_err());
    let error = Method::Sgd(Sgd { momentum: 0.0, nesterov: true }).validate().unwrap_err();
    assert_eq!(error.to_string(), "momentum: Nesterov's needs more than 0");
}
