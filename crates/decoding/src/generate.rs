//! The door to all searches.
//!
//! Texts whose tokens are chosen one by one are written by the loop of [`sample`](fn@rungs_models::sample); a beam and
//! a contrastive search have loops of their own. Whatever chose, a token's log-probability is the model's own, so that
//! texts written in different ways can be compared.

use crate::search::{GenerateOptions, Search};
use crate::{beam, contrastive};
use rungs_layers::tensor::Element;
use rungs_models::LanguageModel;
use rungs_models::config::check;
use rungs_models::sampling::{Choice, Generated, OnNext, Prompt, Randomness, SampleError, sample};

/// Generates from each of the prompts [as many texts](GenerateOptions::texts) as are wanted, in the order of the
/// prompts, some of them [at a time](GenerateOptions::batch). Prompts are slices of ids, or [`Prompt`]s with sources to
/// translate.
///
/// Of texts that are drawn, and of greedy ones, `on_token` hears of every token as soon as it is chosen; text j of
/// prompt i has the number i · texts + j, and [random numbers of its own](Randomness): none depends on what is
/// generated beside it, but for rounding where prompts or sources differ in length.
///
/// ```
/// use rungs_decoding::{Beam, GenerateOptions, Length, Search, TopK, generate};
/// use rungs_layers::tensor::Rng;
/// use rungs_models::{Gpt, GptConfig};
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// let config = GptConfig { vocabulary: 10, context: 16, layers: 1, width: 8, heads: 2, ..GptConfig::nanogpt() };
/// let model: Gpt = Gpt::new(&config, &mut Rng::new(0))?;
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
/// See [`SampleError`]; but for [`NotFinite`](rungs_models::SampleError::NotFinite), before any token is written.
pub fn generate<'p, E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: impl IntoIterator<Item: Into<Prompt<'p>>>,
    options: &GenerateOptions,
    rng: &dyn Randomness,
    on_token: OnNext<'_, u32>,
) -> Result<Vec<Vec<Generated>>, SampleError> {
    match options.search {
        Search::Greedy => return sample(model, prompts, &options.with_search(Choice::Greedy), rng, on_token),
        Search::Sample => return sample(model, prompts, &options.with_search(Choice::Sample), rng, on_token),
        Search::Beam(beam) => beam.check(model.vocabulary(), options.texts)?,
        Search::Contrastive(contrastive) => contrastive.check(options.texts)?,
    }
    let prompts: Vec<Prompt<'_>> = prompts.into_iter().map(Into::into).collect();
    options.check(model, &prompts)?;
    // These searches do not begin anew past the end of the context.
    let (context, tokens) = (model.context().unwrap_or(usize::MAX), options.length.max);
    for prompt in prompts.iter().map(|prompt| prompt.ids.len()) {
        // The last token is written and not read; but a contrastive search reads its candidates for it.
        let unread = usize::from(!matches!(options.search, Search::Contrastive(_)));
        check(prompt.saturating_add(tokens).saturating_sub(unread) <= context, || {
            format!("{prompt} tokens of a prompt and {tokens} more do not fit the model's context of {context}")
        })?;
    }
    if tokens == 0 {
        return Ok(vec![vec![Generated::default()]; prompts.len()]);
    }
    let model = model.frozen();
    match options.search {
        Search::Beam(beam) => {
            let (options, together) = (options.with_search(beam), (options.batch / options.texts).max(1));
            let found = prompts.chunks(together).map(|prompts| beam::search(model.as_ref(), prompts, &options));
            Ok(found.collect::<Result<Vec<_>, _>>()?.concat())
        }
        Search::Contrastive(contrastive) => {
            let options = options.with_search(contrastive);
            let mut text = |(number, prompt)| contrastive::search(model.as_ref(), prompt, &options, number, on_token);
            prompts.iter().enumerate().map(|numbered| Ok(vec![text(numbered)?])).collect()
        }
        Search::Greedy | Search::Sample => unreachable!("written above"),
    }
}
