//! GPT-2 and Llama as `transformers` keeps them: what it computes with the tiny models of `tests/fixtures/huggingface`
//! is what ours does, and what we write is what we read.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::huggingface::{Family, HuggingFaceError, Pretrained, read, write};
use proptest::prelude::*;
use rungs_decoding::{Beam, GenerateOptions, Length, Search, generate};
use rungs_layers::{Activation, Mode, Module, NormKind, Rotary};
use rungs_models::{Gpt, GptConfig, LanguageModel, Positions};
use rungs_tensor::safetensors::{self, Named};
use rungs_tensor::{Array, CrossEntropy, Element, Ids, Rng, Tensor};
use serde::Deserialize;

/// The folders, with how far our numbers may be from theirs. Theirs of Llama are in double precision only in part: its
/// norms, softmax and angles are always single.
const FOLDERS: [(&str, Family, f64); 7] = [
    ("gpt2", Family::Gpt2, 1e-6),
    ("gpt2_base", Family::Gpt2, 1e-6),
    ("gpt2_untied_f16", Family::Gpt2, 1e-6),
    ("gpt2_ends", Family::Gpt2, 1e-6),
    ("llama", Family::Llama, 2e-5),
    ("llama_old_spelling", Family::Llama, 2e-5),
    ("llama_sharded_bf16", Family::Llama, 2e-5),
];

/// The ids that they wrote.
#[derive(Deserialize)]
struct Written {
    prompt: Vec<u32>,
    greedy: Vec<u32>,
    beam: Vec<u32>,
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/huggingface")
}

/// All tensors of a folder's files.
fn tensors<E: Element>(name: &str) -> Named<E> {
    let entries = fs::read_dir(fixtures().join(name)).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.flat_map(|path| safetensors::read::<E>(&fs::read(path).unwrap()).unwrap()).collect()
}

/// Our parameters from their tensors.
fn taken<E: Element>(pretrained: &Pretrained, theirs: &Named<E>) -> Result<Named<E>, HuggingFaceError> {
    let shapes: BTreeMap<String, Vec<usize>> =
        theirs.iter().map(|(name, array)| (name.clone(), array.shape().to_vec())).collect();
    read(pretrained, &shapes, &mut |name| Ok(theirs[name].clone()))
}

fn model<E: Element>(name: &str, family: Family) -> (Pretrained, Gpt<E>) {
    let config = fs::read_to_string(fixtures().join(name).join("config.json")).unwrap();
    let pretrained = Pretrained::from_json(family, &config, None).unwrap();
    let mut model = Gpt::new(&pretrained.config, &mut Rng::new(0)).unwrap();
    model.load(&taken(&pretrained, &tensors(name)).unwrap()).unwrap();
    (pretrained, model)
}

/// The largest difference, and the largest number.
fn difference<E: Element>(ours: &Array<E>, theirs: &Array<f64>) -> (f64, f64) {
    assert_eq!(ours.shape(), theirs.shape());
    let pairs = || ours.to_vec().into_iter().map(E::to_f64).zip(theirs.to_vec());
    (pairs().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max), pairs().map(|(_, b)| b.abs()).fold(0.0, f64::max))
}

/// Logits, loss and gradients of a folder: how far they are from theirs, logits absolutely, gradients relatively to the
/// largest of their tensor.
fn compare<E: Element>(name: &str, family: Family) -> (f64, f64) {
    let expected =
        safetensors::read::<f64>(&fs::read(fixtures().join(format!("{name}.safetensors"))).unwrap()).unwrap();
    let (pretrained, model) = model::<E>(name, family);
    let dims: [usize; 2] = expected["ids"].dims();
    let ids: Vec<u32> = expected["ids"].to_vec().iter().map(|&id| id as u32).collect();
    let [b, t] = dims;
    let logits = model.logits(&Ids::new(ids.clone(), dims), &mut model.start(b), &mut Mode::Eval);
    let (worst_logit, _) = difference(logits.array(), &expected["logits"]);
    // Every token after the first, of each row.
    let targets: Vec<u32> = ids.chunks(t).flat_map(|row| row[1..].to_vec()).collect();
    let loss = logits.slice(1, 0..t - 1).cross_entropy(&Ids::new(targets, [b, t - 1]), CrossEntropy::default());
    assert!((loss.item().to_f64() - expected["loss"].item()).abs() < 1e-5, "{name}: the loss");
    let gradients = loss.backward();
    let ours: Named<E> =
        model.named().into_iter().map(|(name, x)| (name, gradients.wrt(&x).unwrap().array().contiguous())).collect();
    // A gradient lies where its parameter does.
    let mut worst_gradient = 0.0_f64;
    let theirs = write(&pretrained, &ours);
    assert!(theirs.len() >= 20, "{name}: {} tensors", theirs.len());
    for (tensor, gradient) in &theirs {
        let (worst, scale) = difference(gradient, &expected[&format!("gradient.{tensor}")]);
        assert!(scale > 1e-3, "{name}: {tensor} hardly counts");
        worst_gradient = worst_gradient.max(worst / scale);
    }
    (worst_logit, worst_gradient)
}

#[test]
fn logits_and_gradients_are_theirs() {
    for (name, family, tolerance) in FOLDERS {
        if !fixtures().join(format!("{name}.safetensors")).exists() {
            assert!(["gpt2_base", "gpt2_ends"].contains(&name), "{name}: there are no values");
            continue;
        }
        let (logits, gradients) = compare::<f64>(name, family);
        assert!(logits < tolerance && gradients < tolerance, "{name}: {logits:e}, {gradients:e}");
        let (logits, gradients) = compare::<f32>(name, family);
        assert!(logits < 1e-4 && gradients < 1e-4, "{name} in single precision: {logits:e}, {gradients:e}");
    }
}

#[test]
fn a_folder_of_the_inner_model_is_the_same_model() {
    let [whole, inner] = ["gpt2", "gpt2_base"].map(|name| model::<f32>(name, Family::Gpt2).1.named());
    for ((name, a), (_, b)) in whole.iter().zip(&inner) {
        assert_eq!(a.to_vec(), b.to_vec(), "{name}");
    }
}

#[test]
fn greedy_and_beam_write_what_theirs_do() {
    for (name, family, _) in FOLDERS {
        let json = fs::read_to_string(fixtures().join(format!("{name}.json"))).unwrap();
        let Written { prompt, greedy, beam } = serde_json::from_str(&json).unwrap();
        let (pretrained, model) = model::<f32>(name, family);
        let (length, stop) = (Length::at_most(12), pretrained.end);
        let greedy_options = GenerateOptions { search: Search::Greedy, length, stop, ..GenerateOptions::default() };
        let write = |options: &GenerateOptions| {
            let go_on = &mut |_: usize, _: &u32| ControlFlow::Continue(());
            generate(&model, &[&prompt], options, &Rng::new(0), go_on).unwrap().remove(0)
        };
        assert_eq!(write(&greedy_options)[0].ids, greedy, "{name}");
        let options = GenerateOptions { search: Search::Beam(Beam::new(4)), texts: 4, ..greedy_options };
        let found = write(&options);
        assert_eq!(found[0].ids, beam, "{name}");
        assert!(found.len() == 4 && found.is_sorted_by(|a, b| a.score >= b.score), "{name}");
    }
}

/// Sizes of small models of either family.
fn configs() -> impl Strategy<Value = GptConfig> {
    let sizes = (1_usize..4, 1_usize..3, 1_usize..3, 1_usize..4, 2_usize..9, 1_usize..6, 1_usize..9);
    let activations =
        prop::sample::select(&[Activation::Relu, Activation::Gelu, Activation::GeluTanh, Activation::Silu]);
    let rest = (any::<bool>(), any::<bool>(), any::<bool>(), activations, 1e-8..1e-2_f64, 2.0..1e6_f64, 0.0..0.9_f64);
    (sizes, rest).prop_map(
        |((m, share, k, layers, v, context, h), (llama, tied, bias, activation, epsilon, base, drop))| {
            let (heads, width) = (m * share, m * share * 2 * k);
            let gpt = GptConfig {
                feed_forward: Some(h),
                activation,
                tied,
                dropout: drop,
                norm: NormKind::Layer(epsilon),
                vocabulary: v,
                context,
                width,
                heads,
                layers,
                bias: true,
                ..GptConfig::nanogpt()
            };
            match llama {
                false => gpt,
                true => GptConfig {
                    key_heads: Some(m),
                    gated: true,
                    norm: NormKind::Rms(epsilon),
                    positions: Positions::Rotary(Rotary { theta: base }),
                    bias,
                    ..gpt
                },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// What is written is read back: every field, and every bit of every tensor.
    #[test]
    fn export_and_import_are_inverse(
        config in configs(),
        seed in any::<u64>(),
        end in prop::collection::vec(0_u32..2, 0..3),
    ) {
        let model: Gpt = Gpt::new(&config, &mut Rng::new(seed)).unwrap();
        let rng = &mut Rng::new(seed ^ 1);
        let random = |x: &Tensor, rng: &mut Rng| Array::normal(x.shape(), 0.0, 1.0, rng);
        let ours: Named<f32> = model.named().into_iter().map(|(name, x)| (name, random(&x, rng))).collect();
        let pretrained = Pretrained::of(&config, Some(0), end).unwrap();
        let again = Pretrained::from_json(pretrained.family, &pretrained.to_json(), None).unwrap();
        prop_assert_eq!(&again, &pretrained);
        let theirs = write(&pretrained, &ours);
        prop_assert_eq!(taken(&again, &theirs).unwrap(), ours);
        // Without the prefix too, and with masks and angles as older files have them.
        let mut bare: Named<f32> = theirs
            .into_iter()
            .map(|(name, x)| (name.trim_start_matches(pretrained.family.prefix()).to_owned(), x))
            .collect();
        let constant = match pretrained.family {
            Family::Gpt2 => "h.0.attn.bias",
            Family::Llama => "layers.0.self_attn.rotary_emb.inv_freq",
        };
        bare.insert(constant.to_owned(), Array::zeros([1, 1, 3, 3]));
        prop_assert!(taken(&again, &bare).is_ok());
    }
}

#[test]
fn a_model_without_biases_is_one_with_biases_of_zero() {
    let config =
        GptConfig { bias: false, vocabulary: 7, context: 6, width: 8, heads: 2, layers: 2, ..GptConfig::nanogpt() };
    let model: Gpt<f64> = Gpt::new(&config, &mut Rng::new(1)).unwrap();
    let ours = model.named().into_iter().map(|(name, x)| (name, x.array().clone())).collect();
    let pretrained = Pretrained::of(&config, None, vec![]).unwrap();
    let again = Pretrained::from_json(Family::Gpt2, &pretrained.to_json(), None).unwrap();
    assert!(again.config.bias);
    let mut copy: Gpt<f64> = Gpt::new(&again.config, &mut Rng::new(2)).unwrap();
    copy.load(&taken(&again, &write(&pretrained, &ours)).unwrap()).unwrap();
    let ids = Ids::new([1, 6, 3, 0], [1, 4]);
    let logits = |model: &Gpt<f64>| model.logits(&ids, &mut model.start(1), &mut Mode::Eval).to_vec();
    assert_eq!(logits(&model), logits(&copy));
}

#[test]
fn what_neither_family_has_is_refused() {
    let refused = |config: GptConfig| Pretrained::of(&config, None, vec![]).unwrap_err().to_string();
    let (gpt, llama) = (
        GptConfig { vocabulary: 7, context: 6, width: 8, heads: 2, layers: 2, bias: true, ..GptConfig::nanogpt() },
        GptConfig { vocabulary: 7, context: 6, width: 8, heads: 2, layers: 2, ..GptConfig::llama() },
    );
    for (config, words) in [
        (GptConfig { norm: NormKind::Rms(1e-5), ..gpt.clone() }, "gpt2, and that has no norm rms"),
        (GptConfig { gated: true, ..gpt.clone() }, "gpt2, and that has no gate"),
        (GptConfig { key_heads: Some(1), ..gpt }, "gpt2, and that has no key-heads"),
        (GptConfig { norm: NormKind::Layer(1e-5), ..llama.clone() }, "llama, and that has no norm layer"),
        (GptConfig { gated: false, ..llama }, "llama, and that has no feed-forward layer without a gate"),
    ] {
        let line = refused(config);
        assert!(line.starts_with("neither gpt2 nor llama can be this model: ") && line.contains(words), "{line}");
    }
}
