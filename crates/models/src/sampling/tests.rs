//! Draws have the probabilities they should have.

use super::distributions::{assert_drawn_from, processed, random, softmax};
use super::{Processors, TopK, TopP, draw, likeliest};
use proptest::prelude::*;
use rungs_layers::tensor::Rng;
use std::sync::Arc;

const ROW: [f64; 6] = [0.3, -1.0, 1.2, 0.3, -0.5, 2.0];

fn histogram(chain: &Processors, seed: u64) -> Vec<usize> {
    let mut rng = Rng::new(seed);
    let mut counts = vec![0; ROW.len()];
    let left = processed(chain, &ROW);
    for _ in 0..20_000 {
        counts[draw(&left, &mut rng).unwrap() as usize] += 1;
    }
    counts
}

#[test]
fn draws_have_the_probabilities_of_the_softmax() {
    let p = softmax(&ROW);
    assert_drawn_from("plain", &histogram(&vec![], 0), &p);
    let everything = random(1.0, Some(ROW.len()), Some(1.0));
    assert_drawn_from("top-k = V and top-p = 1", &histogram(&everything, 1), &p);
    // Not only the same distribution: the same draws.
    assert_eq!(histogram(&everything, 2), histogram(&vec![], 2));
}

#[test]
fn transforms_change_the_probabilities_as_they_say() {
    let hot = softmax(&ROW.map(|z| z / 1.7));
    assert_drawn_from("temperature", &histogram(&random(1.7, None, None), 0), &hot);

    let kept = |keep: [bool; 6]| {
        softmax(&std::array::from_fn::<f64, 6, _>(|i| if keep[i] { ROW[i] } else { f64::NEG_INFINITY }))
    };
    let three = kept([true, false, true, false, false, true]); // two are third: the first of them
    assert_drawn_from("top-k", &histogram(&random(1.0, Some(3), None), 0), &three);

    let p = softmax(&ROW); // 5 and 2 alone have p[5] + p[2]
    let nucleus = random(1.0, None, Some(p[5] + p[2] + 1e-9));
    assert_drawn_from("top-p", &histogram(&nucleus, 0), &three);
    let nucleus = random(1.0, None, Some(p[5] + p[2] - 1e-9));
    assert_drawn_from("top-p", &histogram(&nucleus, 0), &kept([false, false, true, false, false, true]));

    // Temperature first, nucleus second: flattened, two tokens no longer hold the mass.
    let nucleus = random(1.7, None, Some(p[5] + p[2] - 1e-9));
    assert!(histogram(&nucleus, 0).iter().filter(|&&count| count > 0).count() > 2);
}

#[test]
fn a_nucleus_that_sums_to_p_exactly_is_complete() {
    for (tokens, p, expected) in [(4, 0.5, 2), (4, 0.25, 1), (8, 0.75, 6), (2, 0.5, 1), (16, 0.9375, 15)] {
        let kept = processed(&vec![Arc::new(TopP::new(p).unwrap())], &vec![0.5; tokens]);
        assert_eq!(kept.iter().filter(|z| z.is_finite()).count(), expected, "{p} of {tokens} equally likely tokens");
    }
    // One bin holds 1/2, 1/4, 1/8, …; the sum is reached within it, at its end, and at the end of those before.
    let row: Vec<f64> = (0..6).map(|i| -f64::from(i) * std::f64::consts::LN_2).collect();
    for (count, p) in (1..=5).map(|count| (count, (1.0 - 0.5_f64.powi(count)) / (1.0 - 0.5_f64.powi(6)))) {
        let kept = processed(&vec![Arc::new(TopP::new(p * (1.0 - 1e-12)).unwrap())], &row);
        assert_eq!(kept.iter().filter(|z| z.is_finite()).count(), count as usize, "{p}");
    }
}

proptest! {
    #[test]
    fn as_the_temperature_goes_to_zero_sampling_becomes_greedy(
        row in prop::collection::vec(-20.0..20.0f64, 1..50),
        seed in any::<u64>(),
    ) {
        let best = likeliest(&row).unwrap();
        prop_assert!(row.iter().all(|&z| z <= row[best as usize]));
        let gap = row
            .iter()
            .filter(|&&z| z < row[best as usize])
            .fold(f64::INFINITY, |gap, &z| gap.min(row[best as usize] - z));
        prop_assume!(row.iter().filter(|&&z| z == row[best as usize]).count() == 1);
        let cold = random((gap / 1000.0).clamp(f64::MIN_POSITIVE, 1.0), None, None);
        prop_assert_eq!(draw(&processed(&cold, &row), &mut Rng::new(seed)), Some(best));
        let one = random(1.0, Some(1), None);
        prop_assert_eq!(draw(&processed(&one, &row), &mut Rng::new(seed)), Some(best));
        let least = random(1.0, None, Some(f64::MIN_POSITIVE));
        prop_assert_eq!(draw(&processed(&least, &row), &mut Rng::new(seed)), Some(best));
    }

    #[test]
    fn the_k_largest_logits_stay(row in prop::collection::vec((-5..5i32).prop_map(f64::from), 1..40), k in 1..45usize) {
        let kept = processed(&vec![Arc::new(TopK::new(k).unwrap())], &row);
        // Sorting is stable: of equal logits the first come first.
        let mut ids: Vec<usize> = (0..row.len()).collect();
        ids.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        for (place, &id) in ids.iter().enumerate() {
            prop_assert_eq!(kept[id], if place < k { row[id] } else { f64::NEG_INFINITY });
        }
    }

    #[test]
    fn the_nucleus_is_the_fewest_likeliest_tokens_that_reach_p(
        row in prop::collection::vec(-6.0..6.0f64, 1..400),
        p in 0.01..0.999f64,
    ) {
        let kept = processed(&vec![Arc::new(TopP::new(p).unwrap())], &row);
        let probabilities = softmax(&row);
        let inside: Vec<f64> = (0..row.len()).filter(|&i| kept[i].is_finite()).map(|i| probabilities[i]).collect();
        let outside = (0..row.len()).filter(|&i| kept[i].is_infinite()).map(|i| probabilities[i]).fold(0.0, f64::max);
        let (mass, least) = (inside.iter().sum::<f64>(), inside.iter().copied().fold(1.0, f64::min));
        prop_assert!(mass >= p - 1e-12, "mass {} of {}", mass, p);
        prop_assert!(mass - least < p + 1e-12, "one less would do");
        prop_assert!(outside <= least);
        prop_assert!((0..row.len()).all(|i| kept[i] == row[i] || kept[i] == f64::NEG_INFINITY));
    }
}
