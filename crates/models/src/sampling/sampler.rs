//! The loop that generates texts: choose a token, read it, choose the next.
//!
//! ids, a prompt, are continued by x₁, x₂, …, each chosen from softmax(z) with z the model's logits after everything
//! before it, as the [processors](super::processor) left them. Whatever chose, a token's log-probability is the model's
//! own, ln softmax(z_t)\[x_t\] of the logits as they were, so that texts chosen in different ways can be compared.
//!
//! Where a model's context ends, it begins anew with the last half of it: [`rows`](super::rows) has the rule, and the
//! batches.

use super::error::SampleError;
use super::logits::log_sums;
use super::options::{Finish, Generated, SampleOptions};
use super::prompt::Prompt;
use super::rows::Rows;
use crate::language_model::LanguageModel;
use rayon::prelude::*;
use rungs_layers::tensor::{Element, Rng, Tensor};
use std::ops::ControlFlow;

/// A callback that hears what is next in a text as soon as it is there, and in which text: a token (`u32`) where ids
/// are generated, a part that can be shown (`str`) where texts are. It can end the text there.
pub type OnNext<'a, T> = &'a mut dyn FnMut(usize, &T) -> ControlFlow<()>;

/// Random numbers for every text: a generator, of which text j of prompt i has the fork `"i.j"`, or a function of i and
/// j.
pub trait Randomness {
    /// The random numbers of text j of prompt i.
    fn of_text(&self, i: usize, j: usize) -> Rng;
}

impl Randomness for Rng {
    fn of_text(&self, i: usize, j: usize) -> Rng {
        self.fork(&format!("{i}.{j}"))
    }
}

impl<F: Fn(usize, usize) -> Rng> Randomness for F {
    fn of_text(&self, i: usize, j: usize) -> Rng {
        self(i, j)
    }
}

/// Generates from each of the prompts [as many texts](SampleOptions::texts) as are wanted, in the order of the prompts,
/// some of them [at a time](SampleOptions::batch). Prompts are slices of ids, or [`Prompt`]s with sources to translate.
///
/// `on_token` hears of every token as soon as it is chosen. Text j of prompt i has the number i · texts + j, and
/// [random numbers of its own](Randomness): none depends on what is generated beside it, but for rounding where prompts
/// or sources differ in length.
///
/// ```
/// use rungs_layers::tensor::Rng;
/// use rungs_models::sampling::TopK;
/// use rungs_models::{Choice, Gpt, GptConfig, Length, SampleOptions, sample};
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// let config = GptConfig { vocabulary: 10, context: 16, layers: 1, width: 8, heads: 2, ..GptConfig::nanogpt() };
/// let model: Gpt = Gpt::new(&config, &mut Rng::new(0))?;
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
pub fn sample<'p, E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: impl IntoIterator<Item: Into<Prompt<'p>>>,
    options: &SampleOptions,
    rng: &dyn Randomness,
    on_token: OnNext<'_, u32>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    let prompts: Vec<Prompt<'_>> = prompts.into_iter().map(Into::into).collect();
    options.check(model, &prompts)?;
    let texts = options.texts;
    if options.length.max() == 0 {
        return Ok(vec![vec![Generated::default(); texts]; prompts.len()]);
    }
    let model = model.frozen();
    let together = (options.batch / texts).max(1);
    let mut all = Vec::with_capacity(prompts.len() * texts);
    for (part, chunk) in prompts.chunks(together).enumerate() {
        let (rows, logits) = Rows::new(model.as_ref(), chunk, texts);
        let text = |number: usize| Text {
            number,
            prompt: prompts[number / texts].ids,
            written: Generated::default(),
            rng: rng.of_text(number / texts, number % texts),
        };
        let begun = (part * together * texts..).take(chunk.len() * texts).map(text).collect();
        all.extend(write(rows, logits, begun, options, on_token)?);
    }
    let mut all = all.into_iter();
    Ok(prompts.iter().map(|_| all.by_ref().take(texts).collect()).collect())
}

/// A text that is being written.
struct Text<'p> {
    /// Which of all texts it is.
    number: usize,
    prompt: &'p [u32],
    written: Generated,
    rng: Rng,
}

/// Writes every text, all of them in one batch, until the last has ended.
fn write<E: Element>(
    mut rows: Rows<'_, E>,
    mut logits: Tensor<E>,
    mut texts: Vec<Text<'_>>,
    options: &SampleOptions,
    on_token: OnNext<'_, u32>,
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
        let (mut going_on, mut read, mut alive) = (Vec::new(), Vec::new(), Vec::new());
        let before = texts.len();
        let mut end = |text: Text<'_>, finish| finished.push((text.number, text.written.ended(finish)));
        for (row, (mut text, choice)) in texts.into_iter().zip(choices).enumerate() {
            let Some((id, log_probability)) = choice? else {
                end(text, Finish::Complete);
                continue;
            };
            text.written.ids.push(id);
            text.written.log_probabilities.push(log_probability);
            text.written.weights.extend(weights.as_ref().map(|weights| weights[row].clone()));
            if on_token(text.number, &id).is_break() || options.stop.contains(&id) {
                end(text, Finish::Stop);
            } else if text.written.ids.len() == options.length.max() {
                end(text, Finish::Length);
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
