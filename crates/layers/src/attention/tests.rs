use super::*;
use rungs_tensor::Array;

const SCORES: [Score; 4] = [Score::Additive, Score::Dot, Score::General, Score::Concat];

/// Σ_k a_k b_k.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// x W for one row.
fn times(x: &[f64], w: &Tensor<f64>) -> Vec<f64> {
    let [rows, columns] = w.dims();
    let w = w.to_vec();
    assert_eq!(x.len(), rows);
    (0..columns).map(|j| (0..rows).map(|i| x[i] * w[i * columns + j]).sum()).collect()
}

#[test]
fn every_score_is_its_equation_and_weights_are_a_distribution_over_what_is_not_padding() {
    let rng = &mut Rng::new(9);
    let (b, t, s, d) = (2, 3, 4, 3);
    for score in SCORES {
        let attention: Attention<f64> = Attention::new(score, d, d, 5, rng);
        let query: Tensor<f64> = Array::normal([b, t, d], 0.0, 1.0, rng).into();
        let values: Tensor<f64> = Array::normal([b, s, d], 0.0, 1.0, rng).into();
        let lengths = [4, 2];
        let (context, weights) = attention.look(&query, &attention.memory(&values, &lengths));
        for row in 0..b {
            for at in 0..t {
                let q = &query.to_vec()[(row * t + at) * d..][..d];
                let v = |position: usize| values.to_vec()[(row * s + position) * d..][..d].to_vec();
                let scores: Vec<f64> = (0..lengths[row])
                    .map(|position| match score {
                        Score::Dot => dot(q, &v(position)),
                        Score::General => dot(q, &times(&v(position), attention.w_value.as_ref().unwrap())),
                        Score::Additive | Score::Concat => {
                            let inner = match &attention.w_query {
                                Some(w) => {
                                    let (a, b) =
                                        (times(q, w), times(&v(position), attention.w_value.as_ref().unwrap()));
                                    a.iter().zip(b).map(|(a, b)| (a + b).tanh()).collect::<Vec<_>>()
                                }
                                None => {
                                    let both = times(&[q, &v(position)].concat(), attention.w_value.as_ref().unwrap());
                                    both.into_iter().map(f64::tanh).collect()
                                }
                            };
                            dot(&inner, &attention.u.as_ref().unwrap().to_vec())
                        }
                    })
                    .collect();
                let total: f64 = scores.iter().map(|e| e.exp()).sum();
                let found = &weights.to_vec()[(row * t + at) * s..][..s];
                for (position, a) in found.iter().enumerate() {
                    let expected = scores.get(position).map_or(0.0, |e| e.exp() / total);
                    assert!((a - expected).abs() < 1e-12, "{score:?}");
                    assert!(position < lengths[row] || *a == 0.0, "{score:?}: exactly zero on padding");
                }
                assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let found = &context.to_vec()[(row * t + at) * d..][..d];
                for (j, c) in found.iter().enumerate() {
                    let expected: f64 = (0..lengths[row]).map(|p| scores[p].exp() / total * v(p)[j]).sum();
                    assert!((c - expected).abs() < 1e-12, "{score:?}");
                }
            }
        }
    }
}
