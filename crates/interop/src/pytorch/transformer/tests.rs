//! Attention and Transformer layers of PyTorch: with its parameters ours compute what it computes, and what is written
//! is read back bit for bit.
//!
//! The numbers are in `tests/fixtures`, made by the script there. Every result is compared, and the gradient by every
//! input and by every parameter: PyTorch's own, which become ours through the very functions that load them.

use crate::ExchangeError;
use crate::golden_numbers::{arrays, assert_agree, below};
use crate::pytorch::transformer::{self, PyTorchLayer, Replace};
use rungs_layers::{
    Activation, Bias, Block, BlockConfig, CrossAttention, DecoderBlock, Dropout, Init, KeyValueCache, Linear, Mode,
    Module, Norm, NormPosition, Present, SelfAttention, TransformerDecoder, TransformerEncoder, parameters,
};
use rungs_tensor::safetensors::{self, Named};
use rungs_tensor::{Array, Element, Graph, Rng, Tensor, grad};
use std::collections::BTreeMap;

const VALUES: f64 = 1e-12;
const GRADIENTS: f64 = 1e-11;

/// The sizes of the fixtures.
const WIDTH: usize = 4;
const HEADS: usize = 2;
const HIDDEN: usize = 5;

fn x_present() -> Present {
    [0..3, 0..2].into()
}

fn source_present() -> Present {
    [0..4, 1..3].into()
}

/// Of one case, without its name: the arrays, and PyTorch's parameters.
fn case(name: &str) -> (Named<f64>, Named<f64>) {
    let golden = below(name, &arrays("exchange_transformer.safetensors"));
    let parameter =
        |(name, array): (&String, &Array<f64>)| Some((name.strip_prefix("parameters.")?.to_owned(), array.clone()));
    let parameters = golden.iter().filter_map(parameter).collect();
    (golden, parameters)
}

/// Output, and weights where the layer tells them, from x and a source where there is one.
type Results = (Tensor<f64>, Option<Tensor<f64>>);

/// Compares what a layer computes with PyTorch's parameters, and the gradients by them and by what it reads.
fn check<L: PyTorchLayer<f64>>(name: &str, mut layer: L, forward: impl Fn(&L, &Tensor<f64>, &Tensor<f64>) -> Results) {
    let (golden, parameters) = case(name);
    transformer::load(&mut layer, &parameters, "").unwrap();
    let x = Tensor::variable(golden["x"].clone());
    let source = golden.get("source").map(|source| Tensor::variable(source.clone()));
    let run = |layer: &L| forward(layer, &x, source.as_ref().unwrap_or(&x));
    let (output, weights) = run(&layer);
    assert_agree(&format!("{name}, output"), output.array(), &golden["output"], VALUES);
    assert_eq!(weights.is_some(), golden.contains_key("weights"), "{name}");
    if let Some(weights) = weights {
        assert_agree(&format!("{name}, weights"), weights.array(), &golden["weights"], VALUES);
    }

    let variables: BTreeMap<&String, Tensor<f64>> =
        parameters.iter().map(|(name, array)| (name, Tensor::variable(array.clone()))).collect();
    let mut exchanged = layer.clone();
    exchanged.exchange("", &mut |name, _| variables[&name].clone()).unwrap();
    let (output, _) = run(&exchanged);
    let total = (output * Tensor::constant(golden["cotangent"].clone())).sum();
    let inputs = [("x", Some(&x)), ("source", source.as_ref())];
    let inputs = inputs.into_iter().filter_map(|(name, input)| Some((name, input?)));
    for (target, tensor) in inputs.chain(variables.iter().map(|(name, variable)| (name.as_str(), variable))) {
        let [ours] = grad(&total, [tensor], Graph::Drop);
        let theirs = &golden[&format!("gradient.{target}")];
        assert_agree(&format!("{name}, gradient by {target}"), ours.array(), theirs, GRADIENTS);
    }
}

fn linear<E: Element>(inputs: usize, outputs: usize, bias: Bias) -> Linear<E> {
    Linear::new(inputs, outputs, bias, Init::Zeros, &mut Rng::new(0))
}

fn self_attention(bias: Bias) -> SelfAttention<f64> {
    SelfAttention::new(linear(WIDTH, 3 * WIDTH, bias), linear(WIDTH, WIDTH, bias), [HEADS; 2], Dropout::new(0.0))
}

fn cross_attention(source: usize) -> CrossAttention<f64> {
    let [query, pairs, projection] = [[WIDTH, WIDTH], [source, 2 * WIDTH], [WIDTH, WIDTH]]
        .map(|[inputs, outputs]| linear(inputs, outputs, Bias::Yes));
    CrossAttention::new(query, pairs, projection, [HEADS; 2], Dropout::new(0.0))
}

#[test]
fn multi_head_attention_computes_what_pytorch_computes() {
    let eval = || Mode::Eval;
    check("self", self_attention(Bias::Yes), |m, x, _| (m.forward(x, None, None, &mut eval()), None));
    let padded = |m: &SelfAttention<f64>, x: &Tensor<f64>, _: &Tensor<f64>| {
        (m.forward_padded(x, &x_present(), &mut eval()), None)
    };
    check("self_padded", self_attention(Bias::Yes), padded);
    let causal = self_attention(Bias::No).causal();
    check("causal", causal, |m, x, _| (m.forward(x, None, None, &mut eval()), None));
    let look = |m: &CrossAttention<f64>, x: &Tensor<f64>, source: &Tensor<f64>, present: Option<&Present>| {
        let memory = m.memory(source, present);
        (m.forward(x, &memory, &mut eval()), Some(m.weights(x, &memory)))
    };
    check("cross", cross_attention(WIDTH), |m, x, source| look(m, x, source, None));
    check("cross_padded", cross_attention(WIDTH), |m, x, source| look(m, x, source, Some(&source_present())));
    check("cross_wide", cross_attention(6), |m, x, source| look(m, x, source, Some(&source_present())));
}

fn config(norm_position: NormPosition, activation: Activation) -> BlockConfig {
    BlockConfig { feed_forward: HIDDEN, norm_position, activation, ..BlockConfig::vaswani(WIDTH, HEADS) }
}

fn decode(decoder: &TransformerDecoder<f64>, x: &Tensor<f64>, source: &Tensor<f64>) -> Tensor<f64> {
    let memories = decoder.memories(source, &source_present());
    let caches = &mut vec![KeyValueCache::new(); memories.len()];
    decoder.forward(x, &memories, caches, None, &mut Mode::Eval)
}

/// `nn.Transformer`, put together as a user would.
#[derive(Clone)]
struct Whole<E: Element> {
    encoder: TransformerEncoder<E>,
    decoder: TransformerDecoder<E>,
}

parameters!(Whole { encoder, decoder });

impl<E: Element> PyTorchLayer<E> for Whole<E> {
    fn exchange(&mut self, prefix: &str, replace: &mut Replace<'_, E>) -> Result<(), ExchangeError> {
        self.encoder.exchange(&format!("{prefix}encoder."), replace)?;
        self.decoder.exchange(&format!("{prefix}decoder."), replace)
    }
}

const PLACES: [(&str, NormPosition); 2] = [("pre", NormPosition::Pre), ("post", NormPosition::Post)];

#[test]
fn transformer_layers_compute_what_pytorchs_compute() {
    let rng = &mut Rng::new(1);
    for (place, norm_position) in PLACES {
        for (name, activation) in [("relu", Activation::Relu), ("gelu", Activation::Gelu)] {
            let config = config(norm_position, activation);
            check(&format!("encoder_layer_{place}_{name}"), Block::new(&config, rng), |block, x, _| {
                (block.forward_padded(x, &x_present(), &mut Mode::Eval), None)
            });
            check(&format!("decoder_layer_{place}_{name}"), DecoderBlock::new(&config, rng), |block, x, source| {
                let memory = block.cross.memory(source, Some(&source_present()));
                (block.forward(x, &memory, None, None, &mut Mode::Eval), None)
            });
        }
    }
}

#[test]
fn stacks_and_the_whole_compute_what_pytorchs_compute() {
    let rng = &mut Rng::new(2);
    for (place, norm_position) in PLACES {
        let config = config(norm_position, Activation::Relu);
        let (encoder, decoder) = (TransformerEncoder::new(&config, 2, rng), TransformerDecoder::new(&config, 2, rng));
        check(&format!("encoder_{place}"), encoder.clone(), |encoder, x, _| {
            (encoder.forward(x, &x_present(), &mut Mode::Eval), None)
        });
        check(&format!("decoder_{place}"), decoder.clone(), |decoder, x, source| (decode(decoder, x, source), None));
        // PyTorch's has a last norm in any case.
        let norm = || Some(Norm::new(config.norm, WIDTH, Bias::Yes));
        let whole = Whole {
            encoder: TransformerEncoder { norm: norm(), ..encoder },
            decoder: TransformerDecoder { norm: norm(), ..decoder },
        };
        check(&format!("transformer_{place}"), whole, |whole, x, source| {
            let source = whole.encoder.forward(source, &source_present(), &mut Mode::Eval);
            (decode(&whole.decoder, x, &source), None)
        });
    }
}

// Out and back, and what does not fit.

fn shaken<M: Module<f64>>(mut module: M, seed: u64) -> M {
    let rng = &mut Rng::new(seed);
    module.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 1.0, rng)));
    module
}

fn bits<M: Module<f64>>(module: &M) -> Vec<(String, Vec<u64>)> {
    let bits = |x: Tensor<f64>| x.to_vec().into_iter().map(f64::to_bits).collect();
    module.named().into_iter().map(|(name, x)| (name, bits(x))).collect()
}

fn out_and_back<L: PyTorchLayer<f64>>(layer: &L) {
    let (layer, mut copy) = (shaken(layer.clone(), 1), shaken(layer.clone(), 2));
    let file = transformer::save(&layer, "model.part.").unwrap();
    let file = safetensors::read(&safetensors::write(&file, None).unwrap()).unwrap();
    transformer::load(&mut copy, &file, "model.part.").unwrap();
    assert_eq!(bits(&copy), bits(&layer));
}

#[test]
fn what_goes_out_comes_back_bit_for_bit() {
    let rng = &mut Rng::new(3);
    out_and_back(&self_attention(Bias::No));
    out_and_back(&cross_attention(WIDTH));
    out_and_back(&cross_attention(7));
    for (_, norm_position) in PLACES {
        let config = config(norm_position, Activation::Relu);
        out_and_back(&TransformerEncoder::new(&config, 2, rng));
        out_and_back(&TransformerDecoder::new(&config, 2, rng));
        out_and_back(&TransformerDecoder::new(&BlockConfig { bias: Bias::No, ..config }, 1, rng));
    }
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let rng = &mut Rng::new(4);
    let config = config(NormPosition::Pre, Activation::Relu);
    let whole = transformer::save(&DecoderBlock::<f64>::new(&config, rng), "layer.").unwrap();
    let with = |name: &str, shape: &[usize]| {
        let mut file = whole.clone();
        file.insert(name.to_owned(), Array::zeros(shape));
        file
    };
    let mut without = whole.clone();
    without.remove("layer.multihead_attn.in_proj_bias");
    let wide = with("layer.linear1.weight", &[6, 4]);
    for (file, problem) in [
        (&without, "missing: layer.multihead_attn.in_proj_bias"),
        (&wide, "wrong shape: layer.linear1.weight is (6, 4) where (5, 4) is needed"),
        (&with("layer.self_attn.bias_k", &[1, 1, 4]), "unexpected: layer.self_attn.bias_k"),
    ] {
        let mut block = shaken(DecoderBlock::<f64>::new(&config, rng), 5);
        let before = bits(&block);
        let error = transformer::load(&mut block, file, "layer.").unwrap_err();
        assert_eq!(error.to_string(), format!("tensors do not fit the model: {problem}"));
        assert_eq!(bits(&block), before);
    }
    // A decoder's layer is not an encoder's; what stands beside the layer does not matter, and what is frozen stays so.
    let mut block = Block::<f64>::new(&config, rng);
    let error = transformer::load(&mut block, &whole, "layer.").unwrap_err().to_string();
    assert!(error.contains("unexpected: layer.multihead_attn.in_proj_bias"), "{error}");
    let mut frozen = DecoderBlock::<f64>::new(&config, rng).detached();
    transformer::load(&mut frozen, &with("layer.embedding.weight", &[2, 4]), "layer.").unwrap();
    assert!(frozen.named().iter().all(|(_, parameter)| !parameter.is_tracked()));

    let shared = Block::<f64>::new(&BlockConfig { key_heads: 1, ..config }, rng);
    let error = transformer::save(&shared, "").unwrap_err().to_string();
    assert_eq!(error, "PyTorch has no attention whose 2 heads of queries share 1 heads of keys");
    block.feed_forward.gate = Some(linear(WIDTH, HIDDEN, Bias::Yes));
    let error = transformer::save(&block, "").unwrap_err().to_string();
    assert_eq!(error, "PyTorch's Transformer layers have no gate in their feed-forward part");
}
