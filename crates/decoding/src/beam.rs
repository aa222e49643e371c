//! Beam search: the most probable text, or nearly.
//!
//! The most probable next token need not begin the most probable text. A beam keeps the k best beginnings and extends
//! all of them; of the k·V extensions the k best remain. A beam of one is greedy decoding. What becomes of a text that
//! ends is told at [`Ending`]. Longer texts are less probable, so texts are ranked by a score that makes up for it:
//! [`LengthPenalty`].
//!
//! [Processors](rungs_models::sampling::processor) change what beginnings are ranked by: log p + Σ (z'_t − z_t)\[x_t\],
//! with z' the logits as they left them. What they rule out is in no text; where they do nothing else, the rank is the
//! model's own log-probability.
//!
//! A beam's texts are often alike. Parted into groups, each group in turn loses λ for every earlier group that chose
//! the same token at the same place (Vijayakumar et al. 2018, *Diverse Beam Search*,
//! [arXiv:1610.02424](https://arxiv.org/abs/1610.02424), with the Hamming distance); a text's score does not count it.
//!
//! Graves (2012), *Sequence Transduction with Recurrent Neural Networks*; Sutskever, Vinyals & Le (2014).

use crate::search::{Beam, Ending, LengthPenalty};
use rayon::prelude::*;
use rungs_layers::tensor::Element;
use rungs_models::LanguageModel;
use rungs_models::sampling::logits::{RULED_OUT, largest, log_sums};
use rungs_models::sampling::rows::Rows;
use rungs_models::sampling::{Finish, Generated, Prompt, SampleError, SampleOptions};
use std::collections::BTreeMap;

/// A part of a beam, which is searched as if it were alone.
struct Group {
    /// The beginnings in the beam; the score of each is what it is ranked by.
    live: Vec<Generated>,
    ended: Vec<Generated>,
}

/// Log-probabilities of every token after a beginning, by the model and as the processors left them.
/// They act on log-probabilities, as in Hugging Face's `transformers`: a penalty that multiplies would make of logits,
/// which are defined up to a constant, another search for every constant.
struct Scored {
    own: Vec<f64>,
    allowed: Vec<f64>,
}

/// A beginning with one more token.
struct Candidate {
    /// Its place in the group.
    place: usize,
    id: u32,
    /// What it is chosen by, and what the text is ranked by.
    value: f64,
    rank: f64,
}

/// Searches for the texts of some prompts together, the best first; none depends on the others.
pub(crate) fn search<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[Prompt<'_>],
    options: &SampleOptions<Beam>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    let beam = options.search;
    let (mut rows, mut logits) = Rows::new(model, prompts, beam.groups);
    let vocabulary = logits.shape().last();
    let group = || Group { live: vec![Generated::default()], ended: Vec::new() };
    let mut searches: Vec<Vec<Group>> = prompts.iter().map(|_| (0..beam.groups).map(|_| group()).collect()).collect();
    for tokens in 1..=options.length.max {
        let looked = rows.weights();
        let (z, log_sums) = (logits.to_vec(), log_sums(&logits));
        let live: Vec<(&Generated, &[u32])> = searches
            .iter()
            .zip(prompts)
            .flat_map(|(groups, prompt)| groups.iter().flat_map(|group| &group.live).map(|live| (live, prompt.ids)))
            .collect();
        let scored: Vec<Scored> = live
            .par_iter()
            .zip(z.par_chunks(vocabulary).zip(log_sums))
            .map(|((live, prompt), (z, log_sum))| {
                let own: Vec<f64> = z.iter().map(|z| z.to_f64() - log_sum).collect();
                Ok(Scored { allowed: options.processed(&own, prompt, &live.ids)?, own })
            })
            .collect::<Result<_, SampleError>>()?;
        let (mut parents, mut read, mut first) = (Vec::new(), Vec::new(), 0);
        for groups in &mut searches {
            // How often earlier groups chose each token at this place.
            let mut chosen: BTreeMap<u32, f64> = BTreeMap::new();
            for group in groups {
                let step = Step { first, tokens, options, scored: &scored, looked: looked.as_deref() };
                first += group.live.len();
                let kept = step.extend(group, &mut chosen);
                parents.extend(kept);
                read.extend(group.live.iter().map(|live| *live.ids.last().expect("it was extended")));
            }
        }
        if parents.is_empty() {
            break;
        }
        // Where every beginning goes on in its own row, as in greedy decoding until a text ends, nothing has to move.
        if !parents.iter().copied().eq(0..scored.len()) {
            rows.select(&parents);
        }
        options.begin_step();
        logits = rows.read(&read);
    }
    let all = |groups: Vec<Group>| groups.into_iter().flat_map(|group| group.ended).collect();
    Ok(searches.into_iter().map(|groups| best(all(groups), options.texts)).collect())
}

/// The best of some texts, the best first.
fn best(mut texts: Vec<Generated>, count: usize) -> Vec<Generated> {
    texts.sort_by(|a, b| b.score.total_cmp(&a.score));
    texts.truncate(count);
    texts
}

/// One step of one group.
struct Step<'a> {
    /// The row of the group's first beginning.
    first: usize,
    /// How many tokens texts have after this step.
    tokens: usize,
    options: &'a SampleOptions<Beam>,
    scored: &'a [Scored],
    looked: Option<&'a [Vec<f64>]>,
}

impl Step<'_> {
    /// Extends the beginnings of a group by a token each and keeps the best; the rows that they go on from.
    fn extend(&self, group: &mut Group, chosen: &mut BTreeMap<u32, f64>) -> Vec<usize> {
        let SampleOptions { search: beam, length, stop, .. } = self.options;
        let width = beam.width / beam.groups;
        let keeps_place = beam.ending == Ending::KeepsPlace;
        let places = if keeps_place { width - group.ended.len() } else { width };
        // Enough that as many go on as have a place, however many of the best end.
        let count = if keeps_place { places } else { (stop.len() + 1) * width };
        let candidates = self.candidates(&group.live, count, chosen);
        let mut next: Vec<(Generated, usize)> = Vec::new();
        let full = self.tokens == length.max;
        for (rank, candidate) in candidates.into_iter().enumerate() {
            let ends = stop.contains(&candidate.id);
            let place = candidate.place;
            if ends || full {
                // A place that is kept is there for every candidate.
                if keeps_place || rank < width {
                    let finish = if ends { Finish::Stop } else { Finish::Length };
                    let text = self.extended(&group.live[place], &candidate);
                    group.ended.push(finished(text, finish, beam.penalty));
                    *chosen.entry(candidate.id).or_default() += 1.0;
                }
            } else if next.len() < places {
                *chosen.entry(candidate.id).or_default() += 1.0;
                next.push((self.extended(&group.live[place], &candidate), self.first + place));
            }
        }
        // What nothing may follow has ended as it is.
        for (live, scored) in group.live.iter().zip(&self.scored[self.first..]) {
            if scored.allowed.iter().all(|&z| z == RULED_OUT) {
                group.ended.push(finished(live.clone(), Finish::Complete, beam.penalty));
            }
        }
        group.ended = best(std::mem::take(&mut group.ended), width);
        let worst = group.ended.get(width - 1).map(|text| text.score);
        let grows = beam.ending == Ending::UntilSure && beam.penalty.favours_length();
        let reach = if grows { length.max } else { self.tokens };
        let rank = |(best, _): &(Generated, usize)| beam.penalty.score(best.score, reach);
        let hopeless = || worst.zip(next.first().map(rank)).is_some_and(|(worst, best)| best <= worst);
        let until_full = keeps_place || beam.ending == Ending::UntilFull;
        let over = if until_full { group.ended.len() == width } else { hopeless() };
        if over {
            next.clear();
        }
        let (live, parents) = self.placed(next);
        group.live = live;
        parents
    }

    /// Beginnings in such an order that each row that is gone on from stays where it is, and only what else goes on
    /// from it has to be copied, into the rows of those that are given up.
    fn placed(&self, next: Vec<(Generated, usize)>) -> (Vec<Generated>, Vec<usize>) {
        let mut places: Vec<Option<(Generated, usize)>> = next.iter().map(|_| None).collect();
        let mut others = Vec::new();
        for (live, parent) in next {
            match places.get_mut(parent - self.first) {
                Some(place @ None) => *place = Some((live, parent)),
                _ => others.push((live, parent)),
            }
        }
        let mut others = others.into_iter();
        places.into_iter().map(|place| place.or_else(|| others.next()).expect("one for each place")).unzip()
    }

    /// The best extensions of the beginnings, the best first; of equals the first.
    fn candidates(&self, live: &[Generated], count: usize, chosen: &BTreeMap<u32, f64>) -> Vec<Candidate> {
        let of = |(place, live): (usize, &Generated)| {
            let Scored { allowed, .. } = &self.scored[self.first + place];
            let rank = |z: f64| live.score + z;
            let value = |id: u32, z: f64| match chosen.get(&id) {
                Some(times) => rank(z) - self.options.search.diversity * times,
                None => rank(z),
            };
            let values = (0..).zip(allowed).filter(|(_, z)| **z > RULED_OUT).map(|(id, &z)| (id, value(id, z)));
            let best = largest(values, count).into_iter();
            best.map(move |(id, value)| Candidate { place, id, value, rank: rank(allowed[id as usize]) })
                .collect::<Vec<_>>()
        };
        let mut all: Vec<Candidate> = live.par_iter().enumerate().flat_map_iter(of).collect();
        all.sort_by(|a, b| b.value.total_cmp(&a.value).then((a.place, a.id).cmp(&(b.place, b.id))));
        all.truncate(count);
        all
    }

    /// A beginning with the token of a candidate.
    fn extended(&self, live: &Generated, candidate: &Candidate) -> Generated {
        let row = self.first + candidate.place;
        let log_probability = self.scored[row].own[candidate.id as usize];
        let mut live = live.clone();
        live.push(candidate.id, log_probability, self.looked.map(|looked| looked[row].clone()));
        live.score = candidate.rank;
        live
    }
}

/// A beginning that has ended.
fn finished(text: Generated, finish: Finish, penalty: LengthPenalty) -> Generated {
    let score = if text.ids.is_empty() { 0.0 } else { penalty.score(text.score, text.ids.len()) };
    Generated { score, finish, ..text }
}
