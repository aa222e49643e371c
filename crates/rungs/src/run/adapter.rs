//! Runs that keep an adapter in place of a model: a few numbers that are added to another run's
//! ([`crate::layers::lora`]).
//!
//! ```text
//! adapter.safetensors     blocks.0.attention.qkv.adapter.a, … .adapter.b, of every layer that is adapted
//!   its metadata          rank, α, targets and dropout; the run whose model is adapted, the SHA-256 of that model's
//!                         file and that of its tokens
//! ```
//! The file says itself what it belongs to. The model is looked for where it was when training began, or where it is
//! said to be by now, and any other than that one is refused: an adapter on another model gives a model, and nobody
//! could say why it writes badly.
//!
//! [`merge`](super::merge) makes a run folder with a whole model of the two.

use crate::data::Tokenizers;
use crate::layers::linear::for_each_linear;
use crate::layers::lora::adapt;
use crate::layers::{Dropout, LowRankConfig, Module};
use crate::model::Model;
use crate::settings::Lora;
use crate::tensor::Rng;
use crate::tensor::safetensors::{self, Header, Named};
use crate::trainer::Folder;
use crate::trainer::checkpoint::{ADAPTER_FILE, checksum};
use crate::trainer::error::setting;
use crate::{Error, Provenance};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;

/// The entry of the metadata.
pub(super) const ENTRY: &str = "adapter";

/// What an adapter says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belonging {
    /// How the model is adapted.
    pub lora: Lora,
    /// The run folder of the model, and the checksum of its weights.
    pub base: Provenance,
    /// The checksum of what its tokens are.
    pub tokens_sha256: String,
}

/// The checksum of `tokenizer.json`.
pub(super) fn sum(tokenizers: &Tokenizers) -> String {
    checksum(tokenizers.to_json().as_bytes())
}

/// Gives adapters to the matrices of a model that are chosen, as they are before training.
pub(super) fn prepare(model: &mut Model, lora: &Lora, seed: u64) -> Result<(), Error> {
    let mut layers = Vec::new();
    for_each_linear(model, &mut |name, layer| layers.push((name.to_owned(), layer.widths())));
    let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(part) = lora.targets.missing(&names) {
        // Blocks are alike: the layers of one are enough to choose from.
        let names: BTreeSet<&str> = names.iter().filter_map(|layer| layer.splitn(3, '.').nth(2)).collect();
        let names = Vec::from_iter(names).join(", ");
        let problem = format!("no matrix of this model is called {part}; there are {names}");
        return Err(Error::setting("lora-targets", problem));
    }
    for (name, [inputs, outputs]) in &layers {
        setting("lora", !lora.targets.take(name) || lora.rank <= *inputs.min(outputs), || {
            format!("a rank of {} is more than {name} ({inputs} by {outputs}) has", lora.rank)
        })?;
    }
    let config = LowRankConfig { rank: lora.rank, alpha: lora.alpha, dropout: Dropout::new(lora.dropout) };
    adapt(model, &config, &mut |name| lora.targets.take(name), &mut Rng::new(seed).fork("adapter"));
    Ok(())
}

/// The adapter in a run folder.
#[derive(Debug)]
pub(super) struct Adapter {
    pub(super) belonging: Belonging,
    weights: Named<f32>,
}

impl Adapter {
    /// None if the run has a whole model.
    pub(super) fn read(folder: &Folder) -> Result<Option<Self>, Error> {
        Ok(folder.checksum(ADAPTER_FILE).map(|_| folder.parse(ADAPTER_FILE, Self::from_bytes)).transpose()?)
    }

    /// Reads an adapter from the bytes of its file, or says what is wrong with them.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let header = Header::of(bytes).map_err(|error| error.to_string())?;
        let entry = header.metadata.get(ENTRY).ok_or("it does not say what it belongs to")?;
        let belonging = serde_json::from_str(entry).map_err(|error| format!("what it belongs to: {error}"))?;
        let weights = safetensors::read(bytes).map_err(|error| error.to_string())?;
        Ok(Self { belonging, weights })
    }

    /// How many numbers it has.
    pub(super) fn parameter_count(&self) -> u64 {
        self.weights.values().map(|array| array.size() as u64).sum()
    }

    /// A model with this adapter, that of the run in `path`, beside it; it records no graph.
    pub(super) fn applied_to(&self, mut model: Model, path: &Path) -> Result<Model, Error> {
        let mut weights = model.weights();
        prepare(&mut model, &self.belonging.lora, 0)?;
        weights.extend(self.weights.iter().map(|(name, array)| (name.clone(), array.clone())));
        model.load(&weights).map_err(|error| Error::file(path.join(ADAPTER_FILE), error))?;
        Ok(model.frozen())
    }
}
