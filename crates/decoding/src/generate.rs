//! The door to all searches.
//!
//! Texts whose tokens are chosen one by one are written by the loop of [`sample`](fn@rungs_models::sample); a beam and
//! a contrastive search have loops of their own. Whatever chose, a token's log-probability is the model's own, so that
//! texts written in different ways can be compared.

use crate::error::GenerateError;
use crate::search::{GenerateOptions, Search};
use crate::{beam, contrastive};
use rungs_layers::tensor::{Element, Rng};
use rungs_models::sampling::{Choice, Generated, OnToken, sample_each, sample_from};
use rungs_models::{LanguageModel, State};

/// Continues each of the prompts with [as many texts](GenerateOptions::texts) as are wanted, in the order of the
/// prompts, some of them [at a time](GenerateOptions::batch).
///
/// Of texts that are drawn, and of greedy ones, `on_token` hears of every token as soon as it is chosen; text j of
/// prompt i has the number i · texts + j, and random numbers of its own (`rng.fork("i.j")`): none depends on what is
/// written beside it, but for rounding where prompts differ in length.
///
/// ```
/// use rungs_decoding::{Beam, GenerateOptions, Length, Search, TopK, generate};
/// use rungs_layers::tensor::Rng;
/// use rungs_models::{Gpt, GptConfig};
/// use std::ops::ControlFlow;
/// use std::sync::Arc;
///
/// let model: Gpt = Gpt::new(&GptConfig { vocabulary: 10, context: 16, width: 8, heads: 2, layers: 1, bias: true, ..GptConfig::nanogpt() }, &mut Rng::new(0))?;
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
/// See [`GenerateError`]; but for [`NotFinite`](rungs_models::SampleError::NotFinite), before any token is written.
pub fn generate<E: Element>(
    model: &dyn LanguageModel<E>,
    prompts: &[impl AsRef<[u32]>],
    options: &GenerateOptions,
    rng: &Rng,
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    generate_each(model, prompts, options, &|i, j| rng.fork(&format!("{i}.{j}")), on_token)
}

/// [`generate()`] with a generator for each text: `rng_of(i, j)` for text j of prompt i.
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
    let prompts: Vec<&[u32]> = prompts.iter().map(AsRef::as_ref).collect();
    match options.search {
        Search::Greedy => Ok(sample_each(model, &prompts, &options.with_search(Choice::Greedy), rng_of, on_token)?),
        Search::Sample => Ok(sample_each(model, &prompts, &options.with_search(Choice::Sample), rng_of, on_token)?),
        Search::Beam(beam) => beam::of_prompts(model, &prompts, &options.with_search(beam)),
        Search::Contrastive(contrastive) => {
            contrastive::of_prompts(model, &prompts, &options.with_search(contrastive), on_token)
        }
    }
}

/// Writes texts from states that a model is in, each row of which reads one token first: translations, from the states
/// that [`LanguageModel::encode`](rungs_models::LanguageModel::start) makes of sources. To processors, the prompt is
/// empty. Row i draws from `rngs[i].fork("j")` for its text j.
///
/// # Errors
/// See [`GenerateError`].
///
/// # Panics
/// If a token is outside the vocabulary, or there is not one for each row, and a generator; or if the model has
/// positions, and not enough.
pub fn generate_from<E: Element>(
    model: &dyn LanguageModel<E>,
    state: State<E>,
    first: &[u32],
    options: &GenerateOptions,
    rngs: &[Rng],
    on_token: OnToken<'_>,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    match options.search {
        Search::Greedy => Ok(sample_from(model, state, first, &options.with_search(Choice::Greedy), rngs, on_token)?),
        Search::Sample => Ok(sample_from(model, state, first, &options.with_search(Choice::Sample), rngs, on_token)?),
        Search::Beam(beam) => beam::of_state(model, state, first, &options.with_search(beam)),
        Search::Contrastive(contrastive) => {
            contrastive::of_state(model, &state, first, &options.with_search(contrastive), on_token)
        }
    }
}
