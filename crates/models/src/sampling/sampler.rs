//! The loop that writes texts: choose a token, read it, choose the next.
//!
//! ids, a prompt, are continued by x₁, x₂, …, each chosen from softmax(z) with z the model's logits after everything
//! before it, as the [processors](super::processor) left them. Whatever chose, a token's log-probability is the model's
//! own, ln softmax(z_t)\[x_t\] of the logits as they were, so that texts chosen in different ways can be compared.
//!
//! Where a model's context ends, it begins anew with the last half of it: [`rows`](super::rows) has the rule, and the
//! batches.

use super::error::SampleError;
use super::logits::log_sums;
use super::options::{Finish, Generated, SampleOptions, check_prompt};
use super::rows::{Rows, select};
use crate::config::ConfigError;
use crate::decoder::Decoder;
use crate::language_model::LanguageModel;
use crate::state::State;
use rayon::prelude::*;
use rungs_layers::tensor::{Element, Rng, Tensor};
use std::ops::ControlFlow;

/// Continues each of the prompts with [as many texts](SampleOptions::texts) as are wanted, in the order of the prompts,
/// some of them [at a time](SampleOptions::batch).
///
/// `on_token` hears of every token as soon as it is chosen. Text j of prompt i has the number i · texts + j, and random
/// numbers of its own (`rng.fork("i.j")`): none depends on what is written beside it, but for rounding where prompts
/// differ in length.
///
/// ```
/// use rungs_layers::tensor::Rng;
/// use rungs_models::sampling::TopK;
/// use rungs_models::{Choice, Gpt, GptConfig, Length, SampleOptions, sample};
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// let model: Gpt = Gpt::new(&GptConfig::gpt(10, 16, 8, 2, 1), &mut Rng::new(0))?;
/// let prompts = [vec![1, 2, 3], vec![4]];
/// let options = SampleOptions {
///     processors: vec![Arc::new(TopK::new(5)?)],
///     length: Length::at_most(8),
///     ..Default::default()
/// };
/// let texts = sample(&model, &prompts, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert_eq!((texts.len(), texts[1][0].ids.len()), (2, 8));
///
/// let options = SampleOptions { search: Choice::Greedy, ..options };
/// let likeliest = sample(&model, &prompts, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
/// assert!(likeliest[0][0].score < 0.0); // the mean of ln p
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// See [`SampleError`]; but for [`NotFinite`](SampleError::NotFinite), before any token is written.
pub fn sample<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[impl AsRef<[u32]>],
    options: &SampleOptions,
    rng: &Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    sample_each(model, prompts, options, &|i, j| rng.fork(&format!("{i}.{j}")), on_token)
}

/// [`sample()`] with a generator for each text: `rng_of(i, j)` for text j of prompt i.
///
/// # Errors
/// As [`sample()`].
pub fn sample_each<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[impl AsRef<[u32]>],
    options: &SampleOptions,
    rng_of: &dyn Fn(usize, usize) -> Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    check(model.vocabulary(), options)?;
    let prompts: Vec<&[u32]> = prompts.iter().map(AsRef::as_ref).collect();
    prompts.iter().try_for_each(|prompt| check_prompt(model.vocabulary(), prompt))?;
    if options.length.max() == 0 || prompts.is_empty() {
        return Ok(nothing(prompts.len(), options));
    }
    let model = model.frozen();
    let together = (options.batch / options.texts).max(1);
    let mut written = Vec::with_capacity(prompts.len());
    for (part, prompts) in prompts.chunks(together).enumerate() {
        let first = part * together;
        let rng = |i: usize, j: usize| rng_of(first + i, j);
        let mut on_token = |number: usize, id: u32| on_token(first * options.texts + number, id);
        written.extend(write(Rows::of_prompts(model.as_ref(), prompts), prompts, options, &rng, &mut on_token)?);
    }
    Ok(written)
}

/// Writes texts from states that a model is in, each row of which reads one token first: translations, from the states
/// that [`EncoderDecoder::start`](crate::EncoderDecoder::start) makes of sources. To processors, the prompt is empty.
/// Row i draws from `rngs[i].fork("j")` for its text j.
///
/// # Errors
/// See [`SampleError`].
///
/// # Panics
/// If a token is outside the vocabulary, or there is not one for each row, and a generator; or if the model has
/// positions, and not enough.
pub fn sample_from<E: Element>(
    model: &dyn Decoder<E>,
    state: State<E>,
    first: &[u32],
    options: &SampleOptions,
    rngs: &[Rng],
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    check(model.vocabulary(), options)?;
    if options.length.max() == 0 || first.is_empty() {
        return Ok(nothing(first.len(), options));
    }
    let rng = |i: usize, j: usize| rngs[i].fork(&j.to_string());
    write(Rows::of_state(model, state, first), &vec![&[][..]; first.len()], options, &rng, on_token)
}

fn check(vocabulary: usize, options: &SampleOptions) -> Result<(), SampleError> {
    options.check_stop(vocabulary)?;
    if options.texts == 0 { Err(ConfigError::Zero { name: "n" }.into()) } else { Ok(()) }
}

/// Texts of no tokens.
fn nothing(prompts: usize, options: &SampleOptions) -> Vec<Vec<Generated>> {
    vec![vec![Generated::nothing(); options.texts]; prompts]
}

fn write<E: Element>(
    (mut rows, mut logits): (Rows<'_, E>, Tensor<E>),
    prompts: &[&[u32]],
    options: &SampleOptions,
    rng: &dyn Fn(usize, usize) -> Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    if options.texts > 1 {
        // Each row once for every one of its texts.
        let each: Vec<usize> = (0..prompts.len()).flat_map(|row| vec![row; options.texts]).collect();
        rows.select(&each);
        logits = select(&logits, &each);
    }
    let text = |i: usize, j: usize| Text::new(i * options.texts + j, prompts[i], rng(i, j));
    let texts = (0..prompts.len()).flat_map(|i| (0..options.texts).map(move |j| text(i, j))).collect();
    let mut written = write_rows(rows, logits, texts, options, on_token)?.into_iter();
    Ok(prompts.iter().map(|_| written.by_ref().take(options.texts).collect()).collect())
}

/// Who hears of every token as soon as it is chosen, and of which text it is; it can end the text there.
pub type OnToken<'a> = &'a mut dyn FnMut(usize, u32) -> ControlFlow<()>;

/// A text that is being written.
struct Text<'p> {
    /// Which of all texts it is.
    number: usize,
    prompt: &'p [u32],
    written: Generated,
    rng: Rng,
}

impl<'p> Text<'p> {
    fn new(number: usize, prompt: &'p [u32], rng: Rng) -> Self {
        Self { number, prompt, written: Generated::nothing(), rng }
    }

    fn finish(mut self) -> (usize, Generated) {
        let text = &mut self.written;
        text.score = text.log_probability() / text.ids.len().max(1) as f64;
        (self.number, self.written)
    }
}

/// Writes every text, all of them in one batch, until the last has ended.
fn write_rows<E: Element>(
    mut rows: Rows<'_, E>,
    mut logits: Tensor<E>,
    mut texts: Vec<Text<'_>>,
    options: &SampleOptions,
    on_token: OnToken<'_>,
) -> Result<Vec<Generated>, SampleError> {
    let vocabulary = logits.shape().last();
    let mut finished = Vec::with_capacity(texts.len());
    loop {
        let (z, log_sums) = (logits.to_vec(), log_sums(&logits));
        let weights = rows.weights();
        let choices: Vec<Result<Option<(u32, f64)>, SampleError>> = texts
            .par_iter_mut()
            .zip(z.par_chunks(vocabulary).zip(&log_sums))
            .map(|(text, (z, log_sum))| {
                let allowed = options.processed(z, text.prompt, &text.written.ids)?;
                let chosen = options.search.of(&allowed, &mut text.rng);
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
        options.begin_step();
        logits = rows.read(&read);
    }
    finished.sort_by_key(|(number, _)| *number);
    Ok(finished.into_iter().map(|(_, text)| text).collect())
}
