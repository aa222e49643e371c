//! Names of parameters, freezing, loading.

use crate::tests::{NO_DROPOUT, block, normal};
use crate::{Bias, Block, BlockConfig, Dropout, Init, Linear, Lstm, Mode, Module, Norm, NormKind};
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, Element, Rng};

fn names<E: Element>(module: &impl Module<E>) -> Vec<String> {
    module.named().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn names_are_paths_of_fields_in_the_order_of_declaration() {
    let rng = &mut Rng::new(2);
    assert_eq!(
        names::<f32>(&vec![block(4, 2, rng)]),
        [
            "0.norm_1.gain",
            "0.norm_1.bias",
            "0.attention.qkv.weight",
            "0.attention.qkv.bias",
            "0.attention.projection.weight",
            "0.attention.projection.bias",
            "0.norm_2.gain",
            "0.norm_2.bias",
            "0.feed_forward.up.weight",
            "0.feed_forward.up.bias",
            "0.feed_forward.down.weight",
            "0.feed_forward.down.bias",
        ]
    );
    let lstm: Lstm<f32> = Lstm::new(2, 3, 2, Dropout::new(0.5), rng);
    let expected = ["layers.0.w_x", "layers.0.w_h", "layers.0.bias", "layers.1.w_x", "layers.1.w_h", "layers.1.bias"];
    assert_eq!(names(&lstm), expected);
    assert_eq!(names::<f32>(&Some(Box::new(Norm::<f32>::new(NormKind::Layer(1e-5), 3, Bias::No)))), ["gain"]);

    // The same, in the same order, to be changed; and through an object.
    let mut object: Box<dyn Module<f32>> = Box::new(lstm);
    let mut seen = Vec::new();
    object.for_each_mut(&mut |name, _| seen.push(name.to_owned()));
    assert_eq!(seen, expected);
    assert_eq!(names(&object), expected);
}

#[test]
fn a_detached_module_shares_its_values_and_records_nothing() {
    let rng = &mut Rng::new(3);
    let trained: Block<f32> = block(4, 2, rng);
    let frozen = trained.detached();
    frozen.for_each(&mut |name, p| assert!(!p.is_tracked(), "{name}"));
    trained.for_each(&mut |name, p| assert!(p.is_tracked(), "{name}"));
    let x = normal([1, 3, 4], rng);
    let [a, b] = [&trained, &frozen].map(|block| block.forward(&x, None, None, &mut Mode::Eval));
    assert_eq!(a.to_vec(), b.to_vec());
    assert!(a.is_tracked() && !b.is_tracked());
}

fn saved(module: &impl Module<f32>) -> Named<f32> {
    module.named().into_iter().map(|(name, tensor)| (name, tensor.array().clone())).collect()
}

#[test]
fn loading_takes_every_value_and_keeps_frozen_parameters_frozen() {
    let rng = &mut Rng::new(4);
    let source: Block<f32> = block(4, 2, rng);
    let mut target = Block::new(&BlockConfig { feed_forward: 9, ..BlockConfig::gpt(4, 2, 2) }, rng);
    target.norm_1 = target.norm_1.detached();
    target.load(&saved(&source)).unwrap();
    for ((name, a), (_, b)) in source.named().into_iter().zip(target.named()) {
        assert_eq!(a.to_vec(), b.to_vec(), "{name}");
        assert_eq!(b.is_variable(), !name.starts_with("norm_1."), "{name}");
    }
}

#[test]
fn load_errors_name_the_tensors_and_change_nothing() {
    let rng = &mut Rng::new(5);
    let mut module: Linear<f32> = Linear::new(2, 3, Bias::Yes, Init::Normal(1.0), rng);
    let before: Vec<_> = module.named().iter().map(|(_, p)| p.to_vec()).collect();
    let good: Named<f32> = saved(&Linear::new(2, 3, Bias::Yes, Init::Normal(1.0), rng));

    let mut missing = good.clone();
    missing.remove("bias");
    let mut unexpected = good.clone();
    unexpected.insert("head.bias".into(), Array::zeros(3));
    let mut misshapen = good.clone();
    misshapen.insert("weight".into(), Array::zeros([3, 2]));
    let mut all = misshapen.clone();
    all.remove("bias");
    all.insert("extra".into(), Array::zeros(1));
    for (tensors, line) in [
        (missing, "tensors do not fit the model: missing: bias"),
        (unexpected, "tensors do not fit the model: unexpected: head.bias"),
        (misshapen, "tensors do not fit the model: wrong shape: weight is (3, 2) where (2, 3) is needed"),
        (
            all,
            "tensors do not fit the model: missing: bias; unexpected: extra; \
             wrong shape: weight is (3, 2) where (2, 3) is needed",
        ),
    ] {
        assert_eq!(module.load(&tensors).unwrap_err().to_string(), line);
        assert_eq!(module.named().iter().map(|(_, p)| p.to_vec()).collect::<Vec<_>>(), before);
    }

    let mut lstm: Lstm<f32> = Lstm::new(2, 3, 2, Dropout::new(NO_DROPOUT), rng);
    let error = lstm.load(&Named::new()).unwrap_err();
    assert_eq!(error.missing.len(), 6);
    let line = "tensors do not fit the model: missing: layers.0.w_x, layers.0.w_h, layers.0.bias and 3 more";
    assert_eq!(error.to_string(), line);
}
