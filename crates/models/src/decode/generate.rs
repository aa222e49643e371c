//! The loop that writes texts: choose a token, read it, choose the next.
//!
//! ids, a prompt, are continued by x₁, x₂, …, each chosen from softmax(z) with z the model's logits after everything
//! before it, as the [processors](super::processor) left them. Whatever chose, a token's log-probability is the model's
//! own, ln softmax(z_t)\[x_t\] of the logits as they were, so that texts chosen in different ways can be compared.
//!
//! Where a model's context ends, it begins anew with the last half of it: `rows.rs` has the rule, and the batches.

use super::logits::{RULED_OUT, draw, likeliest};
use super::options::{Contrastive, Finish, GenerateOptions, Generated, Search, check, check_prompt};
use super::processor::{Context, process};
use super::rows::{Rows, select};
use super::{GenerateError, beam, contrastive};
use crate::{Decoder, LanguageModel, State};
use rayon::prelude::*;
use rungs_layers::tensor::{Element, Rng, Tensor};
use std::ops::ControlFlow;

/// Continues each of the prompts with [as many texts](GenerateOptions::texts) as are wanted, in the order of the
/// prompts, some of them [at a time](GenerateOptions::batch).
///
/// Of texts that are drawn, and of greedy ones, `on_token` hears of every token as soon as it is chosen; text j of
/// prompt i has the number i · texts + j, and random numbers of its own (`rng.fork("i.j")`): none depends on what is
/// written beside it, but for rounding where prompts differ in length.
///
/// ```
/// use rungs_layers::tensor::Rng;
/// use rungs_models::decode::{Beam, Search, TopK};
/// use rungs_models::{GenerateOptions, Gpt, GptConfig, Length, generate};
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// let model: Gpt = Gpt::new(&GptConfig::gpt(10, 16, 8, 2, 1), &mut Rng::new(0))?;
/// let prompts = [vec![1, 2, 3], vec![4]];
/// let options = GenerateOptions {
///     processors: vec![Arc::new(TopK::new(5)?)],
///     length: Length::at_most(8),
///     ..Default::default()
/// };
/// let texts = generate(&model, &prompts, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert_eq!((texts.len(), texts[1][0].ids.len()), (2, 8));
///
/// let options = GenerateOptions { search: Search::Beam(Beam::new(4)), texts: 2, ..options };
/// let best = generate(&model, &prompts, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert!(best[0][0].score >= best[0][1].score);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`GenerateError`]; but for [`NotFinite`](GenerateError::NotFinite), before any token is written.
pub fn generate<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[impl AsRef<[u32]>],
    options: &GenerateOptions,
    rng: &Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    generate_each(model, prompts, options, &|i, j| rng.fork(&format!("{i}.{j}")), on_token)
}

/// The same with a generator for each text: `rng_of(i, j)` for text j of prompt i.
///
/// # Errors
/// As [`generate()`].
pub fn generate_each<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[impl AsRef<[u32]>],
    options: &GenerateOptions,
    rng_of: &dyn Fn(usize, usize) -> Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    check(model.vocabulary(), options)?;
    let prompts: Vec<&[u32]> = prompts.iter().map(AsRef::as_ref).collect();
    for prompt in &prompts {
        check_prompt(model.vocabulary(), prompt)?;
        // A search does not begin anew past the end of the context. The last token is written and not read.
        let (prompt, tokens) = (prompt.len(), options.length.max());
        let searches = matches!(options.search, Search::Beam(_) | Search::Contrastive(_));
        if let Some(context) = model.context().filter(|_| searches)
            && (prompt + tokens).saturating_sub(1) > context
        {
            return Err(GenerateError::Context { prompt, tokens, context });
        }
    }
    if options.length.max() == 0 || prompts.is_empty() {
        return Ok(nothing(prompts.len(), options));
    }
    let model = model.frozen();
    let model = model.as_ref();
    if let Search::Contrastive(contrastive) = options.search {
        let beginning = |prompt: &[u32]| Beginning { model, state: model.start(1), read: prompt.to_vec() };
        return one_by_one(&prompts, beginning, contrastive, options, on_token);
    }
    let together = (options.batch / options.texts).max(1);
    let mut written = Vec::with_capacity(prompts.len());
    for (part, prompts) in prompts.chunks(together).enumerate() {
        let first = part * together;
        let rng = |i: usize, j: usize| rng_of(first + i, j);
        let mut on_token = |number: usize, id: u32| on_token(first * options.texts + number, id);
        written.extend(write(Rows::of_prompts(model, prompts), prompts, options, &rng, &mut on_token)?);
    }
    Ok(written)
}

/// The same from states that a model is in, each row of which reads one token first: translations, from the states that
/// [`EncoderDecoder::start`](crate::EncoderDecoder::start) makes of sources. To processors, the prompt is empty. Row i
/// draws from `rngs[i].fork("j")` for its text j.
///
/// # Errors
/// See [`GenerateError`].
///
/// # Panics
/// If a token is outside the vocabulary, or there is not one for each row, and a generator; or if the model has
/// positions, and not enough.
pub fn generate_from<E: Element>(
    model: &dyn Decoder<E>,
    state: State<E>,
    first: &[u32],
    options: &GenerateOptions,
    rngs: &[Rng],
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    check(model.vocabulary(), options)?;
    if options.length.max() == 0 || first.is_empty() {
        return Ok(nothing(first.len(), options));
    }
    let prompts: Vec<&[u32]> = vec![&[]; first.len()];
    if let Search::Contrastive(contrastive) = options.search {
        let mut rows = 0..first.len();
        let beginning = |_: &[u32]| {
            let row = rows.next().expect("a row for each");
            Beginning { model, state: state.rows(&[row]), read: vec![first[row]] }
        };
        return one_by_one(&prompts, beginning, contrastive, options, on_token);
    }
    let rng = |i: usize, j: usize| rngs[i].fork(&j.to_string());
    write(Rows::of_state(model, state, first), &prompts, options, &rng, on_token)
}

/// A model before the first token of a text, and what it reads first.
pub(super) struct Beginning<'m, E: Element> {
    pub(super) model: &'m dyn Decoder<E>,
    pub(super) state: State<E>,
    pub(super) read: Vec<u32>,
}

fn one_by_one<'m, E: Element>(
    prompts: &[&[u32]],
    mut beginning: impl FnMut(&[u32]) -> Beginning<'m, E>,
    contrastive: Contrastive,
    options: &GenerateOptions,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    let write = |(number, prompt): (usize, &&[u32])| {
        Ok(vec![contrastive::search(beginning(prompt), prompt, contrastive, options, number, on_token)?])
    };
    prompts.iter().enumerate().map(write).collect()
}

fn write<E: Element>(
    (mut rows, logits): (Rows<'_, E>, Tensor<E>),
    prompts: &[&[u32]],
    options: &GenerateOptions,
    rng: &dyn Fn(usize, usize) -> Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    if let Search::Beam(beam) = options.search {
        return beam::search(rows, logits, prompts, beam, options);
    }
    let logits = repeated(&mut rows, &logits, options.texts);
    let text = |i: usize, j: usize| Text::new(i * options.texts + j, prompts[i], rng(i, j));
    let texts = (0..prompts.len()).flat_map(|i| (0..options.texts).map(move |j| text(i, j))).collect();
    let mut written = sample(rows, logits, texts, options, on_token)?.into_iter();
    Ok(prompts.iter().map(|_| written.by_ref().take(options.texts).collect()).collect())
}

/// Texts of no tokens.
fn nothing(prompts: usize, options: &GenerateOptions) -> Vec<Vec<Generated>> {
    let texts = if matches!(options.search, Search::Beam(_)) { 1 } else { options.texts };
    vec![vec![Generated::nothing(); texts]; prompts]
}

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
        Self { number, prompt, written: Generated::nothing(), rng }
    }

    fn finish(mut self) -> (usize, Generated) {
        let text = &mut self.written;
        text.score = text.log_probability() / text.ids.len().max(1) as f64;
        (self.number, self.written)
    }
}

/// ln Σ exp z of each row of logits (B, V).
pub(super) fn log_sums<E: Element>(logits: &Tensor<E>) -> Vec<f64> {
    logits.logsumexp_over([-1]).to_vec().into_iter().map(E::to_f64).collect()
}

/// The logits of the next token as they are to be chosen from; an error if they are not finite.
pub(super) fn processed<E: Element>(
    row: &[E],
    prompt: &[u32],
    written: &[u32],
    options: &GenerateOptions,
) -> Result<Vec<f64>, GenerateError> {
    let mut allowed: Vec<f64> = row.iter().map(|z| z.to_f64()).collect();
    if !allowed.iter().all(|z| z.is_finite()) {
        return Err(GenerateError::NotFinite { tokens: written.len() });
    }
    if written.len() + 1 < options.length.min() {
        options.stop.iter().for_each(|&id| allowed[id as usize] = RULED_OUT);
    }
    let remaining = options.length.max() - written.len();
    process(&options.processors, &Context { prompt, written, remaining }, &mut allowed);
    Ok(allowed)
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
        let (z, log_sums) = (logits.to_vec(), log_sums(&logits));
        let weights = rows.weights();
        let choices: Vec<Result<Option<(u32, f64)>, GenerateError>> = texts
            .par_iter_mut()
            .zip(z.par_chunks(vocabulary).zip(&log_sums))
            .map(|(text, (z, log_sum))| {
                let allowed = processed(z, text.prompt, &text.written.ids, options)?;
                let chosen = choose(options.search, &allowed, &mut text.rng);
                Ok(chosen.map(|id| (id, z[id as usize].to_f64() - log_sum)))
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
