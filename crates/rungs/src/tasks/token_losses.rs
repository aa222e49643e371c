//! What each token of a text costs a language model: the losses of which [`evaluate`](crate::evaluate) gives the sum.
//!
//! A model without memory begins anew in every window, so how much of the past a token has depends on where windows
//! begin. In consecutive windows of T tokens the first of each has a single one. With a *stride* below T windows
//! overlap, each token is predicted once, and has at least T − stride + 1 tokens before it ([`SlidingWindows`]). That
//! is nearer to what the model can do, and to how it writes; it costs about T / stride times as much. Losses in sliding
//! and in consecutive windows cannot be compared.

use super::measuring::{LOGITS, WINDOWS, read};
use crate::Error;
use crate::models::LanguageModel;
use crate::tensor::{Element, Ids, Tensor};
use crate::trainer::Evaluation;
use crate::trainer::data::{SlidingWindows, TokenIds};

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
    ids: impl Into<TokenIds>,
    context: usize,
    stride: Option<usize>,
) -> Result<Vec<E>, Error> {
    let (model, ids) = (model.frozen(), ids.into());
    let batch = match (model.context(), stride) {
        (Some(_), _) => WINDOWS,
        (None, None) => 1,
        (None, Some(_)) => return Err(Error::setting("stride", CARRIES_ITS_STATE)),
    };
    let mut losses = Vec::with_capacity(ids.len());
    let windows = SlidingWindows::new(ids, batch, context, stride.unwrap_or(context))?;
    // What is not counted is not scored, and what is, only so much at a time: of a large vocabulary the logits of a
    // window are more than all else.
    let rows = (AT_ONCE / model.vocabulary()).max(1);
    read(model.as_ref(), windows.batches(LOGITS / model.vocabulary()), &mut |features, targets| {
        let features = features.reshape([targets.shape().size(), features.shape().last()]); // (L, D)
        for (i, targets) in targets.as_slice().chunks(rows).enumerate() {
            let some = i * rows..i * rows + targets.len();
            let log_p = model.scores(&features.slice(0, some)).log_softmax(); // (rows, V)
            let of_targets: Tensor<E> = log_p.gather(1, &Ids::new(targets, [targets.len(), 1])); // (rows, 1)
            losses.extend((-&of_targets).to_vec());
        }
    })?;
    Ok(losses)
}

/// Why a recurrent model has no stride.
const CARRIES_ITS_STATE: &str =
    "a recurrent rung carries its state through the whole text: every token is predicted from all before it already";

/// The sum over the text, in double precision.
pub fn evaluation<E: Element>(losses: &[E]) -> Evaluation {
    Evaluation { nats: losses.iter().map(|loss| loss.to_f64()).sum(), tokens: losses.len() }
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
