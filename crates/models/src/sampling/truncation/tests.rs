use super::*;
use crate::sampling::logits::{draw, likeliest};
use rungs_layers::tensor::Rng;

const OUT: f64 = RULED_OUT;

fn after(processor: &dyn Processor, logits: &[f64]) -> Vec<f64> {
    let mut logits = logits.to_vec();
    processor.process(&Context { prompt: &[], written: &[], remaining: 1 }, &mut logits);
    logits
}

fn kept(processor: &dyn Processor, probabilities: &[f64]) -> Vec<bool> {
    let logits: Vec<f64> = probabilities.iter().map(|p| p.ln()).collect();
    after(processor, &logits).iter().map(|&z| z > OUT).collect()
}

#[test]
fn top_k_keeps_exactly_k_and_prefers_small_ids() {
    let top = |k, z: &[f64]| after(&TopK::new(k).unwrap(), z);
    assert_eq!(top(2, &[1.0, 3.0, 2.0, 0.0]), [OUT, 3.0, 2.0, OUT]);
    assert_eq!(top(2, &[1.0, 1.0, 1.0, 1.0]), [1.0, 1.0, OUT, OUT]);
    assert_eq!(top(9, &[1.0, OUT, 2.0]), [1.0, OUT, 2.0]);
}

#[test]
fn top_k_is_a_sort_however_many_stay() {
    let mut rng = Rng::new(3);
    // Hundreds of each value, so that there are ties wherever the cut is.
    let logits: Vec<f64> = (0..3000).map(|i| if i % 7 == 0 { OUT } else { rng.below(12) as f64 - 4.0 }).collect();
    let mut order: Vec<usize> = (0..logits.len()).filter(|&id| logits[id] > OUT).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    for k in [1, 5, FEW - 1, FEW, FEW + 1, 2000, order.len(), 3000] {
        let mut expected = vec![OUT; logits.len()];
        order.iter().take(k).for_each(|&id| expected[id] = logits[id]);
        assert_eq!(after(&TopK::new(k).unwrap(), &logits), expected, "k = {k}");
    }
}

#[test]
fn top_p_keeps_the_fewest_tokens_that_reach_p() {
    let top = |p, probabilities: &[f64]| kept(&TopP::new(p).unwrap(), probabilities);
    assert_eq!(top(0.7, &[0.1, 0.5, 0.25, 0.15]), [false, true, true, false]);
    assert_eq!(top(0.76, &[0.1, 0.5, 0.25, 0.15]), [false, true, true, true]);
    assert_eq!(top(1e-9, &[0.1, 0.5, 0.25, 0.15]), [false, true, false, false]);
    assert_eq!(top(1.0, &[0.1, 0.5, 0.25, 0.15]), [true; 4]);
}

#[test]
fn min_p_keeps_what_is_likely_enough_beside_the_likeliest() {
    let least = |m| kept(&MinP::new(m).unwrap(), &[0.1, 0.5, 0.24, 0.16]);
    assert_eq!(least(0.3), [false, true, true, true]);
    assert_eq!(least(0.4), [false, true, true, false]);
    assert_eq!(least(1.0), [false, true, false, false]);
    assert_eq!(least(1e-9), [true; 4]);
}

#[test]
fn typical_tokens_may_leave_out_the_likeliest() {
    // H = 0.95 nats; −ln p is 0.51 for the first, 1.61 for the others: the first is closer.
    assert_eq!(kept(&Typical::new(0.3).unwrap(), &[0.6, 0.2, 0.2]), [true, false, false]);
    // H = 1.49; the first, at 0.92, is 0.58 away, the next, at 1.79, only 0.30: the likeliest is not typical.
    let p = [0.4, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.1];
    assert_eq!(kept(&Typical::new(0.3).unwrap(), &p), [false, true, true, false, false]);
    assert_eq!(kept(&Typical::new(1.0).unwrap(), &p), [true; 5]);
    assert_eq!(after(&Typical::new(0.5).unwrap(), &[OUT, OUT]), [OUT, OUT]);
}

#[test]
fn a_wide_nucleus_is_found_in_several_rounds() {
    // A thousand tokens equally likely: the nucleus of 0.9 is the first nine hundred.
    let z = after(&TopP::new(0.9 - 1e-9).unwrap(), &vec![0.5; 1000]);
    assert!(z.iter().enumerate().all(|(id, &z)| (z > OUT) == (id < 900)));
}

#[test]
fn extreme_temperatures_stay_finite_where_it_matters() {
    let mut rng = Rng::new(0);
    let cold = after(&Temperature::new(f64::MIN_POSITIVE).unwrap(), &[1.0, 1.5, -700.0]);
    assert_eq!((likeliest(&cold), draw(&cold, &mut rng)), (Some(1), Some(1)));
    let hot = after(&Temperature::new(f64::MAX).unwrap(), &[1.0, 9.0, OUT]);
    let draws: Vec<u32> = (0..200).filter_map(|_| draw(&hot, &mut rng)).collect();
    assert!(draws.contains(&0) && draws.contains(&1) && !draws.contains(&2));
    assert_eq!(after(&Temperature::new(2.0).unwrap(), &[OUT, OUT]), [OUT, OUT], "nothing becomes of nothing");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Temperature::new(temperature).unwrap_err().to_string();
        assert_eq!(error, format!("temperature {temperature} is not a finite number above 0"));
    }
    for p in [0.0, -0.1, 1.0001, f64::NAN] {
        assert_eq!(TopP::new(p).unwrap_err().to_string(), format!("top-p {p} is not above 0 and at most 1"));
        assert_eq!(MinP::new(p).unwrap_err().to_string(), format!("min-p {p} is not above 0 and at most 1"));
        assert_eq!(Typical::new(p).unwrap_err().to_string(), format!("typical {p} is not above 0 and at most 1"));
    }
    assert_eq!(TopK::new(0).unwrap_err().to_string(), "top-k is 0; it must be at least 1");
}
