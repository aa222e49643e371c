//! From a model to texts.

use super::options::{Beam, Contrastive, Finish, GenerateOptions, Generated, Search};
use super::rows::Rows;
use super::sample::{OnToken, Text, repeated, sample};
use super::{GenerateError, beam, contrastive};
use crate::{ConfigError, Decoder, LanguageModel, State};
use rungs_layers::tensor::{Element, Rng, Tensor};
use std::collections::BTreeSet;

/// Continues each of the prompts with [as many texts](GenerateOptions::texts) as are wanted, in the order of the prompts, some of
/// them [at a time](GenerateOptions::batch).
///
/// Of texts that are drawn, and of greedy ones, `on_token` hears of every token as soon as it is chosen; text j of prompt i has the
/// number i · texts + j, and random numbers of its own (`rng.fork("i.j")`): none depends on what is written beside it, but for
/// rounding where prompts differ in length.
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
/// let options = GenerateOptions { processors: vec![Arc::new(TopK::new(5)?)], length: Length::at_most(8), ..Default::default() };
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
        let rng = |i: usize, j: usize| rng.fork(&format!("{}.{j}", first + i));
        let mut on_token = |number: usize, id: u32| on_token(first * options.texts + number, id);
        written.extend(write(Rows::of_prompts(model, prompts), prompts, options, &rng, &mut on_token)?);
    }
    Ok(written)
}

/// The same from states that a model is in, each row of which reads one token first: translations, from the states that
/// [`EncoderDecoder::start`](crate::EncoderDecoder::start) makes of sources. To processors, the prompt is empty. Row i draws from
/// `rngs[i].fork("j")` for its text j.
///
/// # Errors
/// See [`GenerateError`].
///
/// # Panics
/// If a token is outside the vocabulary, or there is not one for each row, and a generator; or if the model has positions, and not
/// enough.
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
    let (ids, log_probabilities, weights) = (Vec::new(), Vec::new(), Vec::new());
    let text = Generated { ids, log_probabilities, score: 0.0, finish: Finish::Length, weights };
    let texts = if matches!(options.search, Search::Beam(_)) { 1 } else { options.texts };
    vec![vec![text; texts]; prompts]
}

/// That texts can be written so.
pub(super) fn check(vocabulary: usize, options: &GenerateOptions) -> Result<(), GenerateError> {
    let GenerateOptions { search, length, stop, texts, .. } = options;
    if let Some(&id) = stop.iter().find(|&&id| id as usize >= vocabulary) {
        return Err(GenerateError::UnknownToken { what: "stop", id, vocabulary });
    }
    let (min, distinct) = (length.min(), stop.iter().copied().collect::<BTreeSet<u32>>());
    if min > 1 && distinct.len() == vocabulary {
        return Err(GenerateError::NothingToChoose { min });
    }
    let most = |name, value, most| match value {
        0 => Err(ConfigError::Zero { name }),
        _ if value > most => Err(ConfigError::TooLarge { name, value, most }),
        _ => Ok(()),
    };
    match *search {
        Search::Greedy | Search::Sample => most("n", *texts, usize::MAX)?,
        Search::Beam(Beam { width, groups, diversity, .. }) => {
            most("beam", width, vocabulary)?;
            most("beam-groups", groups, width)?;
            most("n", *texts, width)?;
            if width % groups != 0 {
                return Err(ConfigError::Groups { beam: width, groups }.into());
            }
            if !(diversity >= 0.0 && diversity.is_finite()) {
                let range = "a finite number of 0 or more";
                return Err(ConfigError::Range { name: "diversity", value: diversity, range }.into());
            }
        }
        Search::Contrastive(Contrastive { alpha, candidates }) => {
            most("n", *texts, 1)?;
            most("top-k", candidates, usize::MAX)?;
            if !(0.0..=1.0).contains(&alpha) {
                return Err(ConfigError::Range { name: "contrastive", value: alpha, range: "from 0 to 1" }.into());
            }
        }
    }
    Ok(())
}

pub(super) fn check_prompt(vocabulary: usize, prompt: &[u32]) -> Result<(), GenerateError> {
    if prompt.is_empty() {
        return Err(GenerateError::EmptyPrompt);
    }
    match prompt.iter().find(|&&id| id as usize >= vocabulary) {
        Some(&id) => Err(GenerateError::UnknownToken { what: "prompt", id, vocabulary }),
        None => Ok(()),
    }
}
