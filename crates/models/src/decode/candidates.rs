//! The extensions of the beginnings in a beam, and the best of them.

use super::sampling::log_probabilities;
use crate::ConfigError;

/// A beginning with one more token: its row in the batch, the token, and what it comes to.
pub(super) struct Candidate {
    pub row: usize,
    pub id: u32,
    pub log_probability: f64,
}

/// The extensions of the beginning in this row by every token that is allowed, given the logits of all of them.
pub(super) fn extensions(
    row: usize,
    log_probability: f64,
    logits: &[f64],
    allowed: impl Fn(u32) -> bool,
) -> impl Iterator<Item = Candidate> {
    let all = (0..).zip(log_probabilities(logits)).filter(move |(id, _)| allowed(*id));
    all.map(move |(id, log_p)| Candidate { row, id, log_probability: log_probability + log_p })
}

/// The best of the candidates, the best first; of equals the first.
pub(super) fn best(mut candidates: Vec<Candidate>, count: usize) -> Vec<Candidate> {
    let order = |a: &Candidate, b: &Candidate| {
        b.log_probability.total_cmp(&a.log_probability).then((a.row, a.id).cmp(&(b.row, b.id)))
    };
    if count < candidates.len() && count > 0 {
        candidates.select_nth_unstable_by(count - 1, order);
    }
    candidates.truncate(count);
    candidates.sort_by(order);
    candidates
}

/// That a beam of this width can be filled.
pub(super) fn check_beam(beam: usize, vocabulary: usize) -> Result<(), ConfigError> {
    if beam == 0 {
        return Err(ConfigError::Zero { name: "beam" });
    }
    if beam > vocabulary {
        return Err(ConfigError::TooLarge { name: "beam", value: beam, most: vocabulary });
    }
    Ok(())
}
