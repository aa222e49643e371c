//! Beam search for a language model: the most probable continuation of a prompt, or nearly.
//!
//! As in [`beam`](super::beam) the k best beginnings are kept, extended by every token, and the k best kept again. What
//! differs is what becomes of a text that ends: it leaves its place in the beam to another beginning and is set aside, with
//! the score that ranks it among all that ended. A continuation need not end at all, and one that does early should not
//! narrow the search for those that go on. The search is over when k texts have ended and no beginning, as it stands, has a
//! better score than the worst of them, or when texts are as long as they may be. This is the search of Hugging Face's
//! `transformers` (`num_beams`, `early_stopping=False`), and it finds the same texts.

use super::beam::LengthPenalty;
use super::candidates::{self, Candidate, best, extensions};
use super::generate::{Finish, GenerateError, Generated, Length};
use crate::LanguageModel;
use rungs_layers::tensor::{Element, Ids};

/// How continuations are to be searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// k, how many beginnings are kept.
    pub beam: usize,
    /// How texts are ranked.
    pub penalty: LengthPenalty,
    /// How long they may and must be.
    pub length: Length,
    /// Tokens that end a text. The one that does is its last token.
    pub stop: Vec<u32>,
}

/// A beginning in the beam.
#[derive(Clone)]
struct Live {
    ids: Vec<u32>,
    log_probability: f64,
}

/// Searches for continuations of `prompt`: up to k, each with its score, the best first.
///
/// # Errors
/// If the beam is empty or wider than the vocabulary, the prompt is empty or has an unknown token, or the longest text would
/// not fit the model's context: a search does not [begin anew](super::generate()) past its end.
pub fn search<E: Element>(
    model: &dyn LanguageModel<E>,
    prompt: &[u32],
    options: &SearchOptions,
) -> Result<Vec<(Generated, f64)>, GenerateError> {
    let SearchOptions { beam, penalty, length, stop } = options;
    let (vocabulary, max) = (model.vocabulary(), length.max());
    check(model.context(), vocabulary, prompt, options)?;
    if max == 0 {
        return Ok(vec![(Generated { ids: Vec::new(), log_probability: 0.0, finish: Finish::Length }, 0.0)]);
    }
    let model = model.frozen();
    let mut state = model.start(1);
    let mut read = Ids::new(prompt.to_vec(), [1, prompt.len()]);
    let mut live = vec![Live { ids: Vec::new(), log_probability: 0.0 }];
    let mut ended: Vec<(Generated, f64)> = Vec::new();
    for tokens in 1..=max {
        let logits = model.step(&read, &mut state).to_vec();
        let mut candidates = Vec::with_capacity(logits.len());
        for (row, (hypothesis, z)) in live.iter().zip(logits.chunks(vocabulary)).enumerate() {
            let z: Vec<f64> = z.iter().map(|z| z.to_f64()).collect();
            if !z.iter().all(|z| z.is_finite()) {
                return Err(GenerateError::NotFinite { tokens: tokens - 1 });
            }
            let allowed = |id| tokens >= length.min() || !stop.contains(&id);
            candidates.extend(extensions(row, hypothesis.log_probability, &z, allowed));
        }
        // Enough that k go on however many of the best end.
        let candidates = best(candidates, (stop.len() + 1) * beam);
        let (mut next, mut parents) = (Vec::new(), Vec::new());
        for (rank, Candidate { row, id, log_probability }) in candidates.into_iter().enumerate() {
            let ends = stop.contains(&id);
            let ids = || live[row].ids.iter().copied().chain([id]).collect::<Vec<u32>>();
            if ends || tokens == max {
                if rank < *beam {
                    let finish = if ends { Finish::Stop } else { Finish::Length };
                    let score = penalty.score(log_probability, tokens);
                    ended.push((Generated { ids: ids(), log_probability, finish }, score));
                }
            } else if next.len() < *beam {
                next.push(Live { ids: ids(), log_probability });
                parents.push(row);
            }
        }
        ended.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        ended.truncate(*beam);
        let hopeless = |best: &Live| {
            let worst = ended.get(beam - 1).map(|(_, score)| *score);
            worst.is_some_and(|worst| penalty.score(best.log_probability, tokens) <= worst)
        };
        if next.first().is_none_or(hopeless) {
            break;
        }
        read = Ids::new(next.iter().map(|hypothesis| hypothesis.ids[tokens - 1]).collect::<Vec<_>>(), [next.len(), 1]);
        state = state.rows(&parents);
        live = next;
    }
    Ok(ended)
}

fn check(
    context: Option<usize>,
    vocabulary: usize,
    prompt: &[u32],
    options: &SearchOptions,
) -> Result<(), GenerateError> {
    let &SearchOptions { beam, length, ref stop, .. } = options;
    candidates::check_beam(beam, vocabulary)?;
    super::generate::check(vocabulary, prompt, length, stop)?;
    let (prompt, tokens) = (prompt.len(), length.max());
    match context {
        // The last token is written and not read.
        Some(context) if (prompt + tokens).saturating_sub(1) > context => {
            Err(GenerateError::Context { prompt, tokens, context })
        }
        _ => Ok(()),
    }
}
