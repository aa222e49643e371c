//! Contrastive search: likely tokens that bring something new.
//!
//! The likeliest text repeats itself. Where a model's vectors of a text grow alike, so do its words. So of the k
//! likeliest next tokens the one is chosen that is likely and whose vector is unlike all before it,
//!
//! x_t = argmax_v (1 − α) · p(v) − α · max_j cos(h_v, h_j),
//!
//! with h_j the [features](LanguageModel::features) of every earlier token, the prompt's among them, and h_v those of
//! the candidate when it is read. α = 0 is greedy. Nothing is drawn. A step reads k tokens in one batch.
//!
//! Su et al. (2022), *A Contrastive Framework for Neural Text Generation*,
//! [arXiv:2202.06417](https://arxiv.org/abs/2202.06417).

use crate::search::Contrastive;
use rungs_layers::Mode;
use rungs_layers::tensor::{Element, Growing, Ids, Tensor, argmax};
use rungs_models::LanguageModel;
use rungs_models::sampling::logits::{RULED_OUT, largest, log_sums, weights};
use rungs_models::sampling::rows::{looked, start};
use rungs_models::sampling::{Finish, Generated, OnNext, Prompt, SampleError, SampleOptions};

/// Continues one prompt, whose text has this number.
pub(crate) fn search<E: Element>(
    model: &dyn LanguageModel<E>,
    prompt: &Prompt<'_>,
    options: &SampleOptions<Contrastive>,
    number: usize,
    on_token: OnNext<'_, u32>,
) -> Result<Generated, SampleError> {
    let Contrastive { alpha, candidates: k } = options.search;
    let mut seen = Growing::new(1); // h_j / ‖h_j‖ of what was read, (1, T, D)
    let mut state = start(model, &[*prompt]);
    let t = prompt.ids.len();
    let features = model.features(&Ids::new(prompt.ids, [1, t]), &mut state, &mut Mode::Eval); // (1, T, D)
    seen.push(&unit_vectors(&features));
    let mut logits = model.scores(&features.slice(1, t - 1..t).squeeze(1)); // (1, V)
    let mut text = Generated::default();
    let finish = loop {
        options.begin_step();
        let log_sum = log_sums(&logits)[0];
        let own: Vec<f64> = logits.to_vec().into_iter().map(|z| z.to_f64() - log_sum).collect();
        let allowed = options.processed(&own, prompt.ids, &text.ids)?;
        let candidates = (0..).zip(&allowed).filter(|(_, z)| **z > RULED_OUT).map(|(id, &z)| (id, z));
        let candidates = largest(candidates, k);
        if candidates.is_empty() {
            break Finish::Complete;
        }
        let sum: f64 = weights(&allowed).iter().sum();
        let max = candidates[0].1;
        // One row for each candidate.
        let rows = vec![0; candidates.len()];
        let ids = Ids::new(candidates.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [rows.len(), 1]);
        let mut states = state.rows(&rows);
        let features = model.features(&ids, &mut states, &mut Mode::Eval); // (k, 1, D)
        let before = seen.tensor().expect("a prompt is not empty").squeeze(0); // (T, D)
        let cosines = unit_vectors(&features).squeeze(1).matmul(&before.t()); // (k, T)
        let alike = cosines.max_over([-1]).to_vec();
        let value =
            |(&(_, z), alike): (&(u32, f64), &E)| (1.0 - alpha) * ((z - max).exp() / sum) - alpha * alike.to_f64();
        let values: Vec<f64> = candidates.iter().zip(&alike).map(value).collect();
        let place = argmax(&values).unwrap_or(0);
        let (id, _) = candidates[place];
        let weights = looked(&states).map(|mut rows| rows.swap_remove(place));
        text.push(id, own[id as usize], weights);
        if on_token(number, &id).is_break() || options.stop.contains(&id) {
            break Finish::Stop;
        }
        if text.ids.len() == options.length.max {
            break Finish::Length;
        }
        let chosen = features.slice(0, place..place + 1); // (1, 1, D)
        seen.push(&unit_vectors(&chosen));
        state = states.rows(&[place]);
        logits = model.scores(&chosen.squeeze(1));
    };
    Ok(text.ended(finish))
}

/// h / ‖h‖.
fn unit_vectors<E: Element>(features: &Tensor<E>) -> Tensor<E> {
    features / &features.square().sum_over([-1]).sqrt()
}
