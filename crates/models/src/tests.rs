//! The laws of the models.

mod checkpointing;
mod dropped_places;
mod lora_adapters;
mod parameter_counts;
mod reading_in_pieces;
#[path = "../../../tests/fixtures/tiny_translators.rs"]
pub(crate) mod tiny_translators;
mod translators;

use crate::{Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel};
use rungs_layers::Mode;
use rungs_layers::tensor::{Array, Element, Ids, Rng, Tensor};

const VOCABULARY: usize = 7;
const CONTEXT: usize = 8;

fn recurrent_config() -> RecurrentConfig {
    RecurrentConfig { vocabulary: VOCABULARY, embedding: 5, hidden: 6, layers: 2, dropout: 0.0 }
}

fn gpt_config() -> GptConfig {
    GptConfig::gpt(VOCABULARY, CONTEXT, 6, 2, 2)
}

/// Every rung, tiny, with parameters drawn so large that all of them matter.
fn models<E: Element>() -> Vec<(&'static str, Box<dyn LanguageModel<E>>)> {
    let mut rng = Rng::new(7);
    let rnn = RnnLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let lstm = LstmLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let gru = GruLanguageModel::new(&recurrent_config(), &mut rng).unwrap();
    let gpt = Gpt::new(&gpt_config(), &mut rng).unwrap();
    let mut models: Vec<(_, Box<dyn LanguageModel<E>>)> =
        vec![("rnn", Box::new(rnn)), ("lstm", Box::new(lstm)), ("gru", Box::new(gru)), ("gpt", Box::new(gpt))];
    for (_, model) in &mut models {
        model.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.7, &mut rng)));
    }
    models
}

fn row(ids: &[u32]) -> Ids {
    Ids::new(ids.to_vec(), [1, ids.len()])
}

/// The logits of a text read at once: one row (V) per token.
fn logits(model: &dyn LanguageModel<f64>, ids: &[u32]) -> Vec<Vec<f64>> {
    let logits = model.logits(&row(ids), &mut model.start(1), &mut Mode::Eval);
    logits.to_vec().chunks(model.vocabulary()).map(<[f64]>::to_vec).collect()
}
