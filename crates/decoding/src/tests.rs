//! The laws of decoding: whatever model writes, and however it chooses.

mod batches;
#[path = "../../../tests/fixtures/distributions.rs"]
mod distributions;
mod generation;
mod processors;
mod search_laws;
#[path = "../../../tests/fixtures/tiny_translators.rs"]
mod tiny_translators;
mod translations;

use crate::*;
use distributions::{assert_drawn_from, processed, random, softmax};
use rungs_layers::tensor::{Array, Ids, Rng, Tensor};
use rungs_layers::{Mode, Module};
use rungs_models::{Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig};
use std::ops::ControlFlow;
use std::sync::Arc;

const VOCABULARY: usize = 7;
const CONTEXT: usize = 8;

/// Language models of every kind that matters here, tiny, with parameters drawn so large that all of them matter.
fn models(seed: u64) -> Vec<(&'static str, Box<dyn LanguageModel<f64>>)> {
    let rng = &mut Rng::new(seed);
    let config = RecurrentConfig { vocabulary: VOCABULARY, embedding: 5, hidden: 6, layers: 2, dropout: 0.0 };
    let llama = GptConfig {
        key_heads: Some(1),
        vocabulary: VOCABULARY,
        context: CONTEXT,
        width: 8,
        heads: 2,
        layers: 2,
        ..GptConfig::llama()
    };
    let mut models: Vec<(_, Box<dyn LanguageModel<f64>>)> = vec![
        ("lstm", Box::new(LstmLanguageModel::new(&config, rng).unwrap())),
        ("gru", Box::new(GruLanguageModel::new(&config, rng).unwrap())),
        (
            "gpt",
            Box::new(
                Gpt::new(
                    &GptConfig {
                        vocabulary: VOCABULARY,
                        context: CONTEXT,
                        width: 6,
                        heads: 2,
                        layers: 2,
                        bias: true,
                        ..GptConfig::nanogpt()
                    },
                    rng,
                )
                .unwrap(),
            ),
        ),
        ("llama", Box::new(Gpt::new(&llama, rng).unwrap())),
    ];
    for (_, model) in &mut models {
        model.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.7, rng)));
    }
    models
}

/// The logits of a text read at once: one row (V) per token.
fn logits(model: &dyn LanguageModel<f64>, ids: &[u32]) -> Vec<Vec<f64>> {
    let ids = Ids::new(ids.to_vec(), [1, ids.len()]);
    let logits = model.logits(&ids, &mut model.start(1), &mut Mode::Eval);
    logits.to_vec().chunks(model.vocabulary()).map(<[f64]>::to_vec).collect()
}

/// Equal but for the rounding of sums taken in different orders.
fn assert_close(what: &str, a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-10 * (1.0 + a.abs().max(b.abs())), "{what}: {a} and {b}");
    }
}

fn go_on() -> impl FnMut(usize, &u32) -> ControlFlow<()> {
    |_, _| ControlFlow::Continue(())
}

/// One text.
fn write(
    model: &dyn LanguageModel<f64>,
    prompt: &[u32],
    options: &GenerateOptions,
    seed: u64,
) -> Result<Generated, SampleError> {
    let mut texts = generate(model, &[prompt], options, &Rng::new(seed), &mut go_on())?;
    Ok(texts.remove(0).remove(0))
}

fn options(search: Search, max: usize) -> GenerateOptions {
    GenerateOptions { search, length: Length::at_most(max), ..GenerateOptions::default() }
}

/// ln p of a text after a prompt, in one forward pass.
fn log_p(model: &dyn LanguageModel<f64>, prompt: &[u32], ids: &[u32]) -> Vec<f64> {
    let rows = logits(model, &[prompt, ids].concat());
    ids.iter().zip(&rows[prompt.len() - 1..]).map(|(&id, row)| log_probability(row, id)).collect()
}

/// Every way to choose, with room for so many tokens.
fn searches() -> Vec<(Search, Processors)> {
    let contrastive = Contrastive { alpha: 0.6, candidates: 3 };
    let groups = Beam { groups: 2, diversity: 0.7, penalty: LengthPenalty::Gnmt(0.8), ..Beam::new(4) };
    vec![
        (Search::Greedy, vec![]),
        (Search::Sample, vec![]),
        (Search::Sample, random(0.7, Some(3), Some(0.9))),
        (Search::Beam(Beam::new(3)), vec![]),
        (Search::Beam(groups), vec![]),
        (Search::Contrastive(contrastive), vec![]),
    ]
}
