//! Which of their tensors becomes which of ours, and how: one list for each family, read in both directions.

use super::pretrained::{Family, HuggingFaceError, Pretrained};
use rungs_layers::{LoadError, Misshapen, NormKind};
use rungs_models::GptConfig;
use rungs_tensor::safetensors::Named;
use rungs_tensor::{Array, Element, Shape, Tensor};
use std::collections::{BTreeMap, BTreeSet};

/// The head's name, before which no prefix stands.
const HEAD: &str = "lm_head.weight";

/// A tensor of ours and where it is in theirs.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Theirs, whose columns lie side by side in ours: each with its shape as it is in the file. The prefix is left
    /// out.
    pub theirs: Vec<(String, Shape)>,
    /// Whether they keep outputs first.
    pub transposed: bool,
}

/// The places of all parameters of a model.
struct Places {
    places: Vec<Place>,
    /// Whether matrices are kept with outputs first.
    transposed: bool,
}

impl Places {
    /// A tensor that is the same there.
    fn same(&mut self, ours: impl Into<String>, theirs: impl Into<String>, shape: impl Into<Shape>) {
        self.places.push(Place { name: ours.into(), theirs: vec![(theirs.into(), shape.into())], transposed: false });
    }

    fn norm(&mut self, ours: &str, theirs: &str, width: usize, kind: NormKind) {
        self.same(format!("{ours}.gain"), format!("{theirs}.weight"), width);
        if matches!(kind, NormKind::Layer(_)) {
            self.same(format!("{ours}.bias"), format!("{theirs}.bias"), width);
        }
    }

    /// A linear layer of ours, made of one or more of theirs with the same input.
    fn linear(&mut self, ours: &str, inputs: usize, theirs: &[(String, usize)], bias: bool) {
        let shape = |outputs| Shape::from(if self.transposed { [outputs, inputs] } else { [inputs, outputs] });
        let weights = theirs.iter().map(|(name, outputs)| (format!("{name}.weight"), shape(*outputs))).collect();
        self.places.push(Place { name: format!("{ours}.weight"), theirs: weights, transposed: self.transposed });
        if bias {
            let biases = theirs.iter().map(|(name, outputs)| (format!("{name}.bias"), Shape::from(*outputs))).collect();
            self.places.push(Place { name: format!("{ours}.bias"), theirs: biases, transposed: false });
        }
    }
}

impl Pretrained {
    /// Where each of our parameters is in theirs.
    pub fn places(&self) -> Vec<Place> {
        let GptConfig { vocabulary, context, width: d, heads, layers, norm, tied, .. } = self.config;
        let (h, keys) = (self.config.feed_forward(), d / heads * self.config.key_heads());
        let is_llama = self.family == Family::Llama;
        let bias = self.config.bias || !is_llama; // GPT-2 always has them
        let (tokens, block, [norm_1, norm_2, last_norm]) = match is_llama {
            false => ("wte", "h", ["ln_1", "ln_2", "ln_f"]),
            true => ("embed_tokens", "layers", ["input_layernorm", "post_attention_layernorm", "norm"]),
        };
        let (qkv, [projection, up, down]) = match is_llama {
            false => (vec![("attn.c_attn", 3 * d)], ["attn.c_proj", "mlp.c_fc", "mlp.c_proj"]),
            true => (
                vec![("self_attn.q_proj", d), ("self_attn.k_proj", keys), ("self_attn.v_proj", keys)],
                ["self_attn.o_proj", "mlp.up_proj", "mlp.down_proj"],
            ),
        };
        let mut places = Places { places: Vec::new(), transposed: is_llama };
        places.same("token_embedding.weight", format!("{tokens}.weight"), [vocabulary, d]);
        if !is_llama {
            places.same("position_embedding.weight", "wpe.weight", [context, d]);
        }
        for i in 0..layers {
            let ours = |part: &str| format!("blocks.{i}.{part}");
            let theirs = |part: &str| format!("{block}.{i}.{part}");
            let linear = |places: &mut Places, part, inputs, of: &[(&str, usize)]| {
                let of: Vec<_> = of.iter().map(|&(name, outputs)| (theirs(name), outputs)).collect();
                places.linear(&ours(part), inputs, &of, bias);
            };
            places.norm(&ours("norm_1"), &theirs(norm_1), d, norm);
            linear(&mut places, "attention.qkv", d, &qkv);
            linear(&mut places, "attention.projection", d, &[(projection, d)]);
            places.norm(&ours("norm_2"), &theirs(norm_2), d, norm);
            if is_llama {
                linear(&mut places, "feed_forward.gate", d, &[("mlp.gate_proj", h)]);
            }
            linear(&mut places, "feed_forward.up", d, &[(up, h)]);
            linear(&mut places, "feed_forward.down", h, &[(down, d)]);
        }
        places.norm("final_norm", last_norm, d, norm);
        if !tied {
            places.same("head.weight", HEAD, [vocabulary, d]);
        }
        places.places
    }

    /// Whether a tensor of this name, without its prefix, is no parameter: a mask, or the angles of rotary positions,
    /// which older files hold.
    fn is_constant(&self, name: &str) -> bool {
        match self.family {
            Family::Gpt2 => name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias"),
            Family::Llama => name.ends_with("rotary_emb.inv_freq"),
        }
    }
}

/// Our parameters, from theirs. `shapes` has the tensors of all their files, and `fetch` gives the numbers of one, by
/// its name there; one is asked for at a time, and nothing before names and shapes are known to fit.
///
/// # Errors
/// If tensors are missing, superfluous or of another shape, or one has a number that is not finite, or `fetch` fails.
pub fn read<E: Element>(
    pretrained: &Pretrained,
    shapes: &BTreeMap<String, Vec<usize>>,
    fetch: &mut dyn FnMut(&str) -> Result<Array<E>, HuggingFaceError>,
) -> Result<Named<E>, HuggingFaceError> {
    let names = check(pretrained, shapes)?;
    let mut fetch = |base: &str| {
        let name = names[base];
        let array = fetch(name)?;
        if array.is_finite() {
            Ok(array)
        } else {
            Err(HuggingFaceError::tensor(name, "it has a number that is not finite"))
        }
    };
    let mut ours = Named::new();
    for Place { name, theirs, transposed } in pretrained.places() {
        let part = |(name, _): &(String, Shape)| -> Result<Tensor<E>, HuggingFaceError> {
            let tensor = Tensor::constant(fetch(name)?);
            Ok(if transposed { tensor.t() } else { tensor })
        };
        let parts: Vec<Tensor<E>> = theirs.iter().map(part).collect::<Result<_, _>>()?;
        let whole = if let [one] = parts.as_slice() { one.clone() } else { Tensor::concat(&parts, -1) };
        ours.insert(name, whole.array().contiguous());
    }
    // A tied head is not always left out.
    if pretrained.config.tied && names.contains_key(HEAD) && fetch(HEAD)? != ours["token_embedding.weight"] {
        return Err(HuggingFaceError::tensor(HEAD, "it is not the embedding, though tie_word_embeddings is true"));
    }
    Ok(ours)
}

/// That their tensors are those of this model: the name in the file of every tensor that is wanted, by its name without
/// the prefix.
fn check<'n>(
    pretrained: &Pretrained,
    shapes: &'n BTreeMap<String, Vec<usize>>,
) -> Result<BTreeMap<String, &'n str>, HuggingFaceError> {
    let prefix = pretrained.family.prefix();
    let (mut names, mut twice): (BTreeMap<String, &str>, Vec<String>) = Default::default();
    for name in shapes.keys() {
        let base = name.strip_prefix(prefix).unwrap_or(name);
        if !pretrained.is_constant(base) && names.insert(base.to_owned(), name).is_some() {
            twice.push(name.clone());
        }
    }
    // Missing tensors are called as the others in this file are.
    let prefixed = shapes.is_empty() || shapes.keys().any(|name| name.starts_with(prefix));
    let full = |base: &str| if prefixed && base != HEAD { format!("{prefix}{base}") } else { base.to_owned() };
    let mut error = LoadError { unexpected: twice, ..LoadError::default() };
    let mut left: BTreeSet<&str> = names.keys().map(String::as_str).collect();
    let places = pretrained.places();
    let head = (HEAD.to_owned(), Shape::from([pretrained.config.vocabulary, pretrained.config.width]));
    let tied = (pretrained.config.tied && names.contains_key(HEAD)).then_some(&head);
    for (base, expected) in places.iter().flat_map(|place| &place.theirs).chain(tied) {
        left.remove(base.as_str());
        match names.get(base).map(|name| (*name, &shapes[*name])) {
            None => error.missing.push(full(base)),
            Some((name, found)) if *found != expected.to_vec() => {
                let found = Shape::checked(found).map_err(|problem| HuggingFaceError::tensor(name, problem))?;
                let (name, expected) = (name.to_owned(), *expected);
                error.misshapen.push(Misshapen { name, expected, found });
            }
            Some(_) => {}
        }
    }
    error.unexpected.extend(left.into_iter().map(|base| names[base].to_owned()));
    error.into_result()?;
    Ok(names)
}

/// Their tensors, from our parameters, with their prefix. GPT-2 always has biases: where ours have none they are zeros.
///
/// # Panics
/// If a parameter is missing or of another shape.
pub fn write<E: Element>(pretrained: &Pretrained, ours: &Named<E>) -> Named<E> {
    let prefix = pretrained.family.prefix();
    let mut named = Named::new();
    for Place { name, theirs, transposed } in pretrained.places() {
        let widths: Vec<usize> =
            theirs.iter().map(|(_, shape)| if transposed { shape.dim(0) } else { shape.last() }).collect();
        let whole = match ours.get(&name) {
            Some(array) => Tensor::constant(array.clone()),
            None if name.ends_with(".bias") => Tensor::constant(Array::zeros(widths.iter().sum::<usize>())),
            None => panic!("huggingface: the parameter {name} is missing"),
        };
        let parts = if theirs.len() == 1 { vec![whole] } else { whole.split(-1, &widths) };
        for ((base, shape), part) in theirs.into_iter().zip(parts) {
            let part = if transposed { part.t() } else { part };
            assert!(part.shape() == shape, "huggingface: {name} has the shape {}", part.shape());
            let full = if base == HEAD { base } else { format!("{prefix}{base}") };
            named.insert(full, part.array().contiguous());
        }
    }
    named
}
