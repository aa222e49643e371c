//! Writing targets, given sources.

use crate::decoding::{Bias, Ending, Finish, GenerateError, GenerateOptions, Generated, Length, Search, generate_from};
use crate::layers::Mode;
use crate::models::{LanguageModel, Source};
use crate::tensor::Rng;
use crate::text::tokenizer::sentence::{END, PADDING, START, UNKNOWN};
use crate::trainer::data::pad;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Sources that are translated at a time: a matter of speed alone.
const TOGETHER: usize = 64;

/// Translates sources: for each as many targets as `options` say, the best first, without marks and never with an
/// unknown word.
///
/// What ends a target is known here, so `options` need no stop token; the fewest and the most tokens are counted
/// without it. A [beam](Search::Beam) is searched until so many texts have [ended](Ending::KeepsPlace). Sources of
/// similar length are searched together; the result does not depend on which. Where a model's positions end, so do its
/// texts.
///
/// # Errors
/// If the search cannot be, or a source is longer than the model's positions.
///
/// # Panics
/// If a source is empty, or a token of it is outside the vocabulary.
pub fn translate(
    model: &dyn LanguageModel<f32>,
    sources: &[Vec<u32>],
    options: &GenerateOptions,
    rng: &Rng,
) -> Result<Vec<Vec<Generated>>, GenerateError> {
    let model = model.frozen();
    sources.iter().try_for_each(|source| model.check_lengths(source.len(), 0))?;
    let options = with_end(options, model.context());
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| sources[i].len());
    let mut found = vec![Vec::new(); sources.len()];
    for together in order.chunks(TOGETHER) {
        let (ids, lengths) = pad(&together.iter().map(|&i| &sources[i]).collect::<Vec<_>>(), PADDING);
        let source = Source::new(ids, lengths);
        let state = model.encode(&source, &mut Mode::Eval);
        let rngs: Vec<Rng> = together.iter().map(|i| rng.fork(&i.to_string())).collect();
        let first = vec![START; together.len()];
        let mut go_on = |_, _| ControlFlow::Continue(());
        let texts = generate_from(model.as_ref(), state, &first, &options, &rngs, &mut go_on)?;
        for (&i, texts) in together.iter().zip(texts) {
            found[i] = texts.into_iter().map(without_end).collect();
        }
    }
    Ok(found)
}

/// The same options for a model that writes [`END`] behind a text.
fn with_end(options: &GenerateOptions, context: Option<usize>) -> GenerateOptions {
    let mut options = options.clone();
    if let Search::Beam(beam) = &mut options.search {
        beam.ending = Ending::KeepsPlace;
    }
    let (min, max) = (options.length.min(), options.length.max());
    // A text ends where positions do: its last token is not read.
    let max = context.map_or(max, |context| max.min(context));
    let mut never = vec![PADDING, START, UNKNOWN];
    if min < max {
        options.stop = vec![END];
        options.length = Length::new(min + 1, max).expect("it was less");
    } else {
        // There is no room for an end.
        never.push(END);
        options.length = Length::at_most(max);
    }
    options.processors.insert(0, Arc::new(Bias::ruling_out(never)));
    options
}

/// A target without the token that ends it; its log-probability and where the model looked keep the end's.
fn without_end(mut text: Generated) -> Generated {
    if text.finish == Finish::Stop {
        text.ids.pop();
    }
    text
}
