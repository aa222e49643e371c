//! Beam search: the most probable text, or nearly.
//!
//! The most probable next token need not begin the most probable text. A beam keeps the k best beginnings and extends
//! all of them; of the k·V extensions the k best remain. One that ends takes its place in the beam with it, so the search
//! is over when k texts have ended, and a beam of one is greedy decoding.
//!
//! Longer texts are less probable, so texts are ranked by a score that makes up for it: [`LengthPenalty`].
//! Graves (2012), *Sequence Transduction with Recurrent Neural Networks*; Sutskever, Vinyals & Le (2014).

use super::Finish;
use super::candidates::{self, Candidate, best, extensions};
use crate::{ConfigError, Decoder, State};
use rungs_layers::tensor::{Element, Ids};

/// How length counts against the log-probability of a text of T tokens, its end among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LengthPenalty {
    /// log p / T^A; A = 0 ranks by probability, A = 1 by the mean over tokens.
    Power(f64),
    /// log p / ((5 + T) / 6)^A: Wu et al. (2016), *Google's Neural Machine Translation System*.
    Gnmt(f64),
}

impl LengthPenalty {
    /// The score of a text.
    pub fn score(self, log_probability: f64, tokens: usize) -> f64 {
        let t = tokens as f64;
        log_probability
            / match self {
                LengthPenalty::Power(a) => t.powf(a),
                LengthPenalty::Gnmt(a) => ((5.0 + t) / 6.0).powf(a),
            }
    }
}

/// How a text is to be searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct BeamOptions {
    /// k, how many beginnings are kept.
    pub beam: usize,
    /// How texts are ranked.
    pub penalty: LengthPenalty,
    /// The fewest tokens, the end not among them.
    pub min: usize,
    /// The most tokens; a text of so many has no end.
    pub max: usize,
    /// The token that ends a text.
    pub end: u32,
    /// Tokens that are never written, such as padding.
    pub forbidden: Vec<u32>,
}

/// A text that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without the one that ends it.
    pub ids: Vec<u32>,
    /// ln p(ids | what came before) under the model, with the end's if there is one.
    pub log_probability: f64,
    /// What it was ranked by.
    pub score: f64,
    /// Whether it ended, or was as long as it may be.
    pub finish: Finish,
    /// Where the model looked when it wrote each token, and the end, if it looks: a weight for every source position.
    pub weights: Vec<Vec<f64>>,
}

/// A beginning that is still in the beam.
#[derive(Clone)]
struct Live {
    ids: Vec<u32>,
    log_probability: f64,
    weights: Vec<Vec<f64>>,
}

/// Searches for the continuations of `first` (one token for each row of `state`): for every row up to k texts, the best
/// first. All rows are searched together, so the result of one does not depend on the others.
///
/// # Errors
/// If the beam is empty or wider than the vocabulary, or the fewest tokens are more than the most.
///
/// # Panics
/// If a token is outside the vocabulary, or there is not one for each row.
pub fn beam_search<E: Element>(
    model: &dyn Decoder<E>,
    mut state: State<E>,
    first: &[u32],
    options: &BeamOptions,
) -> Result<Vec<Vec<Hypothesis>>, ConfigError> {
    let BeamOptions { beam, penalty, min, max, end, forbidden } = options;
    let vocabulary = model.vocabulary();
    check(options, vocabulary)?;
    let mut found: Vec<Vec<Hypothesis>> = vec![Vec::new(); first.len()];
    // What is alive of each source, in the order of the rows of `state`.
    let mut live: Vec<Vec<Live>> =
        vec![vec![Live { ids: Vec::new(), log_probability: 0.0, weights: Vec::new() }]; first.len()];
    let mut read = first.to_vec();
    for length in 0..*max {
        let rows = read.len();
        if rows == 0 {
            break;
        }
        let logits = model.step(&Ids::new(std::mem::take(&mut read), [rows, 1]), &mut state).to_vec();
        let looked = state.weights.as_ref().map(|weights| (weights.to_vec(), weights.shape().last()));
        let looked = |row: usize| {
            let weights = looked.as_ref().map(|(all, s)| &all[row * s..][..*s]);
            weights.map(|weights| weights.iter().map(|a| a.to_f64()).collect::<Vec<f64>>())
        };
        let (mut parents, mut next_live) = (Vec::new(), Vec::with_capacity(live.len()));
        let mut row = 0;
        for (source, alive) in live.into_iter().enumerate() {
            let places = beam.saturating_sub(found[source].len());
            let mut candidates = Vec::new();
            for hypothesis in &alive {
                let z: Vec<f64> = logits[row * vocabulary..][..vocabulary].iter().map(|z| z.to_f64()).collect();
                let allowed = |id| if id == *end { length >= *min } else { !forbidden.contains(&id) };
                candidates.extend(extensions(row, hypothesis.log_probability, &z, allowed));
                row += 1;
            }
            let before = row - alive.len();
            let mut kept = Vec::new();
            for Candidate { row, id, log_probability } in best(candidates, places) {
                let mut hypothesis = alive[row - before].clone();
                hypothesis.weights.extend(looked(row));
                hypothesis.log_probability = log_probability;
                if id == *end {
                    found[source].push(hypothesis.finished(Finish::Stop, *penalty));
                } else {
                    hypothesis.ids.push(id);
                    read.push(id);
                    parents.push(row);
                    kept.push(hypothesis);
                }
            }
            next_live.push(kept);
        }
        live = next_live;
        // Where every beginning goes on in its own row, as in greedy decoding until a text ends, nothing has to move.
        if !parents.iter().copied().eq(0..rows) {
            state = state.rows(&parents);
        }
    }
    for (texts, alive) in found.iter_mut().zip(live) {
        texts.extend(alive.into_iter().map(|hypothesis| hypothesis.finished(Finish::Length, *penalty)));
        texts.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
    Ok(found)
}

impl Live {
    fn finished(self, finish: Finish, penalty: LengthPenalty) -> Hypothesis {
        let Self { ids, log_probability, weights } = self;
        let tokens = ids.len() + usize::from(finish == Finish::Stop);
        Hypothesis { score: penalty.score(log_probability, tokens), ids, log_probability, finish, weights }
    }
}

fn check(options: &BeamOptions, vocabulary: usize) -> Result<(), ConfigError> {
    let BeamOptions { beam, min, max, .. } = *options;
    candidates::check_beam(beam, vocabulary)?;
    if min > max {
        return Err(ConfigError::Order { least_name: "min-tokens", least: min, most_name: "max-tokens", most: max });
    }
    Ok(())
}
