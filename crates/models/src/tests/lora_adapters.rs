//! The laws of low-rank adaptation, on whole models: what begins as nothing, what is frozen, and what is merged.

use rungs_layers::linear::for_each_linear;
use rungs_layers::lora::{adapt, is_adapter, merge};
use rungs_layers::tensor::safetensors::Named;
use rungs_layers::tensor::{Array, CrossEntropy, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{Dropout, LowRankConfig, Mode, Module};
use rungs_models::{Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig, Transformer, TransformerConfig};

const VOCABULARY: usize = 11;
const CONTEXT: usize = 9;

fn configs() -> [GptConfig; 3] {
    let gpt = GptConfig {
        vocabulary: VOCABULARY,
        context: CONTEXT,
        width: 16,
        heads: 4,
        layers: 2,
        bias: true,
        ..GptConfig::nanogpt()
    };
    let llama = GptConfig {
        key_heads: Some(2),
        vocabulary: VOCABULARY,
        context: CONTEXT,
        width: 16,
        heads: 4,
        layers: 2,
        ..GptConfig::llama()
    };
    [GptConfig { gradient_checkpointing: true, dropout: 0.1, ..gpt.clone() }, gpt, llama]
}

fn of_rank(rank: usize, dropout: f64) -> LowRankConfig {
    LowRankConfig { rank, alpha: 5.0, dropout: Dropout::new(dropout) }
}

fn everywhere(model: &mut impl Module<f64>, rng: &mut Rng) -> Vec<String> {
    adapt(model, &of_rank(3, 0.0), &mut |_| true, rng)
}

/// Adapters as training leaves them: B is no longer zero.
fn adapted<E: Element>(config: &GptConfig, dropout: f64, rng: &mut Rng) -> Gpt<E> {
    let mut model = Gpt::<E>::new(config, rng).unwrap();
    let names = adapt(&mut model, &of_rank(3, dropout), &mut |_| true, rng);
    assert_eq!(names.len(), 2 * if config.gated { 5 } else { 4 });
    model.for_each_mut(&mut |name, parameter| {
        if name.ends_with("adapter.b") {
            *parameter = Tensor::variable(Array::normal(parameter.shape(), 0.0, 0.3, rng));
        }
    });
    model
}

fn text(rng: &mut Rng) -> Ids {
    Ids::new((0..2 * CONTEXT).map(|_| rng.below(VOCABULARY) as u32).collect::<Vec<_>>(), [2, CONTEXT])
}

fn logits<E: Element>(model: &Gpt<E>, ids: &Ids, mode: &mut Mode<'_>) -> Tensor<E> {
    model.logits(ids, &mut model.start(2), mode)
}

fn bits<E: Element>(x: &Tensor<E>) -> Vec<u64> {
    x.to_vec().into_iter().map(|x| x.to_f64().to_bits()).collect()
}

fn near(found: &Tensor<f64>, expected: &Tensor<f64>, tolerance: f64) {
    assert_eq!(found.shape(), expected.shape());
    for (found, expected) in found.to_vec().iter().zip(expected.to_vec()) {
        assert!((found - expected).abs() <= tolerance * (1.0 + expected.abs()), "{found} is not {expected}");
    }
}

#[test]
fn an_adapter_that_has_learnt_nothing_changes_no_bit() {
    fn check<E: Element>() {
        for config in configs() {
            let rng = &mut Rng::new(1);
            let model = Gpt::<E>::new(&config, rng).unwrap();
            let mut fresh = model.clone();
            adapt(&mut fresh, &of_rank(4, 0.3), &mut |_| true, rng);
            let ids = text(rng);
            assert_eq!(bits(&logits(&fresh, &ids, &mut Mode::Eval)), bits(&logits(&model, &ids, &mut Mode::Eval)));
            // In training too, where the adapter drops what it reads: nothing times zero.
            let config = GptConfig { dropout: 0.0, ..config };
            let model = Gpt::<E>::new(&config, rng).unwrap();
            let mut fresh = model.clone();
            adapt(&mut fresh, &of_rank(4, 0.3), &mut |_| true, rng);
            let [found, expected] = [&fresh, &model].map(|m| logits(m, &ids, &mut Mode::Train(&mut Rng::new(7))));
            assert_eq!(bits(&found), bits(&expected));
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn what_is_read_in_pieces_through_the_cache_is_what_is_read_at_once() {
    for config in configs() {
        let rng = &mut Rng::new(2);
        let model = adapted::<f32>(&config, 0.2, rng).detached();
        let ids = text(rng);
        let whole = logits(&model, &ids, &mut Mode::Eval);
        let mut state = model.start(2);
        let pieces: Vec<Tensor> = (0..CONTEXT)
            .map(|t| {
                let at = [ids.as_slice()[t], ids.as_slice()[CONTEXT + t]];
                model.logits(&Ids::new(at, [2, 1]), &mut state, &mut Mode::Eval)
            })
            .collect();
        assert_eq!(bits(&Tensor::concat(&pieces, 1)), bits(&whole), "{config:?}");
    }
}

#[test]
fn merged_is_beside_and_unmerged_is_as_before() {
    for config in configs() {
        let rng = &mut Rng::new(3);
        let model = adapted::<f64>(&config, 0.2, rng);
        let ids = text(rng);
        let beside = logits(&model, &ids, &mut Mode::Eval);
        let (mut merged, mut taken) = (model.clone(), Vec::new());
        for_each_linear(&mut merged, &mut |name, layer| {
            taken.push((name.to_owned(), layer.merge().expect("every layer has one")));
        });
        assert_eq!(merged.parameter_count() as u64, config.parameter_count().unwrap(), "nothing of them is left");
        near(&logits(&merged, &ids, &mut Mode::Eval), &beside, 1e-12);
        let bare = Gpt::<f64>::new(&config, &mut Rng::new(3)).unwrap();
        let moved = (&logits(&bare, &ids, &mut Mode::Eval) - &beside).square().sum().item();
        assert!(moved > 1e-3, "the adapters do something: {moved}");

        let mut taken = taken.into_iter();
        for_each_linear(&mut merged, &mut |name, layer| {
            let (of, adapter) = taken.next().expect("as many as there were");
            assert_eq!(of, name);
            layer.unmerge(adapter);
        });
        for ((name, found), (expected_name, expected)) in merged.named().into_iter().zip(model.named()) {
            assert_eq!(name, expected_name);
            near(&found, &expected, 1e-14);
        }
        assert_eq!(merge(&mut merged), taken_count(&config));
        assert_eq!(merge(&mut merged), 0, "there is nothing left to merge");
    }
}

fn taken_count(config: &GptConfig) -> usize {
    config.layers * if config.gated { 5 } else { 4 }
}

/// dA = (α/R) dW Bᵀ and dB = (α/R) Aᵀ dW, with dW the gradient that the whole matrix would have where the adapter has
/// been merged.
#[test]
fn the_gradient_is_the_chain_rule_on_the_whole_matrix() {
    for config in configs() {
        let config = GptConfig { dropout: 0.0, ..config };
        let rng = &mut Rng::new(4);
        let model = adapted::<f64>(&config, 0.0, rng);
        let ids = text(rng);
        let loss = |model: &Gpt<f64>| {
            logits(model, &ids, &mut Mode::Train(&mut Rng::new(5))).cross_entropy(&ids, CrossEntropy::default())
        };
        let gradients = loss(&model).backward();
        let mut whole = model.clone();
        merge(&mut whole);
        whole.for_each_mut(&mut |_, parameter| *parameter = parameter.as_variable());
        let of_whole = loss(&whole).backward();
        let (mut merged, mut matrices) = (whole, Vec::new());
        for_each_linear(&mut merged, &mut |_, layer| matrices.push(layer.weight.clone()));
        let mut matrices = matrices.iter();
        for_each_linear(&mut model.clone(), &mut |_, layer| {
            let dw = of_whole.wrt(matrices.next().expect("one for each")).unwrap();
            let adapter = layer.adapter.as_ref().expect("every layer has one");
            let scale = 5.0 / 3.0;
            near(gradients.wrt(&adapter.a).unwrap(), &(dw.matmul(&adapter.b.t()) * scale), 1e-10);
            near(gradients.wrt(&adapter.b).unwrap(), &(adapter.a.t().matmul(dw) * scale), 1e-10);
        });
        assert!(matrices.next().is_none());
    }
}

#[test]
fn nothing_but_adapters_has_a_gradient_and_what_stands_before_the_first_records_nothing() {
    let rng = &mut Rng::new(6);
    let mut model = Gpt::<f64>::new(
        &GptConfig { vocabulary: VOCABULARY, context: CONTEXT, width: 16, heads: 4, layers: 2, ..GptConfig::llama() },
        rng,
    )
    .unwrap();
    let names = adapt(&mut model, &of_rank(2, 0.0), &mut |name| name.ends_with("attention.qkv"), rng);
    assert_eq!(names, ["blocks.0.attention.qkv", "blocks.1.attention.qkv"]);
    let ids = text(rng);
    let gradients = logits(&model, &ids, &mut Mode::Eval).cross_entropy(&ids, CrossEntropy::default()).backward();
    model.for_each(&mut |name, parameter| {
        assert_eq!(parameter.is_tracked(), is_adapter(name), "{name}");
        assert_eq!(gradients.wrt(parameter).is_ok(), is_adapter(name), "{name}");
    });
    assert!(!model.token_embedding.forward(&ids).is_tracked());
    // A second derivative goes through it as through everything.
    let [a, b] = {
        let adapter = model.blocks[1].attention.qkv.adapter.as_ref().unwrap();
        [adapter.a.clone(), adapter.b.clone()]
    };
    let loss = logits(&model, &ids, &mut Mode::Eval).cross_entropy(&ids, CrossEntropy::default());
    let [db] = grad(&loss, [&b], Graph::Keep);
    let [dadb] = grad(&db.square().sum(), [&a], Graph::Drop);
    assert!(dadb.to_vec().iter().any(|x| x.abs() > 1e-9));
}

/// Names come from the fields, so every model with linear layers can be adapted, and none is by accident.
#[test]
fn every_model_shows_its_linear_layers() {
    let rng = &mut Rng::new(10);
    let config = RecurrentConfig { vocabulary: 7, embedding: 4, hidden: 6, layers: 1, dropout: 0.0 };
    let mut lstm = LstmLanguageModel::<f64>::new(&config, rng).unwrap();
    let whole = lstm.named();
    assert_eq!(everywhere(&mut lstm, rng), ["head"]);
    assert_eq!(lstm.named().len(), whole.len() + 2);
    let mut boxed: Box<dyn LanguageModel<f64>> = Box::new(
        Gpt::new(
            &GptConfig {
                vocabulary: VOCABULARY,
                context: CONTEXT,
                width: 8,
                heads: 2,
                layers: 1,
                bias: true,
                ..GptConfig::nanogpt()
            },
            rng,
        )
        .unwrap(),
    );
    let names = everywhere(&mut boxed, rng);
    let expected = ["attention.qkv", "attention.projection", "feed_forward.up", "feed_forward.down"];
    assert_eq!(names, expected.map(|name| format!("blocks.0.{name}")));
    let before: Named<f64> = boxed.named().into_iter().map(|(name, x)| (name, x.array().clone())).collect();
    assert_eq!(adapt(&mut boxed, &of_rank(1, 0.0), &mut |_| false, rng), Vec::<String>::new());
    boxed.load(&before).expect("nothing was changed");
    let mut transformer = Transformer::<f64>::new(
        &TransformerConfig {
            source_vocabulary: 5,
            vocabulary: 6,
            width: 8,
            heads: 2,
            layers: 1,
            ..TransformerConfig::vaswani()
        },
        rng,
    )
    .unwrap();
    let names = everywhere(&mut transformer, rng);
    assert_eq!(names.len(), 4 + 7, "{names:?}");
}
