use super::*;
use crate::{Rng, check_kernel};
use std::ops::Range;

fn normal(shape: [usize; 4], rng: &mut Rng) -> Tensor<f64> {
    Tensor::variable(Array::normal(shape, 0.0, 1.0, rng))
}

fn options() -> Vec<(&'static str, AttentionOptions)> {
    let plain = AttentionOptions::default;
    let padded = |ranges: [Range<usize>; 2]| AttentionOptions { keys: Some(ranges.into()), ..plain() };
    let dropout = Some(WeightDropout { probability: 0.3, seed: 7 });
    vec![
        ("plain", plain()),
        ("causal", AttentionOptions { causal: true, ..plain() }),
        ("padded", padded([0..2, 1..3])),
        ("blind", padded([0..0, 3..3])),
        ("causal and padded left", AttentionOptions { causal: true, ..padded([2..3, 0..3]) }),
        ("scaled", AttentionOptions { scale: Some(0.7), ..plain() }),
        ("dropped", AttentionOptions { causal: true, dropout, ..plain() }),
    ]
}

#[test]
fn kernel_is_definition_over_many_tiles() {
    let mut rng = Rng::new(1);
    for (t, s) in [(1, 1), (3, 3), (2, 130), (65, 65), (130, 131), (7, 64)] {
        for (name, options) in options() {
            let options = AttentionOptions {
                keys: options.keys.map(|ranges| {
                    ranges.iter().map(|r| r.start.min(s)..if r.end == 3 { s } else { r.end.min(s) }).collect()
                }),
                ..options
            };
            let (q, k, v) =
                (normal([2, t, 4, 5], &mut rng), normal([2, s, 2, 5], &mut rng), normal([2, s, 2, 3], &mut rng));
            let kernel = AttentionKernel(options.clone());
            let definition = Kernel::definition(&kernel, &[q.clone(), k.clone(), v.clone()]);
            let fused = q.attention(&k, &v, options);
            let weights = Tensor::constant(Array::normal(fused.shape(), 0.0, 1.0, &mut rng));
            let close = |a: &Tensor<f64>, b: &Tensor<f64>| {
                let worst = a.to_vec().iter().zip(b.to_vec()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-12, "{name}, {t} queries and {s} keys: {worst}");
            };
            close(&fused, &definition);
            let slopes = |y: &Tensor<f64>| crate::grad(&(y * &weights).sum(), [&q, &k, &v], crate::Graph::Drop);
            for (a, b) in slopes(&fused).iter().zip(&slopes(&definition)) {
                close(a, b);
            }
        }
    }
}

#[test]
fn what_is_not_seen_does_not_matter_bit_for_bit() {
    let mut rng = Rng::new(2);
    let (q, k, v) = (normal([2, 70, 2, 8], &mut rng), normal([2, 70, 1, 8], &mut rng), normal([2, 70, 1, 8], &mut rng));
    let options = AttentionOptions { keys: Some([0..70, 3..40].into()), causal: true, ..Default::default() };
    let other = |x: &Tensor<f64>, rng: &mut Rng| {
        let mut values = x.to_vec();
        for t in (0..3).chain(40..70) {
            (0..8).for_each(|i| values[(70 + t) * 8 + i] = 1e6 * rng.normal());
        }
        Tensor::variable(Array::from_vec(values, [2, 70, 1, 8]))
    };
    let (k2, v2) = (other(&k, &mut rng), other(&v, &mut rng));
    let run = |(k, v)| {
        let y = q.attention(k, v, options.clone());
        let [dq] = crate::grad(&y.square().sum(), [&q], crate::Graph::Drop);
        (y.to_vec(), dq.to_vec())
    };
    let both = [(&k, &v), (&k2, &v2)].map(run);
    assert_eq!(both[0], both[1]);
}

#[test]
fn a_query_does_not_depend_on_its_neighbours_nor_on_how_the_text_was_cut() {
    let mut rng = Rng::new(3);
    let t = 150;
    let draw = |rng: &mut Rng, n| Tensor::<f32>::constant(Array::normal([1, t, n, 16], 0.0, 1.0, rng));
    let (q, k, v) = (draw(&mut rng, 4), draw(&mut rng, 2), draw(&mut rng, 2));
    let causal = || AttentionOptions { causal: true, ..Default::default() };
    let whole = q.attention(&k, &v, causal()).to_vec();
    for cuts in [vec![0, 1, 2, 70, 150], vec![0, 64, 128, 150], vec![0, 149, 150]] {
        let mut pieces = Vec::new();
        for cut in cuts.windows(2) {
            let (k, v) = (k.slice(1, 0..cut[1]), v.slice(1, 0..cut[1]));
            pieces.extend(q.slice(1, cut[0]..cut[1]).attention(&k, &v, causal()).to_vec());
        }
        assert_eq!(pieces, whole, "{cuts:?}");
    }
}

#[test]
fn dropped_weights_are_as_many_as_asked_for_and_independent() {
    let options = AttentionOptions { dropout: Some(WeightDropout { probability: 0.2, seed: 5 }), ..Default::default() };
    let dropping = Dropping::<f64>::of(&options).unwrap();
    let (heads, queries, keys) = (8, 60, 60);
    let mut dropped = vec![vec![vec![false; keys]; queries]; heads];
    for (head, rows) in dropped.iter_mut().enumerate() {
        for (t, row) in rows.iter_mut().enumerate() {
            (0..keys).for_each(|s| row[s] = dropping.factor(dropping.of_query(head, t), s) == 0.0);
        }
    }
    let all = dropped.iter().flatten().flatten();
    let share = all.filter(|x| **x).count() as f64 / (heads * queries * keys) as f64;
    assert!((share - 0.2).abs() < 0.01, "{share}"); // four standard deviations are 0.0094
    // Neighbours in every direction are dropped together as often as chance has it.
    for [h, t, s] in [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1]] {
        let mut both = 0;
        for head in 0..heads - h {
            for query in 0..queries - t {
                for key in 0..keys - s {
                    both += usize::from(dropped[head][query][key] && dropped[head + h][query + t][key + s]);
                }
            }
        }
        let share = both as f64 / ((heads - h) * (queries - t) * (keys - s)) as f64;
        assert!((share - 0.04).abs() < 0.006, "{h} {t} {s}: {share}");
    }
}

#[test]
fn the_kernel_is_checked_to_second_order() {
    let mut rng = Rng::new(4);
    for (name, options) in options() {
        let operands = [[2, 3, 4, 2], [2, 3, 2, 2], [2, 3, 2, 3]].map(|shape| Array::normal(shape, 0.0, 1.0, &mut rng));
        let outcome = check_kernel(|| AttentionKernel(options.clone()), &operands, &mut rng);
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
}
