//! An answer's loss, of every rung that writes a text, is that of the answer alone, exactly.

use super::{begin, features, loss as loss_of_logits};
use crate::models::{
    Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel,
};
use crate::prelude::{CrossEntropy, Ids, Mode, Reduction, Rng, Tensor};
use crate::trainer::{Batch, Example, SortedExamples};
use proptest::prelude::*;

const V: usize = 11;
const CONTEXT: usize = 24;

fn models() -> Vec<Box<dyn LanguageModel<f64>>> {
    let rng = &mut Rng::new(1);
    let sizes = RecurrentConfig { vocabulary: V, embedding: 3, hidden: 5, layers: 2, dropout: 0.0 };
    let gpt = GptConfig {
        dropout: 0.0,
        vocabulary: V,
        context: CONTEXT,
        width: 8,
        heads: 2,
        layers: 2,
        bias: true,
        ..GptConfig::nanogpt()
    };
    vec![
        Box::new(RnnLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(LstmLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(GruLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(Gpt::new(&gpt, rng).unwrap()),
    ]
}

/// Parts that are read and learnt in turn: a question, an answer, a question, an answer.
fn example(parts: &[Vec<u32>]) -> Example {
    let mut example = Example::default();
    for (i, ids) in parts.iter().enumerate() {
        if i % 2 == 0 { example.read(ids) } else { example.learn(ids) }
    }
    example
}

fn some_ids(least: usize) -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0..V as u32, least..5)
}

/// Examples of one to four parts, each with something to learn.
fn examples() -> impl Strategy<Value = Vec<Example>> {
    let parts = (some_ids(1), some_ids(1), some_ids(0), some_ids(0)).prop_map(|(a, b, c, d)| example(&[a, b, c, d]));
    // In the order of a batch.
    proptest::collection::vec(parts, 1..5).prop_map(|mut examples| {
        examples.sort_by_key(|example| (example.steps(), example.tokens()));
        examples
    })
}

/// All of them in one batch.
fn batch(examples: &[Example]) -> Batch {
    let sorted = SortedExamples::new(examples.to_vec(), examples.len()).unwrap();
    sorted.batches(usize::MAX).next().unwrap()
}

/// The targets of every position of a batch, and whether each is to be learnt.
fn targets(examples: &[Example], batch: &Batch) -> (Vec<u32>, Vec<bool>) {
    let [b, t] = batch.inputs.dims();
    let (mut targets, mut learnt) = (vec![0; b * t], vec![false; b * t]);
    for (row, example) in examples.iter().enumerate() {
        for step in 0..example.steps() {
            targets[row * t + step] = example.ids()[step + 1];
            learnt[row * t + step] = example.learnt()[step + 1];
        }
    }
    (targets, learnt)
}

fn loss(model: &dyn LanguageModel<f64>, batch: &Batch) -> Tensor<f64> {
    let mut state = begin(model, batch, &mut Mode::Eval);
    let (features, targets) = features(model, batch, &mut state, &mut Mode::Eval);
    loss_of_logits(&model.scores(&features), &targets, 0.0)
}

/// The logits of every position, (B, T, V).
fn all_logits(model: &dyn LanguageModel<f64>, batch: &Batch) -> Tensor<f64> {
    let [b, _] = batch.inputs.dims();
    model.logits(&batch.inputs, &mut model.start(b), &mut Mode::Eval)
}

/// The gradient of a loss by every parameter.
fn gradients(model: &dyn LanguageModel<f64>, loss: &Tensor<f64>) -> Vec<(String, Vec<f64>)> {
    let mut named = Vec::new();
    let gradients = loss.clone().backward();
    crate::layers::Module::visit(model, &mut crate::layers::Path::default(), &mut |name: &str, parameter| {
        named.push((name.to_owned(), gradients.wrt(parameter).unwrap().to_vec()));
    });
    named
}

fn assert_near(a: &[(String, Vec<f64>)], b: &[(String, Vec<f64>)]) {
    for ((name, a), (_, b)) in a.iter().zip(b) {
        let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
        assert!(worst < 1e-11, "{name}: {worst}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_loss_is_that_of_the_answer_by_hand(examples in examples()) {
        for model in models() {
            let batch = batch(&examples);
            let (targets, learnt) = targets(&examples, &batch);
            prop_assert_eq!(batch.tokens(), learnt.iter().filter(|&&learnt| learnt).count());
            let log_p = all_logits(model.as_ref(), &batch).log_softmax().to_vec();
            let nats = |of: &dyn Fn(usize) -> bool| -> f64 {
                (0..targets.len()).filter(|&i| of(i)).map(|i| -log_p[i * V + targets[i] as usize]).sum()
            };
            let (answers, everything) = (nats(&|i| learnt[i]), nats(&|_| true));
            let found = loss(model.as_ref(), &batch).item();
            prop_assert!((found - answers).abs() < 1e-12 * (1.0 + answers), "{} is not {}", found, answers);
            let difference = everything - nats(&|i| !learnt[i]);
            prop_assert!((found - difference).abs() < 1e-11 * (1.0 + everything), "{} is not {}", found, difference);
        }
    }

    #[test]
    fn what_is_read_is_ignored_exactly(examples in examples(), other in 0..V as u32) {
        for model in models() {
            let batch = batch(&examples);
            let (targets, learnt) = targets(&examples, &batch);
            let of = loss(model.as_ref(), &batch);
            // With all logits, and whatever target where nothing is learnt, if only it is the one that is ignored.
            for ignored in [V as u32, u32::MAX] {
                let masked: Vec<u32> =
                    targets.iter().zip(&learnt).map(|(&id, &learnt)| if learnt { id } else { ignored }).collect();
                let options = CrossEntropy { ignore: Some(ignored), reduction: Reduction::Sum, smoothing: 0.0 };
                let logits = all_logits(model.as_ref(), &batch);
                let whole = logits.cross_entropy(&Ids::new(masked, batch.inputs.shape()), options);
                prop_assert_eq!(of.item(), whole.item());
                assert_near(&gradients(model.as_ref(), &of), &gradients(model.as_ref(), &whole));
            }
            // The gradient is that of everything less that of what is read.
            let options = CrossEntropy { reduction: Reduction::Sum, ..CrossEntropy::default() };
            let all = all_logits(model.as_ref(), &batch).reshape([targets.len(), V]);
            let all_of = |wanted: bool| {
                let places: Vec<usize> = (0..targets.len()).filter(|&i| wanted || !learnt[i]).collect();
                let ids = Ids::new(places.iter().map(|&i| i as u32).collect::<Vec<_>>(), places.len());
                let of = Ids::new(places.iter().map(|&i| targets[i]).collect::<Vec<_>>(), places.len());
                all.select(0, &ids).cross_entropy(&of, options)
            };
            let difference = all_of(true) - all_of(false);
            assert_near(&gradients(model.as_ref(), &of), &gradients(model.as_ref(), &difference));

            // What stands in the padding matters in no bit, neither of the loss nor of any gradient.
            let [_, t] = batch.inputs.dims();
            let filled = batch.inputs.as_slice().iter().enumerate().map(|(i, &id)| {
                let steps = examples[i / t].steps();
                if i % t < steps { id } else { (other + i as u32) % V as u32 }
            });
            let inputs = Ids::new(filled.collect::<Vec<_>>(), batch.inputs.shape());
            let filled = loss(model.as_ref(), &Batch { inputs, ..batch.clone() });
            prop_assert_eq!(filled.item().to_bits(), of.item().to_bits());
            prop_assert_eq!(gradients(model.as_ref(), &filled), gradients(model.as_ref(), &of));
        }
    }

    #[test]
    fn a_batch_is_its_examples_one_by_one(examples in examples()) {
        for model in models() {
            let together = loss(model.as_ref(), &batch(&examples));
            let alone: Vec<Tensor<f64>> =
                examples.iter().map(|example| loss(model.as_ref(), &batch(std::slice::from_ref(example)))).collect();
            let sum = alone.iter().skip(1).fold(alone[0].clone(), |sum, loss| sum + loss);
            prop_assert!((together.item() - sum.item()).abs() < 1e-11 * (1.0 + sum.item()));
            assert_near(&gradients(model.as_ref(), &together), &gradients(model.as_ref(), &sum));
        }
    }
}
