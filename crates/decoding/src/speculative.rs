//! Speculative decoding: a small model drafts, a large one judges.
//!
//! To read γ + 1 tokens at once takes a large model little longer than to read one, because what takes time is to fetch
//! its weights. So a small model with the same tokens writes γ tokens, drawn from q; the large one reads them all and
//! knows p at each place; and token x is accepted with probability min(1, p(x) / q(x)). The first that is not is drawn
//! anew from max(0, p − q), normalised, and ends the round; if all are accepted, one more is drawn from p. What is
//! written has the distribution p, whatever the draft; a greedy text is the greedy text.
//!
//! p and q are what the [processors](rungs_models::sampling::processor) leave of either model's logits.
//!
//! Leviathan, Kalman & Matias (2023), *Fast Inference from Transformers via Speculative Decoding*,
//! [arXiv:2211.17192](https://arxiv.org/abs/2211.17192); Chen et al. (2023),
//! [arXiv:2302.01318](https://arxiv.org/abs/2302.01318).

use crate::search::{GenerateOptions, Search};
use rungs_layers::Mode;
use rungs_layers::tensor::{Element, Ids, Rng};
use rungs_models::config::{check, check_sizes};
use rungs_models::sampling::logits::weights;
use rungs_models::sampling::{
    Choice, Finish, Generated, OnNext, Prompt, Randomness, SampleError, SampleOptions, draw, log_probability,
};
use rungs_models::{ConfigError, LanguageModel, State};

/// How a draft did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drafted {
    /// How many tokens the small model wrote.
    pub proposed: usize,
    /// How many of them stayed.
    pub accepted: usize,
    /// How often the large model read.
    pub rounds: usize,
}

/// Continues each of the prompts as [`generate`](crate::generate()) does, one text after another, with `draft` writing
/// up to `ahead` tokens a round; also how it did, text after text. `on_token` hears of tokens as soon as they are sure.
///
/// # Errors
/// As [`generate`](crate::generate()); or if the draft's vocabulary is not the model's, `ahead` is 0, the search is
/// neither greedy nor a draw, or the model translates.
pub fn generate_with_draft<'p, E: Element>(
    [model, draft]: [&dyn LanguageModel<E>; 2],
    ahead: usize,
    prompts: impl IntoIterator<Item: Into<Prompt<'p>>>,
    options: &GenerateOptions,
    rng: &dyn Randomness,
    on_token: OnNext<'_, u32>,
) -> Result<(Vec<Vec<Generated>>, Vec<Drafted>), SampleError> {
    let vocabulary = model.vocabulary();
    check(draft.vocabulary() == vocabulary, || {
        let draft = draft.vocabulary();
        format!("the draft model has {draft} tokens, the model {vocabulary}: they must have the same")
    })?;
    check_sizes(usize::MAX, &[("ahead", ahead)])?;
    let translates = model.source_vocabulary().or(draft.source_vocabulary()).is_some();
    let choice = match options.search {
        Search::Greedy if !translates => Choice::Greedy,
        Search::Sample if !translates => Choice::Sample,
        _ => return Err(ConfigError::new("a draft helps to write one text, greedily or drawn, and no search").into()),
    };
    let prompts: Vec<Prompt<'_>> = prompts.into_iter().map(Into::into).collect();
    let options = options.with_search(choice);
    options.check(model, &prompts)?;
    let (model, draft) = (model.frozen(), draft.frozen());
    let mut drafted = Vec::new();
    let mut text = |i: usize, j: usize| {
        let speculation = Speculation {
            model: Reader::new(model.as_ref()),
            draft: Reader::new(draft.as_ref()),
            text: prompts[i].ids.to_vec(),
            prompt: prompts[i].ids.len(),
            ahead,
            options: &options,
            rng: rng.of_text(i, j),
            drafted: Drafted::default(),
        };
        let (text, how) = speculation.write(i * options.texts + j, on_token)?;
        drafted.push(how);
        Ok(text)
    };
    let texts = (0..prompts.len()).map(|i| (0..options.texts).map(|j| text(i, j)).collect());
    Ok((texts.collect::<Result<_, SampleError>>()?, drafted))
}

/// Two models in the middle of a text.
struct Speculation<'m, E: Element> {
    model: Reader<'m, E>,
    draft: Reader<'m, E>,
    /// The prompt and what is sure.
    text: Vec<u32>,
    prompt: usize,
    /// The most tokens that the draft proposes at a time.
    ahead: usize,
    options: &'m SampleOptions,
    rng: Rng,
    drafted: Drafted,
}

impl<E: Element> Speculation<'_, E> {
    /// Writes the text, which has this number.
    fn write(mut self, number: usize, on_token: OnNext<'_, u32>) -> Result<(Generated, Drafted), SampleError> {
        let (mut text, max) = (Generated::default(), self.options.length.max);
        let finish = 'text: loop {
            if text.ids.len() == max {
                break Finish::Length;
            }
            self.options.begin_step();
            let room = self.model.room(self.text.len());
            let proposals = self.propose(self.ahead.min(max - text.ids.len() - 1).min(room))?;
            for (id, log_probability) in self.judge(&proposals)? {
                let Some(id) = id else { break 'text Finish::Complete };
                self.text.push(id);
                text.push(id, log_probability, None);
                if on_token(number, &id).is_break() || self.options.stop.contains(&id) {
                    break 'text Finish::Stop;
                }
            }
            // The last token is read with the next proposals.
            self.model.back_to(self.text.len() - 1);
            self.draft.back_to(self.text.len() - 1);
        };
        Ok((text.ended(finish), self.drafted))
    }

    /// What is left of a model's logits after the text and some proposals.
    fn processed(&self, logits: &[E], proposals: &[(u32, Vec<f64>)]) -> Result<Vec<f64>, SampleError> {
        let (prompt, written) = self.text.split_at(self.prompt);
        let written: Vec<u32> = written.iter().copied().chain(proposals.iter().map(|(id, _)| *id)).collect();
        self.options.processed(logits, prompt, &written)
    }

    /// Up to `count` tokens of the draft, each with what it was drawn from.
    fn propose(&mut self, count: usize) -> Result<Vec<(u32, Vec<f64>)>, SampleError> {
        let mut text = self.text.clone();
        let mut proposals: Vec<(u32, Vec<f64>)> = Vec::new();
        self.draft.mark();
        while proposals.len() < count {
            let logits = self.draft.read(&text, 1);
            let allowed = self.processed(&logits[0], &proposals)?;
            let Some(id) = self.options.search.of(&allowed, &mut self.rng) else { break };
            proposals.push((id, allowed));
            text.push(id);
            if self.options.stop.contains(&id) {
                break;
            }
        }
        self.drafted.proposed += proposals.len();
        Ok(proposals)
    }

    /// The tokens that are sure after some proposals, with their log-probabilities: one more than were accepted. None
    /// for a token if nothing may follow.
    fn judge(&mut self, proposals: &[(u32, Vec<f64>)]) -> Result<Vec<(Option<u32>, f64)>, SampleError> {
        let text: Vec<u32> = self.text.iter().copied().chain(proposals.iter().map(|(id, _)| *id)).collect();
        self.model.mark();
        let logits = self.model.read(&text, proposals.len() + 1);
        self.drafted.rounds += 1;
        let mut sure = Vec::new();
        for (i, own) in logits.iter().enumerate() {
            let allowed = self.processed(own, &proposals[..i])?;
            let proposal = proposals.get(i);
            let chosen = match (self.options.search, proposal) {
                (Choice::Sample, Some((id, draft))) => self.accepted(*id, &allowed, draft),
                (search, _) => search.of(&allowed, &mut self.rng),
            };
            let own = |id| log_probability(&own.iter().map(|z| z.to_f64()).collect::<Vec<_>>(), id);
            sure.push((chosen, chosen.map_or(0.0, own)));
            let Some(id) = proposal.map(|(id, _)| *id).filter(|&id| chosen == Some(id)) else { break };
            self.drafted.accepted += 1;
            if self.options.stop.contains(&id) {
                break;
            }
        }
        Ok(sure)
    }

    /// A token of the draft with probability min(1, p / q), else one from max(0, p − q), normalised: what p has and q
    /// lacks.
    fn accepted(&mut self, id: u32, model: &[f64], draft: &[f64]) -> Option<u32> {
        let [p, q] = [model, draft].map(probabilities);
        if self.rng.uniform() * q[id as usize] < p[id as usize] {
            return Some(id);
        }
        let missing: Vec<f64> = p.iter().zip(&q).map(|(p, q)| (p - q).max(0.0).ln()).collect();
        // Where the two are equal but for rounding, nothing may be left.
        draw(&missing, &mut self.rng).or_else(|| draw(model, &mut self.rng))
    }
}

fn probabilities(logits: &[f64]) -> Vec<f64> {
    let weights = weights(logits);
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| if sum > 0.0 { weight / sum } else { 0.0 }).collect()
}

/// A model that reads a text that is taken back again.
struct Reader<'m, E: Element> {
    model: &'m dyn LanguageModel<E>,
    state: State<E>,
    /// From where on the state has read the text, and up to where.
    from: usize,
    to: usize,
    /// Where reading can begin again, if it cannot be taken back.
    marked: (State<E>, usize),
}

impl<'m, E: Element> Reader<'m, E> {
    fn new(model: &'m dyn LanguageModel<E>) -> Self {
        let state = model.start(1);
        Self { model, marked: (state.clone(), 0), state, from: 0, to: 0 }
    }

    /// How many more tokens than `length` of the text can be read before the model has to begin anew; none for ever if
    /// it has to for these.
    fn room(&self, length: usize) -> usize {
        self.model.context().map_or(usize::MAX, |context| (self.from + context).saturating_sub(length))
    }

    /// Remembers where reading is, for [`back_to`](Self::back_to).
    fn mark(&mut self) {
        // What can be taken back need not be kept, and a second state would have caches copied.
        if !self.state.unread(0) {
            self.marked = (self.state.clone(), self.to);
        }
    }

    /// Reads the text to its end; the logits after each of its last tokens.
    fn read(&mut self, text: &[u32], last: usize) -> Vec<Vec<E>> {
        if let Some(context) = self.model.context()
            && text.len() - self.from > context
        {
            self.from = text.len() - context.div_ceil(2).max(last);
            self.to = self.from;
            self.state = self.model.start(1);
        }
        let new = &text[self.to..];
        let ids = Ids::new(new.to_vec(), [1, new.len()]);
        let features = self.model.features(&ids, &mut self.state, &mut Mode::Eval); // (1, T, D)
        self.to = text.len();
        let logits = self.model.scores(&features.slice(1, new.len() - last..new.len()).squeeze(0)); // (last, V)
        logits.to_vec().chunks(self.model.vocabulary()).map(<[E]>::to_vec).collect()
    }

    /// Takes back what was read after the first `length` tokens of the text.
    fn back_to(&mut self, length: usize) {
        if length >= self.to {
            return;
        }
        if length <= self.from {
            // It began anew behind this place.
            self.from = length - length.min(self.model.context().map_or(0, |context| context / 2));
            (self.state, self.to) = (self.model.start(1), self.from);
        } else if self.state.unread(self.to - length) {
            self.to = length;
        } else {
            (self.state, self.to) = self.marked.clone();
        }
    }
}
