//! What each token of a text costs a language model: the losses of which [`evaluate`](crate::evaluate) gives the sum.
//!
//! A model without memory begins anew in every window, so how much of the past a token has depends on where windows
//! begin. In consecutive windows of T tokens the first of each has a single one. With a *stride* below T windows
//! overlap, each token is predicted once, and has at least T − stride + 1 tokens before it ([`SlidingWindows`]). That
//! is nearer to what the model can do, and to how it writes; it costs about T / stride times as much. Losses in sliding
//! and in consecutive windows cannot be compared.

use super::language::{LOGITS, WINDOWS};
use crate::Error;
use crate::layers::Mode;
use crate::models::{LanguageModel, State};
use crate::tensor::{Element, Ids, Tensor};
use crate::trainer::data::Tokens;
use crate::trainer::{ConsecutiveWindows, Evaluation, SlidingBatch, SlidingWindows};

/// How many logits there may be at a time: an eighth of those in training's validation, since each is here twice.
const AT_ONCE: usize = LOGITS / 8;

/// −ln p of every token of a text after the first, given those before it in windows of `context` that begin `stride`
/// tokens after one another; `context` if there is none.
///
/// A recurrent model carries its state through the whole text. It has no use for a stride.
///
/// # Errors
/// If the text has fewer than two tokens; if the stride is 0 or longer than the context, or the model is recurrent.
///
/// # Panics
/// If a token is outside the model's vocabulary, or `context` is longer than the model's.
pub fn token_losses<E: Element>(
    model: &dyn LanguageModel<E>,
    tokens: impl Into<Tokens>,
    context: usize,
    stride: Option<usize>,
) -> Result<Vec<E>, Error> {
    let (model, tokens) = (model.frozen(), tokens.into());
    let mut losses = Vec::with_capacity(tokens.len());
    if model.context().is_some() {
        let most = (WINDOWS * context).min(LOGITS / model.vocabulary());
        for batch in SlidingWindows::new(tokens, context, stride.unwrap_or(context))?.batches_within(most) {
            let SlidingBatch { inputs, targets } = batch?;
            let mut state = model.start(inputs.dims::<2>()[0]);
            read(model.as_ref(), &inputs, &targets, &mut state, &mut losses);
        }
    } else if stride.is_some() {
        return Err(Error::setting("stride", CARRIES_ITS_STATE));
    } else {
        let mut state = model.start(1);
        for batch in ConsecutiveWindows::new(tokens, 1, context)?.batches() {
            let batch = batch?;
            read(model.as_ref(), &batch.inputs, &batch.targets, &mut state, &mut losses);
        }
    }
    Ok(losses)
}

/// Why a recurrent model has no stride.
const CARRIES_ITS_STATE: &str =
    "a recurrent rung carries its state through the whole text: every token is predicted from all before it already";

/// The sum over the text, in double precision.
pub fn evaluation<E: Element>(losses: &[E]) -> Evaluation {
    Evaluation { nats: losses.iter().map(|loss| loss.to_f64()).sum(), tokens: losses.len() }
}

/// Reads windows, and adds what the last tokens of each cost: inputs (B, T), targets (B, C).
///
/// What is not counted is not scored, and what is, only so much at a time: of a large vocabulary the logits of a window
/// are more than all else.
fn read<E: Element>(
    model: &dyn LanguageModel<E>,
    inputs: &Ids,
    targets: &Ids,
    state: &mut State<E>,
    losses: &mut Vec<E>,
) {
    let features = model.features(inputs, state, &mut Mode::Eval); // (B, T, D)
    let ([b, t, d], [_, c]) = (features.dims(), targets.dims());
    let features = features.slice(1, t - c..t).reshape([b * c, d]); // (B·C, D)
    let rows = (AT_ONCE / model.vocabulary()).max(1);
    for (i, targets) in targets.as_slice().chunks(rows).enumerate() {
        let some = i * rows..i * rows + targets.len();
        let log_p = model.scores(&features.slice(0, some)).log_softmax(); // (rows, V)
        let of_targets: Tensor<E> = log_p.gather(1, &Ids::new(targets, [targets.len(), 1])); // (rows, 1)
        losses.extend((-&of_targets).to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoding::log_probability;
    use crate::evaluate;
    use crate::models::{Gpt, GptConfig, LstmLanguageModel, RecurrentConfig};
    use crate::tensor::Rng;
    use std::sync::Arc;

    const CONTEXT: usize = 6;

    fn gpt() -> Gpt<f64> {
        Gpt::new(
            &GptConfig {
                dropout: 0.2,
                vocabulary: 7,
                context: CONTEXT,
                width: 8,
                heads: 2,
                layers: 2,
                bias: true,
                ..GptConfig::nanogpt()
            },
            &mut Rng::new(1),
        )
        .unwrap()
    }

    fn lstm() -> LstmLanguageModel<f64> {
        let config = RecurrentConfig { vocabulary: 7, embedding: 3, hidden: 5, layers: 2, dropout: 0.2 };
        LstmLanguageModel::new(&config, &mut Rng::new(1)).unwrap()
    }

    fn tokens(n: usize) -> Arc<[u32]> {
        let mut rng = Rng::new(2);
        (0..n).map(|_| rng.below(7) as u32).collect()
    }

    /// Written out: what the token at `target` costs behind the tokens from `start` on.
    fn after(model: &dyn LanguageModel<f64>, text: &[u32], start: usize, target: usize) -> f64 {
        let past = Ids::new(&text[start..target], [1, target - start]);
        -log_probability(&model.step(&past, &mut model.start(1)).to_vec(), text[target])
    }

    fn assert_all_close(losses: &[f64], expected: &[f64]) {
        assert_eq!(losses.len(), expected.len());
        for (i, (loss, expected)) in losses.iter().zip(expected).enumerate() {
            assert!((loss - expected).abs() < 1e-10, "token {}: {loss} is not {expected}", i + 1);
        }
    }

    #[test]
    fn a_stride_of_one_gives_every_token_the_longest_past_there_is() {
        let model = gpt().frozen();
        for length in [2, 5, 6, 7, 8, 40] {
            let text = tokens(length);
            let losses = token_losses(model.as_ref(), text.clone(), CONTEXT, Some(1)).unwrap();
            let longest = |target: usize| after(model.as_ref(), &text, target.saturating_sub(CONTEXT), target);
            assert_all_close(&losses, &(1..length).map(longest).collect::<Vec<_>>());
        }
    }

    #[test]
    fn any_stride_gives_what_its_windows_hold() {
        let (model, text) = (gpt().frozen(), tokens(41));
        for stride in 1..=CONTEXT {
            let losses = token_losses(model.as_ref(), text.clone(), CONTEXT, Some(stride)).unwrap();
            // The first window that reaches the target begins at a multiple of the stride.
            let start = |target: usize| target.saturating_sub(CONTEXT).div_ceil(stride) * stride;
            let expected: Vec<f64> =
                (1..41).map(|target| after(model.as_ref(), &text, start(target), target)).collect();
            assert_all_close(&losses, &expected);
        }
    }

    #[test]
    fn without_a_stride_the_sum_is_what_evaluate_says() {
        let models: [Box<dyn LanguageModel<f64>>; 2] = [Box::new(gpt()), Box::new(lstm())];
        for model in models {
            for length in [2, 6, 7, 13, 200] {
                let text = tokens(length);
                let losses = token_losses(model.as_ref(), text.clone(), CONTEXT, None).unwrap();
                let sum = evaluation(&losses);
                let whole = evaluate(model.as_ref(), text, CONTEXT).unwrap();
                assert_eq!(sum.tokens, whole.tokens);
                assert!((sum.nats - whole.nats).abs() < 1e-9, "{} is not {}", sum.nats, whole.nats);
            }
        }
        let model = gpt().frozen();
        let losses = |stride| token_losses(model.as_ref(), tokens(200), CONTEXT, stride).unwrap();
        assert_eq!(losses(None), losses(Some(CONTEXT)), "to the last bit");
    }

    #[test]
    fn a_stride_that_cannot_be() {
        let says = |model: &dyn LanguageModel<f64>, stride| {
            token_losses(model, tokens(20), CONTEXT, Some(stride)).unwrap_err().to_string()
        };
        assert_eq!(says(&gpt(), 0), "stride: must be 1 or more");
        assert!(says(&gpt(), 7).starts_with("stride: 7 is more than the context of 6"), "{}", says(&gpt(), 7));
        assert!(says(&lstm(), 2).starts_with("stride: a recurrent rung"), "{}", says(&lstm(), 2));
    }
}
