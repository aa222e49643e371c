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
//! [`merge`] makes a run folder with a whole model of the two.

use crate::layers::linear::for_each_linear;
use crate::layers::lora::{self, adapt};
use crate::layers::{Dropout, LowRankConfig, Module};
use crate::model::Model;
use crate::run::NO_ADAPTER;
use crate::settings::{FineTuning, Lora};
use crate::tensor::Rng;
use crate::tensor::safetensors::{self, Header, Named};
use crate::tokens::TOKENIZER_FILE;
use crate::trainer::Folder;
use crate::trainer::checkpoint::{ADAPTER_FILE, Contents, MODEL_FILE, checksum};
use crate::{Error, Run, RunConfig, SavedRun, Source, Tokens};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The entry of the metadata.
pub(crate) const ENTRY: &str = "adapter";

/// What an adapter says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Belonging {
    /// How the model is adapted.
    pub lora: Lora,
    /// The run folder of the model, and the checksum of its weights.
    pub base: Source,
    /// The checksum of what its tokens are.
    pub tokens_sha256: String,
}

impl Belonging {
    pub(crate) fn new(lora: Lora, base: Source, tokens: &Tokens) -> Self {
        Self { lora, base, tokens_sha256: tokens_sum(tokens) }
    }

    /// As it stands in the file's metadata.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings are JSON")
    }
}

fn tokens_sum(tokens: &Tokens) -> String {
    checksum(tokens.to_json().as_bytes())
}

/// Gives adapters to the matrices of a model that are chosen, as they are before training.
pub(crate) fn prepare(model: &mut Model, lora: &Lora, seed: u64) -> Result<(), Error> {
    let mut layers = Vec::new();
    let mut too_small = None;
    for_each_linear(model, &mut |name, layer| {
        let [inputs, outputs] = layer.widths();
        if lora.targets.take(name) && lora.rank > inputs.min(outputs) {
            too_small.get_or_insert_with(|| {
                format!("a rank of {} is more than {name} ({inputs} by {outputs}) has", lora.rank)
            });
        }
        layers.push(name.to_owned());
    });
    if let Some(part) = lora.targets.missing(&layers) {
        // Blocks are alike: the layers of one are enough to choose from.
        let without_number = |layer: &String| layer.splitn(3, '.').nth(2).map(str::to_owned);
        let mut names: Vec<String> = layers.iter().filter_map(without_number).collect();
        names.sort_unstable();
        names.dedup();
        let problem = format!("no matrix of this model is called {part}; there are {}", names.join(", "));
        return Err(Error::setting("lora-targets", problem));
    }
    if let Some(problem) = too_small {
        return Err(Error::setting("lora", problem));
    }
    let config = LowRankConfig { rank: lora.rank, alpha: lora.alpha, dropout: Dropout::new(lora.dropout) };
    adapt(model, &config, &mut |name| lora.targets.take(name), &mut Rng::new(seed).fork("adapter"));
    Ok(())
}

/// The adapter in a run folder.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) belonging: Belonging,
    weights: Named<f32>,
}

impl Adapter {
    /// None if the run has a whole model.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Self>, Error> {
        if !folder.files().any(|file| file == ADAPTER_FILE) {
            return Ok(None);
        }
        let damaged = |problem: String| Error::File { path: folder.path().join(ADAPTER_FILE), problem };
        let bytes = folder.read(ADAPTER_FILE)?;
        let header = Header::of(&bytes).map_err(|error| damaged(error.to_string()))?;
        let entry =
            header.metadata.get(ENTRY).ok_or_else(|| damaged("it does not say what it belongs to".to_owned()))?;
        let belonging = serde_json::from_str(entry).map_err(|error| damaged(format!("what it belongs to: {error}")))?;
        let weights = safetensors::read(&bytes).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Self { belonging, weights }))
    }

    /// How many numbers it has.
    pub(crate) fn parameter_count(&self) -> u64 {
        self.weights.values().map(|array| array.size() as u64).sum()
    }

    /// The run of the model that it adapts, in `moved` or where it was; `path` is the adapter's own.
    pub(crate) fn base(&self, path: &Path, moved: Option<&Path>) -> Result<SavedRun, Error> {
        let Belonging { base, tokens_sha256, .. } = &self.belonging;
        let was = Path::new(&base.name);
        let place = moved.unwrap_or(was);
        let run = SavedRun::open(place).map_err(|error| match place == was {
            false => error,
            true => Error::File {
                path: path.to_owned(),
                problem: format!(
                    "the model that it adapts is gone: {error}; --base DIR says where it is, --from DIR to train"
                ),
            },
        })?;
        let other = |problem: String| Error::File {
            path: run.path().to_owned(),
            problem: format!("not the model that {} adapts, which was {}: {problem}", path.display(), base.name),
        };
        match run.checksum(MODEL_FILE) {
            Some(found) if found == base.sha256 => {}
            Some(found) => return Err(other(format!("its {MODEL_FILE} has checksum {found}, not {}", base.sha256))),
            None => return Err(other(format!("there is no {MODEL_FILE}, whose checksum is {}", base.sha256))),
        }
        match tokens_sum(&run.tokens) == *tokens_sha256 {
            true => Ok(run),
            false => Err(other("its tokens are others".to_owned())),
        }
    }

    /// The model of `base` with this adapter; it records no graph.
    pub(crate) fn model(&self, base: &SavedRun, path: &Path) -> Result<Model, Error> {
        let mut model = base.model()?;
        let mut weights: Named<f32> = values(&model);
        prepare(&mut model, &self.belonging.lora, 0)?;
        weights.extend(self.weights.iter().map(|(name, array)| (name.clone(), array.clone())));
        model
            .load(&weights)
            .map_err(|error| Error::File { path: path.join(ADAPTER_FILE), problem: error.to_string() })?;
        Ok(model.frozen())
    }
}

/// The parameters of a model by name, sharing their storage.
pub(crate) fn values(model: &Model) -> Named<f32> {
    let mut values = Named::new();
    model.for_each(&mut |name, parameter| drop(values.insert(name.to_owned(), parameter.array().clone())));
    values
}

/// Makes a run folder `out` with a whole model, that of the run with its adapter merged. It is a run like one that was
/// imported.
///
/// # Errors
/// If the run has no adapter, or the model that it adapts is not there, or something is in the way of `out`. Then
/// nothing is written.
pub fn merge(run: &SavedRun, out: &Path) -> Result<SavedRun, Error> {
    Run::check_free(out)?;
    if run.adapter()?.is_none() {
        return Err(Error::File { path: run.path().to_owned(), problem: NO_ADAPTER.to_owned() });
    }
    let mut model = run.model()?;
    lora::merge(&mut model);
    let weights = values(&model);
    drop(model);
    let mut settings = run.config.settings.clone();
    settings.fine_tuning = FineTuning::default();
    let config = RunConfig { settings, text: run.source(), validation: None, from: run.config.from.clone() };
    let tokens = run.tokens.to_json();
    let (model, tokens): (Contents<'_>, Contents<'_>) =
        (Box::new(|to| safetensors::write_to(&weights, None, to)), Box::new(|to| to.write_all(tokens.as_bytes())));
    let files = [(MODEL_FILE.to_owned(), model), (TOKENIZER_FILE.to_owned(), tokens)];
    let settings = serde_json::to_value(config).expect("settings are plain values");
    Folder::create(out)?.save_contents(settings, &files)?;
    SavedRun::open(out)
}
