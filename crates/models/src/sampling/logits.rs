//! Numbers of the distribution over the next token: p = softmax(z), with z the logits and −∞ for a token that cannot
//! come.

use rungs_layers::tensor::{Element, Rng, Tensor, argmax};

/// The logit of a token that must not be chosen.
pub const RULED_OUT: f64 = f64::NEG_INFINITY;

/// ln p of every token: z − ln Σ exp z.
pub fn log_probabilities(logits: &[f64]) -> Vec<f64> {
    let log_sum = log_sum(logits);
    logits.iter().map(|z| z - log_sum).collect()
}

/// ln p of one token.
pub fn log_probability(logits: &[f64], id: u32) -> f64 {
    logits[id as usize] - log_sum(logits)
}

/// ln Σ exp z.
fn log_sum(logits: &[f64]) -> f64 {
    maximum(logits) + total(&weights(logits)).ln()
}

/// ln Σ exp z of each row of logits (B, V).
pub fn log_sums<E: Element>(logits: &Tensor<E>) -> Vec<f64> {
    logits.logsumexp_over([-1]).to_vec().into_iter().map(E::to_f64).collect()
}

/// exp(z − max z): the probabilities, but for a common factor.
pub fn weights(logits: &[f64]) -> Vec<f64> {
    let max = maximum(logits);
    // Most are ruled out after a truncation, and an exponential takes longer than a look.
    let weight = |&z: &f64| if z == RULED_OUT { 0.0 } else { (z - max).exp() };
    logits.iter().map(weight).collect()
}

pub(super) fn maximum(logits: &[f64]) -> f64 {
    joined(logits, RULED_OUT, |a, b| if b > a { b } else { a })
}

/// The sum of weights, always in the same order.
pub(super) fn total(weights: &[f64]) -> f64 {
    joined(weights, 0.0, |a, b| a + b)
}

/// Joins numbers in eight lanes, none of which waits for another.
fn joined(numbers: &[f64], nothing: f64, join: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [nothing; 8];
    for block in numbers.chunks(8) {
        for (lane, &number) in lanes.iter_mut().zip(block) {
            *lane = join(*lane, number);
        }
    }
    lanes.into_iter().fold(nothing, join)
}

/// The likeliest token, the first of those equally likely; none if every token is ruled out.
pub fn likeliest(logits: &[f64]) -> Option<u32> {
    argmax(logits).map(|id| u32::try_from(id).expect("ids are 32 bits wide"))
}

/// A token drawn from p: the first at which the cumulative probability passes a uniform number; none if every token is
/// ruled out.
pub fn draw(logits: &[f64], rng: &mut Rng) -> Option<u32> {
    let weights = weights(logits);
    let goal = rng.uniform() * total(&weights);
    let mut sum = 0.0;
    let passes = |weight: &f64| {
        sum += weight;
        sum > goal
    };
    // The goal is less than the total, but for rounding: then it is the last that can be chosen.
    let drawn = weights.iter().position(passes).or_else(|| weights.iter().rposition(|&weight| weight > 0.0));
    drawn.map(|id| u32::try_from(id).expect("ids are 32 bits wide"))
}

/// The `count` largest of some values with their ids, the largest first and of equals the first.
pub fn largest(values: impl Iterator<Item = (u32, f64)>, count: usize) -> Vec<(u32, f64)> {
    let mut best: Vec<(u32, f64)> = Vec::with_capacity(count.min(1024) + 1);
    for (id, value) in values {
        if best.len() == count && best.last().is_none_or(|&(_, least)| value <= least) {
            continue;
        }
        best.insert(best.partition_point(|&(_, other)| other >= value), (id, value));
        best.truncate(count);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_in_order_and_the_first_of_equals_first() {
        let values = [1.0, 3.0, 2.0, 3.0, RULED_OUT, 0.5];
        let ids = |count| largest((0..).zip(values), count).iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!(ids(4), [1, 3, 2, 0]);
        assert_eq!((ids(0), ids(9)), (vec![], vec![1, 3, 2, 0, 5, 4]));
        assert_eq!(likeliest(&values), Some(1));
        assert_eq!(likeliest(&[RULED_OUT; 3]), None);
    }

    #[test]
    fn nothing_is_drawn_where_everything_is_ruled_out() {
        let mut rng = Rng::new(0);
        assert_eq!(draw(&[RULED_OUT; 2], &mut rng), None);
        assert!((0..100).all(|_| draw(&[RULED_OUT, 0.0, RULED_OUT], &mut rng) == Some(1)));
    }

    #[test]
    fn probabilities_sum_to_one_however_large_the_logits() {
        for shift in [0.0, 1e4, -1e4] {
            let p = log_probabilities(&[1.0 + shift, 2.0 + shift, RULED_OUT]);
            assert!((p.iter().map(|p| p.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
            assert!((log_probability(&[1.0 + shift, 2.0 + shift], 1) - p[1]).abs() < 1e-12);
        }
    }
}
