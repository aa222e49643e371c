//! The loop that writes texts: choose a token, read it, choose the next.
//!
//! ids, a prompt, are continued by x₁, x₂, …, each chosen from softmax(z) with z the model's logits after everything
//! before it, as the [processors](super::processor) left them. Whatever chose, a token's log-probability is the model's own,
//! ln softmax(z_t)\[x_t\] of the logits as they were, so that texts chosen in different ways can be compared.

use super::GenerateError;
use super::logits::{RULED_OUT, draw, likeliest, log_sum};
use super::options::{Finish, GenerateOptions, Generated, Search};
use super::processor::{Context, process};
use super::rows::{Rows, select};
use rayon::prelude::*;
use rungs_layers::tensor::{Element, Rng, Tensor};
use std::ops::ControlFlow;

/// Who hears of every token as soon as it is chosen, and of which text it is; it can end the text there.
pub type OnToken<'a> = &'a mut dyn FnMut(usize, u32) -> ControlFlow<()>;

/// A text that is being written.
pub(super) struct Text<'p> {
    /// Which of all texts it is.
    pub(super) number: usize,
    pub(super) prompt: &'p [u32],
    pub(super) written: Generated,
    pub(super) rng: Rng,
}

impl<'p> Text<'p> {
    pub(super) fn new(number: usize, prompt: &'p [u32], rng: Rng) -> Self {
        let (ids, log_probabilities, weights) = (Vec::new(), Vec::new(), Vec::new());
        let written = Generated { ids, log_probabilities, score: 0.0, finish: Finish::Length, weights };
        Self { number, prompt, written, rng }
    }

    fn finish(mut self) -> (usize, Generated) {
        let text = &mut self.written;
        text.score = text.log_probability() / text.ids.len().max(1) as f64;
        (self.number, self.written)
    }
}

/// The logits of the next token, as they are and as they are to be chosen from; an error if they are not finite.
pub(super) fn processed<E: Element>(
    row: &[E],
    prompt: &[u32],
    written: &[u32],
    options: &GenerateOptions,
) -> Result<[Vec<f64>; 2], GenerateError> {
    let logits: Vec<f64> = row.iter().map(|z| z.to_f64()).collect();
    if !logits.iter().all(|z| z.is_finite()) {
        return Err(GenerateError::NotFinite { tokens: written.len() });
    }
    let mut allowed = logits.clone();
    if written.len() + 1 < options.length.min() {
        options.stop.iter().for_each(|&id| allowed[id as usize] = RULED_OUT);
    }
    let remaining = options.length.max() - written.len();
    process(&options.processors, &Context { prompt, written, remaining }, &mut allowed);
    Ok([logits, allowed])
}

/// Chooses from logits.
pub(super) fn choose(search: Search, allowed: &[f64], rng: &mut Rng) -> Option<u32> {
    match search {
        Search::Sample => draw(allowed, rng),
        _ => likeliest(allowed),
    }
}

/// Writes every text, all of them in one batch, until the last has ended.
pub(super) fn sample<E: Element>(
    mut rows: Rows<'_, E>,
    mut logits: Tensor<E>,
    mut texts: Vec<Text<'_>>,
    options: &GenerateOptions,
    on_token: OnToken<'_>,
) -> Result<Vec<Generated>, GenerateError> {
    let vocabulary = logits.shape().last();
    let mut finished = Vec::with_capacity(texts.len());
    loop {
        let z = logits.to_vec();
        let weights = rows.weights();
        let choices: Vec<Result<Option<(u32, f64)>, GenerateError>> = texts
            .par_iter_mut()
            .zip(z.par_chunks(vocabulary))
            .map(|(text, z)| {
                let [logits, allowed] = processed(z, text.prompt, &text.written.ids, options)?;
                let chosen = choose(options.search, &allowed, &mut text.rng);
                Ok(chosen.map(|id| (id, logits[id as usize] - log_sum(&logits))))
            })
            .collect();
        let (mut going_on, mut read) = (Vec::new(), Vec::new());
        let before = texts.len();
        let mut alive = Vec::with_capacity(before);
        for (row, (mut text, choice)) in texts.into_iter().zip(choices).enumerate() {
            let Some((id, log_probability)) = choice? else {
                text.written.finish = Finish::Complete;
                finished.push(text.finish());
                continue;
            };
            text.written.ids.push(id);
            text.written.log_probabilities.push(log_probability);
            text.written.weights.extend(weights.as_ref().map(|weights| weights[row].clone()));
            if on_token(text.number, id).is_break() || options.stop.contains(&id) {
                text.written.finish = Finish::Stop;
                finished.push(text.finish());
            } else if text.written.ids.len() == options.length.max() {
                finished.push(text.finish());
            } else {
                going_on.push(row);
                read.push(id);
                alive.push(text);
            }
        }
        texts = alive;
        if texts.is_empty() {
            break;
        }
        if going_on.len() < before {
            rows.select(&going_on);
        }
        logits = rows.read(&read);
    }
    finished.sort_by_key(|(number, _)| *number);
    Ok(finished.into_iter().map(|(_, text)| text).collect())
}

/// Each row once for every one of its texts.
pub(super) fn repeated<E: Element>(rows: &mut Rows<'_, E>, logits: &Tensor<E>, texts: usize) -> Tensor<E> {
    if texts == 1 {
        return logits.clone();
    }
    let each: Vec<usize> = (0..logits.dims::<2>()[0]).flat_map(|row| vec![row; texts]).collect();
    rows.select(&each);
    select(logits, &each)
}
