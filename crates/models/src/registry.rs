//! The gradient check of every rung.
//!
//! [`entries`] lists them; `rungs check` and the test suite run the list, and the suite fails when a model is missing
//! from it. Each check compares the gradient of the logits, and the gradient of the gradient, with respect to every
//! parameter, in double precision, with dropout off (the layers' own checks have it on). The text is read in two
//! pieces, so that gradients pass through the state as well.

use crate::{
    Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig, RecurrentLanguageModel,
    RnnLanguageModel,
};
use rungs_layers::Mode;
use rungs_layers::tensor::check::{Accuracy, GradientMismatch, check_gradients};
use rungs_layers::tensor::registry::{Entry, Kind};
use rungs_layers::tensor::{Array, Ids, Rng, Tensor};

type Outcome = Result<Accuracy, GradientMismatch>;

/// The gradient check of every model of this crate.
pub fn entries() -> Vec<Entry> {
    let model = |covers, run| Entry { covers, kind: Kind::Model, run };
    vec![model("RecurrentLanguageModel", recurrent), model("Gpt", gpt)]
}

/// V and B. The sizes of a model differ where they can, so that its axes cannot be confused.
const VOCABULARY: usize = 5;
const BATCH: usize = 2;

/// What a parameter of 1 in the check is in the model.
///
/// The check moves each parameter by about a thousandth and compares with a difference, whose own error falls with the
/// fourth power of that step. A norm over a few numbers that happen to be nearly equal bends so sharply that a
/// thousandth is too coarse; measured in tenths, the parameters move a tenth as far, and the error is 10⁴ times smaller.
const UNIT: f64 = 0.1;

/// Checks the logits of a short text with respect to every parameter of `model`.
///
/// Parameters are drawn anew for it: at their usual first values, zero biases and gains of one among them, a wrong
/// gradient could pass.
fn check<M: LanguageModel<f64> + Clone>(name: &str, model: &M, rng: &mut Rng) -> Outcome {
    let mut parameters = Vec::new();
    model.for_each(&mut |_, parameter| parameters.push(Array::normal(parameter.shape(), 0.0, 0.5 / UNIT, rng)));
    let pieces = [3, 1].map(|time| {
        let ids: Vec<u32> = (0..BATCH * time).map(|_| rng.below(VOCABULARY) as u32).collect();
        Ids::new(ids, [BATCH, time])
    });
    let logits = |parameters: &[Tensor<f64>]| {
        let mut parameters = parameters.iter();
        let mut model = model.clone();
        model.for_each_mut(&mut |_, parameter| {
            *parameter = parameters.next().expect("one operand per parameter") * UNIT;
        });
        let mut state = model.start(BATCH);
        Tensor::concat(&pieces.each_ref().map(|ids| model.logits(ids, &mut state, &mut Mode::Eval)), 1)
    };
    check_gradients(name, logits, &parameters, rng)
}

fn recurrent(rng: &mut Rng) -> Outcome {
    let config = RecurrentConfig { vocabulary: VOCABULARY, embedding: 3, hidden: 4, layers: 2, dropout: 0.0 };
    let rnn: RnnLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let lstm: LstmLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let gru: GruLanguageModel<f64> = RecurrentLanguageModel::new(&config, rng).expect("possible sizes");
    let accuracy = check("RnnLanguageModel", &rnn, rng)?.worse(check("LstmLanguageModel", &lstm, rng)?);
    Ok(accuracy.worse(check("GruLanguageModel", &gru, rng)?))
}

fn gpt(rng: &mut Rng) -> Outcome {
    let config =
        GptConfig { vocabulary: VOCABULARY, context: 6, width: 4, heads: 2, layers: 2, dropout: 0.0, bias: true };
    check("Gpt", &Gpt::new(&config, rng).expect("possible sizes"), rng)
}
